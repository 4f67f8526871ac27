# SPDX-License-Identifier: BSD-2-Clause
# A participant of the exchange (see exchange.py): Ruby's Mmap (the gem mmap2).
require 'mmap'

# Each order is a method; what that returns is the answer.
class Participant
  def make(path, size)
    @file = File.open(path, File::RDWR | File::CREAT | File::EXCL, 0o600)
    @file.truncate(size.to_i)
    map
  end

  def open(path)
    @file = File.open(path, File::RDWR)
    map
  end

  def store(offset, text)
    @mapping[offset.to_i, text.length] = text
    nil
  end

  def load(offset, length)
    @mapping[offset.to_i, length.to_i]
  end

  def write(offset, text)
    @file.pwrite(text, offset.to_i)
    nil
  end

  def read(offset, length)
    @file.pread(length.to_i, offset.to_i)
  end

  # Makes the file larger, and fills it: what is only reserved is taken back at the end.
  def grow(size)
    more = size.to_i - @mapping.size
    @mapping.extend(more)
    @mapping << ("\0" * more)
    nil
  end

  def remap
    @mapping.unmap
    map
    @mapping.size
  end

  def sync
    @mapping.msync
    nil
  end

  def close
    @mapping.unmap
    @file.close
  end

  private

  def map
    @mapping = Mmap.new(@file.path, 'rw', Mmap::MAP_SHARED)
    nil
  end
end

$stdout.sync = true
participant = Participant.new
$stdin.each_line do |line|
  order, *words = line.split
  answer = participant.public_send(order, *words)
  puts answer.nil? ? 'ok' : "ok #{answer}"
rescue StandardError => e # whatever it is, the other side is to hear of it
  puts e.inspect
end
