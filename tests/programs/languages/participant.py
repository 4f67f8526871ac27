# SPDX-License-Identifier: BSD-2-Clause
"""The code that participants in Python share."""
import sys


def serve(participant):
    """Each line of the standard input is a method and its words; what it returns is the answer."""
    for line in sys.stdin:
        order, *words = line.split()
        try:
            answer = getattr(participant, order)(*words)
            print("ok" if answer is None else f"ok {answer}", flush=True)
        except Exception as error:  # whatever it is, the other side is to hear of it
            print(repr(error), flush=True)
