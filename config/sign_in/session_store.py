"""Sessions in the database, as Django keeps them, each read by a statement that the database has planned before."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends.db import SessionStore as _StoredByDjango
from django.utils import timezone

from evidence.selectors.signed_in import read_session


class SessionStore(_StoredByDjango):
    """Django's, but for how one is read: every page of a browser begins with that."""

    def load(self) -> dict[str, Any]:
        """Return what the session holds; of one that is not there, or over, nothing, and it is given another key."""
        now = timezone.now()  # by which Django says when it expires
        kept = read_session(self.session_key, at=now) if self.session_key else None
        if kept is None:
            self._session_key = None
            return {}
        held: dict[str, Any] = self.decode(kept)
        return held
