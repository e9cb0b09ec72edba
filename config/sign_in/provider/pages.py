"""The addresses of single sign-on: to the provider, to prove again who one is, and back."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME, login
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase

from config.read_only import allow_methods
from config.sign_in.addresses import own_address
from config.sign_in.provider.answer import Proven, read_answer
from config.sign_in.provider.asking import COOKIE, Asked, return_address, send_to_provider, take_asked
from config.sign_in.provider.session import demands_two_factors
from evidence import session_marks
from evidence.access import Principal
from evidence.api.inputs import check_parameters
from evidence.errors import InvalidInput, NotFound, ProviderAway, ProviderRefused
from evidence.models import SignInBinding
from evidence.pages.frame import page_view
from evidence.services.people import sign_ins
from evidence.services.people.sign_in_bindings import find_binding, find_bound_person, opens
from evidence.worded import sentence_of, worded

_BACKEND = "config.sign_in.backend.CountingBackend"  # whose sessions these are: there is one kind of account


@allow_methods("GET")
def sign_in(request: HttpRequest) -> HttpResponseBase:
    """Lead somebody to the provider to sign in."""
    check_parameters(request.GET, [REDIRECT_FIELD_NAME], may_be_empty=True)
    _check_is_configured()
    goes_to = own_address(request, request.GET.get(REDIRECT_FIELD_NAME, ""))
    return send_to_provider(request, goes_to=goes_to)


@page_view(parameters=[REDIRECT_FIELD_NAME])
def prove(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    """Lead somebody who is signed in to the provider, which asks them again who they are."""
    _check_is_configured()
    goes_to = own_address(request, request.GET.get(REDIRECT_FIELD_NAME, ""))
    return send_to_provider(request, goes_to=goes_to, proves=principal.person.pk)


@allow_methods("GET")
def come_back(request: HttpRequest) -> HttpResponseBase:
    """Take what the provider answered, and sign in whoever it is, or take it as their proof."""
    _check_is_configured()
    said = request.GET.dict()
    try:
        asked = take_asked(request, str(said.get("state", "")))
        proven = read_answer(said, asked, return_address(request))
        _let_in(request, asked, proven)
    except (ProviderRefused, ProviderAway) as exc:
        person = _bound_to(exc.subject) if exc.subject else None
        sign_ins.record_failed_provider_sign_in(
            exc.reason, person=person, subject="" if person else exc.subject
        )
        raise
    led = HttpResponseRedirect(asked.goes_to)
    led.delete_cookie(COOKIE, path=request.path)
    return led


@transaction.atomic
def _let_in(request: HttpRequest, asked: Asked, proven: Proven) -> None:
    person, binding = _person_of(proven)
    if asked.proves is None:
        login(request, person, backend=_BACKEND)
        sign_ins.record_sign_in(person, provider=proven.about)
    elif asked.proves != person.pk or request.user != person:
        raise ProviderRefused(
            "another_person", worded("The provider says that you are somebody else."), proven.subject
        )
    else:
        request.session.cycle_key()
    session_marks.note_provider(
        request.session, binding=binding.pk, proved=proven.proved, two_factors=demands_two_factors()
    )


def _person_of(proven: Proven) -> tuple[User, SignInBinding]:
    person = _bound_to(proven.subject)
    if person is None:
        raise ProviderRefused(
            "not_bound",
            worded(
                "The provider calls you %(subject)s, and nobody here is bound to that. Ask an "
                "operator to bind it: they see over another channel that it is you who asks.",
                subject=repr(proven.subject),
            ),
            proven.subject,
        )
    binding = find_binding(person)
    if binding is None or not (person.is_active and person.is_staff):
        raise ProviderRefused(
            "not_active", worded("Your account here may not sign in: ask an operator."), proven.subject
        )
    if not opens(binding, person):
        raise ProviderRefused(
            "bound_before_role",
            worded(
                "An operator bound you before you got your role: have `manage.py bind_sign_in` run on "
                "the machine.",
            ),
            proven.subject,
        )
    return person, binding


def _bound_to(subject: str) -> User | None:
    try:
        return find_bound_person(settings.OIDC_ISSUER, subject)
    except InvalidInput as exc:
        raise ProviderRefused(
            "wrong_sub",
            worded("The provider calls you what is no subject. %(reason)s", reason=sentence_of(exc)),
        ) from exc


def _check_is_configured() -> None:
    if not settings.OIDC_ISSUER:
        raise NotFound(worded("There is no single sign-on here: TRACEBINDER_OIDC_ISSUER is not set."))
