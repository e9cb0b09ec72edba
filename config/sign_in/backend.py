"""The one way to tell by a password who somebody is. Whatever door asks, the attempts are counted together."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest

from config.sign_in.throttle import Attempt, count_attempt, take_back
from evidence.errors import TooManyAttempts
from evidence.selectors.signed_in import find_person, permissions_of
from evidence.services.people.passwords import record_password_rehashed
from evidence.services.people.second_factors import pass_second_factor

_KEPT: Final = "_perm_cache"  # where Django keeps them for a request


class CountingBackend(ModelBackend):
    """Django's accounts and passwords, with each attempt counted before its password is looked at."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **given: Any,
    ) -> User | None:
        """Return the person, or None where the password, or the `code` of their second factor, is not theirs.

        Raises:
            TooManyAttempts: this one has to wait, whatever its password.
        """
        if not settings.PASSWORD_SIGN_IN or not username or password is None:
            return None
        attempt = count_attempt(request, username)
        if not isinstance(attempt, Attempt):
            raise TooManyAttempts(attempt)
        with transaction.atomic():  # Django stores the password anew where its form is no longer the newest
            stored = User.objects.filter(username=username).values_list("password", flat=True).first()
            person = super().authenticate(request, username=username, password=password)
            if isinstance(person, User) and person.password != stored:
                record_password_rehashed(person)
        if not isinstance(person, User) or not pass_second_factor(person, str(given.get("code") or "")):
            return None
        take_back(attempt)
        return person

    def get_user(self, user_id: Any) -> User | None:
        """Return whom a session names, with the name they act by and their groups, which every page asks for."""
        person = find_person(user_id)
        return person if person is not None and self.user_can_authenticate(person) else None

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Return what somebody may by role and by themselves. Django asks for each of the two, on every page."""
        if user_obj.is_superuser or not user_obj.is_active or user_obj.is_anonymous or obj is not None:
            return super().get_all_permissions(user_obj, obj)
        kept = vars(user_obj)
        if _KEPT not in kept:
            kept[_KEPT] = permissions_of(user_obj)
        found: set[str] = kept[_KEPT]
        return found
