"""A property that is computed when it is first asked for, and kept on the object.

As `functools.cached_property`, which in Python 3.11 takes a lock each time. One trace is read in one thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

Owner = TypeVar("Owner")
Value = TypeVar("Value")


class computed_once(Generic[Owner, Value]):  # noqa: N801  used as a decorator, as `property` is
    """Decorate a method without arguments: its value is an attribute of the object from the first call on."""

    def __init__(self, compute: Callable[[Owner], Value]) -> None:
        self._compute = compute
        self._name = compute.__name__
        self.__doc__ = compute.__doc__

    @overload
    def __get__(self, owner: None, kind: Any = None) -> computed_once[Owner, Value]: ...

    @overload
    def __get__(self, owner: Owner, kind: Any = None) -> Value: ...

    def __get__(self, owner: Owner | None, kind: Any = None) -> computed_once[Owner, Value] | Value:
        if owner is None:
            return self
        value = self._compute(owner)
        setattr(owner, self._name, value)  # to reach for `__dict__` would make each later look-up slower
        return value
