# SPDX-License-Identifier: BSD-2-Clause
"""The exceptions that a row raises when its program did not see what it should."""


class Failure(Exception):
    """One line for the person who reads the log."""


class Missing(Exception):
    """The machine lacks what the row needs: the line names it."""


class Gone(Missing):
    """Its release of Debian lacks it too: nobody can install it."""


def expect(what, found, wanted):
    """Raises a Failure unless what was found is what was wanted."""
    if found != wanted:
        raise Failure(f"{what}: {found!r}, wanted {wanted!r}")
