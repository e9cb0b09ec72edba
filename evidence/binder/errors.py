"""Why a binder was not written."""

from __future__ import annotations


class BinderError(Exception):
    """A binder that cannot be written as asked. The message says what to change."""


class UnsafePath(BinderError):
    """A file's path could not be unpacked in the same way on every system, so it is not packed at all."""


class UnknownSchema(BinderError):
    """A file names a schema that `evidence/binder/schemas` does not hold."""
