# SPDX-License-Identifier: BSD-2-Clause
# A participant of the exchange (see exchange.py): Perl's File::Map.
use v5.36;
use autodie qw(truncate);
use FindBin;
use lib $FindBin::Bin;
use parent 'Participant';
use File::Map ();

sub map ($self) {
    File::Map::map_handle($self->{mapping}, $self->{file}, '+<');
    return;
}

sub unmap ($self) {
    File::Map::unmap($self->{mapping});
    return;
}

# The mapping is made longer where it is, with mremap(2).
sub grow ($self, $size) {
    truncate $self->{file}, $size;
    File::Map::remap($self->{mapping}, $size);
    return;
}

sub sync ($self) {
    File::Map::sync($self->{mapping});
    return;
}

__PACKAGE__->converse;
