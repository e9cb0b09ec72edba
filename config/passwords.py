"""Which passwords are taken: what a guesser would need, not which signs they hold."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from zxcvbn import zxcvbn

_LONGEST_READ = 72  # characters: more cannot make a password weaker, and reading them takes long


class NotGuessable:
    """Refuses what a guesser who knows words, names, dates, keyboards and this person finds soon (zxcvbn)."""

    def validate(self, password: str, user: User | None = None) -> None:
        """See that a password reaches `PASSWORD_STRENGTH`.

        Raises:
            ValidationError: it does not; the message says what makes it weak, where that is known.
        """
        about = [user.get_username(), user.first_name, user.last_name, user.email] if user else []
        read = password[:_LONGEST_READ]
        if (
            not read
            or zxcvbn(read, user_inputs=[text for text in about if text])["score"]
            < settings.PASSWORD_STRENGTH
        ):
            raise ValidationError(
                _("This password is guessed too soon: take several words that nobody expects together.")
            )

    def get_help_text(self) -> str:
        """Say what is asked for."""
        return _("A password is several words that nobody expects together, or a random text.")
