"""What the log refuses, and in which words. One root, so that a verifier can catch all of it at one place."""

from __future__ import annotations


class LogError(ValueError):
    """The log's data, or a text about it, does not hold."""


class ProofRefused(LogError):
    """A proof does not lead from what it is about to the root it is checked against."""


class OutsideTree(LogError):
    """An index or a size that the tree does not have."""


class MissingNode(LogError):
    """A node of the tree that its storage does not give: a tile is missing or too narrow."""


class MalformedPath(LogError):
    """A path that names no tile and no entry bundle."""


class MalformedBundle(LogError):
    """An entry bundle whose length prefixes do not add up, or an entry too long for one."""


class MalformedNote(LogError):
    """A text that is no C2SP signed note, verifier key, checkpoint or log proof."""


class SignatureRefused(LogError):
    """No trusted key signed the note, or a trusted key's signature does not verify."""


class TimestampRefused(LogError):
    """An answer of a time-stamping authority that is none, or not to the question."""
