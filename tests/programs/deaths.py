# SPDX-License-Identifier: BSD-2-Clause
"""The lines that a mount writes when the process that served it was killed, as --kill does."""


def without_deaths(text):
    """All but these lines."""
    return "".join(line for line in text.splitlines(keepends=True)
                   if "was killed by signal 9" not in line)
