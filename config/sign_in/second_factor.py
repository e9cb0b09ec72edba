"""Where somebody sets up a second factor or takes it away; and that nobody goes on without one where all need one."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Final
from urllib.parse import quote, urlencode

import qrcode
import qrcode.image.svg
from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters

from config import problems
from config.sign_in.sessions import comes_with_session
from evidence import acts, session_marks
from evidence.access import Principal
from evidence.errors import EvidenceError, SecondFactorNeeded
from evidence.pages.frame import Page, page_view
from evidence.pages.refusals import refusal_detail
from evidence.pages.sent_forms import check_names
from evidence.pages.told_once import lead_to_told
from evidence.services.people import second_factors
from evidence.worded import worded

_NEW_SECRET: Final = "tracebinder_new_secret"  # noqa: S105  # of a session, until its code was typed
_ISSUER: Final = "Tracebinder"
_TITLE: Final = _("Second factor")
# Pages of whoever has none yet.
_OPEN_TO_ALL: Final = (
    "second_factor", "proof", "provider_proof", "provider_sign_in", "provider_return", "login", "logout", "jsi18n",
)  # fmt: skip


class CodeForm(forms.Form):
    """Takes the code that the app shows."""

    code = forms.CharField(
        label=_("The code that the app shows now"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )


@sensitive_post_parameters("code")
@page_view()
def second_factor(request: HttpRequest, principal: Principal) -> Page | HttpResponseBase:
    """Set one up, or take it away; both take a proof, or a session left open would do either."""
    acts.check_can_change_own_factor(principal)
    if second_factors.has_second_factor(principal.person):
        return _show_present(request, principal)
    secret = request.session.setdefault(_NEW_SECRET, second_factors.new_secret())
    form = CodeForm(request.POST or None)
    check_names(request, form)
    if request.method == "POST" and form.is_valid():
        try:
            codes = second_factors.set_up_second_factor(
                principal=principal, secret=secret, code=form.cleaned_data["code"]
            )
        except EvidenceError as exc:
            form.add_error("code", refusal_detail(exc))
        else:
            del request.session[_NEW_SECRET]
            page = Page("pages/recovery_codes.html", _TITLE, {"codes": codes})
            return lead_to_told(request, page, is_alone=True)
    address = _address_for_app(principal.person, secret)
    shown = {
        "form": form,
        "secret": " ".join(_in_fours(secret)),
        "address": address,
        "picture": _draw(address),
    }
    return Page("pages/second_factor.html", _TITLE, shown)


def _show_present(request: HttpRequest, principal: Principal) -> Page | HttpResponseBase:
    check_names(request, also=["remove", "code"])  # a form of before it was set up
    if request.method == "POST" and "remove" in request.POST:
        second_factors.remove_second_factor(principal=principal)
        return HttpResponseRedirect(request.path)
    return Page("pages/second_factor.html", _TITLE, {"is_set_up": True})


class RequireSecondFactor:
    """Where all need a second factor, leads whoever has none to where they set it up, and to nothing else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.SECOND_FACTOR_REQUIRED and comes_with_session(request) and _lacks_one(request):
            if request.path.startswith(reverse("admin:index")):
                return HttpResponseRedirect(reverse("admin:second_factor"))
            needed = SecondFactorNeeded(worded("Set up a second factor first, at /admin/second-factor/."))
            return problems.respond(request, needed)
        return self.get_response(request)


def _lacks_one(request: HttpRequest) -> bool:
    open_to_all = {reverse(f"admin:{name}") for name in _OPEN_TO_ALL}
    person = request.user
    if request.path in open_to_all or not isinstance(person, User):
        return False
    if session_marks.has_two_factors(request.session):
        return False
    return not second_factors.has_second_factor(person)


def _address_for_app(person: User, secret: str) -> str:
    label = quote(f"{_ISSUER}:{person.get_username()}")
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': _ISSUER})}"


def _draw(address: str) -> SafeString:
    """Return the address as a QR code: inline SVG, dark on light in whatever scheme, for cameras."""
    picture = qrcode.make(address, image_factory=qrcode.image.svg.SvgPathFillImage)
    stream = io.BytesIO()
    picture.save(stream)
    drawn = stream.getvalue().decode()
    return mark_safe(drawn[drawn.index("<svg") :])  # noqa: S308  # a path of numbers: no text of the address is in it


def _in_fours(text: str) -> list[str]:
    return [text[at : at + 4] for at in range(0, len(text), 4)]
