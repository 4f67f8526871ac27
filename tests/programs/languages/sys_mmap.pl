# SPDX-License-Identifier: BSD-2-Clause
# A participant of the exchange (see exchange.py): Perl's Sys::Mmap. Its other interface, variables
# that are tied to a path, cannot unmap: its destructor gives munmap(2) a wrong address.
use v5.36;
use autodie qw(truncate);
use FindBin;
use lib $FindBin::Bin;
use parent 'Participant';
use Sys::Mmap qw(PROT_READ PROT_WRITE MAP_SHARED);

sub map ($self) {
    Sys::Mmap::mmap($self->{mapping}, 0, PROT_READ | PROT_WRITE,
        MAP_SHARED, $self->{file}) or die "mmap: $!\n";
    return;
}

sub unmap ($self) {
    Sys::Mmap::munmap($self->{mapping}) or die "munmap: $!\n";
    return;
}

sub grow ($self, $size) {
    truncate $self->{file}, $size;
    $self->remap;
    return;
}

# The module has no msync: the end of a mapping is all that a program can ask for.
sub sync ($self) {
    return;
}

__PACKAGE__->converse;
