<?php
// SPDX-License-Identifier: BSD-2-Clause
// A participant of the exchange (see exchange.py): PHP has no mmap of its own, but can call the C
// library's.
declare(strict_types=1);

final class Participant
{
    private const READ_WRITE = 3;  // PROT_READ | PROT_WRITE
    private const SHARED = 1;      // MAP_SHARED
    private const NOW = 4;         // MS_SYNC

    private FFI $c;
    private ?FFI\CData $mapping = null;
    private int $size = 0;
    private int $number;
    /** @var resource */
    private $file;
    private string $path;

    public function __construct()
    {
        $this->c = FFI::cdef(<<<'C'
            void *mmap(void *address, size_t length, int protection, int flags, int fd,
                       long offset);
            int munmap(void *address, size_t length);
            int msync(void *address, size_t length, int flags);
            int open(const char *path, int flags);
            int close(int fd);
            C);
    }

    public function make(string $path, string $size): void
    {
        $this->begin($path, 'x+');
        ftruncate($this->file, (int) $size);
        $this->map();
    }

    public function open(string $path): void
    {
        $this->begin($path, 'r+');
        $this->map();
    }

    public function store(string $offset, string $text): void
    {
        FFI::memcpy($this->mapping + (int) $offset, $text, strlen($text));
    }

    public function load(string $offset, string $length): string
    {
        return FFI::string($this->mapping + (int) $offset, (int) $length);
    }

    public function write(string $offset, string $text): void
    {
        fseek($this->file, (int) $offset);
        fwrite($this->file, $text);
    }

    public function read(string $offset, string $length): string
    {
        fseek($this->file, (int) $offset);
        return fread($this->file, (int) $length);
    }

    public function grow(string $size): void
    {
        ftruncate($this->file, (int) $size);
        $this->remap();
    }

    public function remap(): string
    {
        $this->unmap();
        $this->map();
        return (string) $this->size;
    }

    public function sync(): void
    {
        $this->must($this->c->msync($this->mapping, $this->size, self::NOW) === 0, 'msync');
    }

    public function close(): void
    {
        $this->unmap();
        $this->c->close($this->number);
        fclose($this->file);
    }

    /** PHP does not tell the number of its own descriptor, so the C library opens another. */
    private function begin(string $path, string $mode): void
    {
        $this->path = $path;
        $this->file = fopen($path, $mode);
        stream_set_read_buffer($this->file, 0);
        $this->number = $this->c->open($path, 2);  // O_RDWR
        $this->must($this->number >= 0, 'open');
    }

    private function map(): void
    {
        $this->size = fstat($this->file)['size'];
        $address = $this->c->mmap(null, $this->size, self::READ_WRITE, self::SHARED,
                                  $this->number, 0);
        $this->must($this->c->cast('intptr_t', $address)->cdata !== -1, 'mmap');
        $this->mapping = $this->c->cast('char *', $address);
    }

    private function unmap(): void
    {
        $this->must($this->c->munmap($this->mapping, $this->size) === 0, 'munmap');
    }

    private function must(bool $well, string $what): void
    {
        if (!$well) {
            throw new RuntimeException("$what failed");
        }
    }
}

set_error_handler(function (int $level, string $message): never {
    throw new ErrorException($message);
});
$participant = new Participant();
while (($line = fgets(STDIN)) !== false) {
    $words = explode(' ', rtrim($line));
    try {
        $answer = $participant->{array_shift($words)}(...$words);
        echo $answer === null ? "ok\n" : "ok $answer\n";
    } catch (Throwable $error) {  // whatever it is, the other side is to hear of it
        echo get_class($error), ': ', $error->getMessage(), "\n";
    }
}
