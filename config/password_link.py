"""The page where a one-time link leads: its person, who cannot sign in yet, chooses a password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import User
from django.contrib.auth.views import INTERNAL_RESET_SESSION_TOKEN, PasswordResetConfirmView
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from evidence.errors import EvidenceError
from evidence.pages.refusals import refusal_detail
from evidence.services.people.passwords import SIGNER, choose_password

if TYPE_CHECKING:
    from django.contrib.auth.forms import SetPasswordForm


class PasswordLinkView(PasswordResetConfirmView):
    """Django's page for such links, which keeps the token out of the address; the service sets the password."""

    token_generator = SIGNER
    template_name = "admin/evidence/choose_password.html"
    success_url = reverse_lazy("admin:login")
    title = _("Choose a password")

    def form_valid(self, form: SetPasswordForm[User]) -> HttpResponse:
        """Set it through the service, which looks at the link again; or say what it refuses."""
        token = self.request.session[INTERNAL_RESET_SESSION_TOKEN]
        try:
            choose_password(
                uid=self.kwargs["uidb64"], token=token, password=form.cleaned_data["new_password1"]
            )
        except EvidenceError as exc:
            form.add_error(None, refusal_detail(exc))
            return self.form_invalid(form)
        del self.request.session[INTERNAL_RESET_SESSION_TOKEN]
        return HttpResponseRedirect(self.get_success_url())
