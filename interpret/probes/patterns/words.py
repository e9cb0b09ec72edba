"""The words that texts are made of: common ones, each of which takes a regular plural."""

from __future__ import annotations

from typing import Final

_NOUNS: Final = """
    actor artist author baker banker bird boy brother cat chef clerk cousin cow dancer doctor dog driver duck farmer
    friend girl goat guard guest horse judge king lawyer manager neighbor nurse owner painter pilot player poet rabbit
    sailor singer sister soldier student teacher tiger waiter worker writer
"""
NOUNS: Final = tuple(_NOUNS.split())  # who and what may stand in any sentence of `subjects`
