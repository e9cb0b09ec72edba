"""The form to sign in with: name, password, and a one-time code where the person has set one up."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import authenticate
from django.utils.translation import gettext_lazy as _


def code_field() -> forms.CharField:
    """Return the field of a one-time code. It is asked of everybody, so that it does not tell who has set one up."""
    return forms.CharField(
        label=_("One-time code"),
        help_text=_(
            "From your authenticator app, or a recovery code. Leave it empty if you have set up none."
        ),
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code"}),
    )


class SignInForm(AdminAuthenticationForm):
    """Django's form for the admin, with the code. What is wrong it does not say: either would help whoever guesses."""

    code = code_field()

    def clean(self) -> dict[str, Any]:
        """Tell by all three who it is.

        Raises:
            ValidationError: nobody who may sign in.
            TooManyAttempts: this attempt has to wait.
        """
        given = self.cleaned_data
        if given.get("username") is not None and given.get("password"):
            self.user_cache = authenticate(
                self.request,
                username=given["username"],
                password=given["password"],
                code=given.get("code", ""),
            )
            if self.user_cache is None:
                raise self.get_invalid_login_error()
            self.confirm_login_allowed(self.user_cache)
        return given
