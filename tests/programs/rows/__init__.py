# SPDX-License-Identifier: BSD-2-Clause
"""All rows of the table, in its order: by tier and name."""
import importlib
import os
import pkgutil


def all_rows():
    """One instance of each."""
    rows = []
    for module in pkgutil.iter_modules([os.path.dirname(__file__)]):
        rows += getattr(importlib.import_module(f"rows.{module.name}"), "ROWS", [])
    return sorted(rows, key=lambda row: (row.tier, row.name.lower()))
