"""Tables of values: how long a cell may be, which Python keeps once for the whole process.

Set when this is first read, so that a file is read in the same way whatever was read before it.
"""

from __future__ import annotations

import csv
from typing import Final

# An answer with what was retrieved for it is longer than Python's 131,072.
MAX_CELL: Final = 10_000_000  # characters

csv.field_size_limit(MAX_CELL)

read_rows: Final = csv.reader
