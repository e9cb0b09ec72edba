"""The page where somebody who signed in a while ago proves again who they are, before they sign something."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from django import forms
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME, authenticate
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters

from config.sign_in.addresses import own_address
from config.sign_in.form import code_field
from config.sign_in.kept_forms import KEPT, keep_form
from evidence import session_marks
from evidence.access import Principal
from evidence.pages.frame import Page, page_view
from evidence.pages.sent_forms import check_names


class ProofForm(forms.Form):
    """Takes the password of whoever is signed in, and their code."""

    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )

    code = code_field()

    def __init__(self, request: HttpRequest, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.request = request

    def clean(self) -> dict[str, Any]:
        """Compare both, as at signing in, and counted with that."""
        given = {"username": self.request.user.get_username(), **self.cleaned_data}
        if "password" in given and authenticate(self.request, **given) != self.request.user:
            raise ValidationError(gettext("This is not your password, or not your code of now."))
        return self.cleaned_data


def address_of_proof(request: HttpRequest) -> str:
    """Return where to prove who one is, and to come back from to where the request was made, with what was typed."""
    came_from = request.path if request.method == "GET" else request.headers.get("Referer", request.path)
    back = own_address(request, came_from)
    return f"{reverse('admin:proof')}?{urlencode({REDIRECT_FIELD_NAME: keep_form(request, back) or back})}"


@sensitive_post_parameters()
@page_view(parameters=[REDIRECT_FIELD_NAME])
def prove(request: HttpRequest, principal: Principal) -> Page | HttpResponseBase:
    """Ask for the password; then lead back to where the act is, which is to be sent again."""
    del principal
    form = ProofForm(request, request.POST or None)
    check_names(request, form)
    if request.method == "POST" and form.is_valid():
        session_marks.note_proof(request.session)
        request.session.cycle_key()
        return HttpResponseRedirect(own_address(request, request.GET.get(REDIRECT_FIELD_NAME, "")))
    shown = {
        "form": form if settings.PASSWORD_SIGN_IN else None,
        "provider": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
        "query": request.GET.urlencode(),
        "is_kept": KEPT in QueryDict(urlsplit(request.GET.get(REDIRECT_FIELD_NAME, "")).query),
    }
    return Page("pages/proof.html", _("Prove that it is you"), shown)
