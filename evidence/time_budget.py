"""How long work may go on before it makes room for other work. What is left is done by the next call."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from threading import Event


@dataclass(frozen=True, slots=True)
class TimeBudget:
    """A span of time that began when it was made. It says when to stop, never what the outcome is."""

    ends: float  # seconds, of a clock that nobody can set
    stopped: Event | None = None  # set by whoever cannot wait for it

    @classmethod
    def of(cls, seconds: float) -> TimeBudget:
        """Return a budget of so many seconds from now on."""
        return cls(time.monotonic() + seconds)

    def until(self, stopped: Event) -> TimeBudget:
        """Return the same budget, which is spent earlier where an event is set."""
        return replace(self, stopped=stopped)

    def is_spent(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() >= self.ends or (self.stopped is not None and self.stopped.is_set())
