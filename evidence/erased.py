"""What stands where something was erased: in rows, in files, and in what is left of a request."""

from __future__ import annotations

from typing import Final

ERASED_TEXT: Final = "[erased]"
ERASED_KEY: Final = "tracebinder.erased"  # the only key of an erased JSON object
