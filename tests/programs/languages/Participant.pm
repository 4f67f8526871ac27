# SPDX-License-Identifier: BSD-2-Clause
# A participant of the exchange (see exchange.py), but for how it maps: that is for the modules'
# own scripts to say, in map, unmap, grow and sync.
package Participant;
use v5.36;
use autodie qw(sysopen sysread sysseek syswrite truncate);
use Fcntl;

sub make ($self, $path, $size) {
    sysopen $self->{file}, $path, O_RDWR | O_CREAT | O_EXCL, 0600;
    truncate $self->{file}, $size;
    return $self->map;
}

sub open ($self, $path) {
    sysopen $self->{file}, $path, O_RDWR;
    return $self->map;
}

sub store ($self, $offset, $text) {
    substr($self->{mapping}, $offset, length $text) = $text;
    return;
}

sub load ($self, $offset, $length) {
    return substr $self->{mapping}, $offset, $length;
}

sub write ($self, $offset, $text) {
    sysseek $self->{file}, $offset, 0;
    syswrite $self->{file}, $text;
    return;
}

sub read ($self, $offset, $length) {
    sysseek $self->{file}, $offset, 0;
    sysread $self->{file}, (my $text), $length;
    return $text;
}

sub remap ($self) {
    $self->unmap;
    $self->map;
    return length $self->{mapping};
}

sub close ($self) {
    $self->unmap;
    CORE::close $self->{file} or die "close: $!\n";
    return;
}

sub converse ($class) {
    my $self = bless { mapping => undef }, $class;
    $| = 1;
    while (my $line = readline STDIN) {
        my ($order, @words) = split ' ', $line;
        my $answer = eval { $self->$order(@words) };
        say $@ ? $@ =~ s/\n.*//sr : defined $answer ? "ok $answer" : 'ok';
    }
    return;
}

1;
