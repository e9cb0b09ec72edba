"""The one way to tell by a password who somebody is. Whatever door asks, the attempts are counted together."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.http import HttpRequest

from config.sign_in.throttle import Attempt, count_attempt, take_back
from evidence.errors import EvidenceError


class TooManyAttempts(EvidenceError):
    """Somebody failed to sign in too often, here or in this name."""

    code = "too_many_attempts"
    http_status = 429
    title = "Too many attempts to sign in"

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many attempts failed. Try again in {seconds} seconds.")
        self.retry_after = seconds


class CountingBackend(ModelBackend):
    """Django's accounts and passwords, with each attempt counted before its password is looked at."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **given: Any,
    ) -> User | None:
        """Return the person, or None where the password is not theirs.

        Raises:
            TooManyAttempts: this one has to wait, whatever its password.
        """
        if not username or password is None:
            return None
        attempt = count_attempt(request, username)
        if not isinstance(attempt, Attempt):
            raise TooManyAttempts(attempt)
        person = super().authenticate(request, username=username, password=password, **given)
        if not isinstance(person, User):
            return None
        take_back(attempt)
        return person
