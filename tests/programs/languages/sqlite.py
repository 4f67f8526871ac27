# SPDX-License-Identifier: BSD-2-Clause
"""Answers each statement with its first row (see exchange.py): SQLite's library, in Python."""
import sqlite3
import sys


def answer(connection, statement):
    try:
        row = connection.execute(statement).fetchone()
    except sqlite3.Error as error:
        return str(error)
    return "ok " + " ".join(str(value) for value in row or ())


def main():
    connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=0)
    for line in sys.stdin:
        print(answer(connection, line), flush=True)
    connection.close()


main()
