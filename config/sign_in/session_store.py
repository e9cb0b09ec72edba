"""Sessions in the database, as Django keeps them, each read by a statement that the database has planned before.

What waits in one to be told once is written under the lock of the stored session by whoever leaves or takes it
(`evidence/pages/told_once.py`), and by nobody else: a request that writes something else of its session has a copy, in
which that may be as it was before.
"""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends.db import SessionStore as _StoredByDjango
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from evidence import session_marks
from evidence.selectors.signed_in import read_session


class SessionStore(_StoredByDjango):
    """Django's, but for how one is read, as every page of a browser begins with that, and for what is told once."""

    def load(self) -> dict[str, Any]:
        """Return what the session holds; of one that is not there, or over, nothing, and it is given another key."""
        now = timezone.now()  # by which Django says when it expires
        kept = read_session(self.session_key, at=now) if self.session_key else None
        if kept is None:
            self._session_key = None
            return {}
        held: dict[str, Any] = self.decode(kept)
        return held

    def save(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002  # Django's signature
        """Write the session, with what is told once as it is stored by now."""
        with transaction.atomic():
            stored = None
            if self.session_key is not None and not must_create:
                stored = Session.objects.select_for_update().filter(pk=self.session_key).first()
            if stored is not None:
                session_marks.put_told_once(self, session_marks.told_once(self.decode(stored.session_data)))
            super().save(must_create)
