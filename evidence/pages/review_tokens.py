"""The tokens that a reviewer makes for themselves: made, shown once, listed and revoked here, by nobody but them."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evidence import acts
from evidence.access import Principal, member_systems
from evidence.errors import EvidenceError, InvalidInput, NotFound
from evidence.models import AccessToken, System
from evidence.pages.frame import Page, Step, page_view
from evidence.pages.refusals import refusal
from evidence.pages.refused_forms import tell_in_form
from evidence.pages.sent_forms import check_names
from evidence.pages.told_once import lead_to_told
from evidence.selectors.review_tasks import TaskStanding
from evidence.selectors.tokens import own_of, state_of
from evidence.services.people import tokens
from evidence.worded import worded

# Of a reviewer's tokens, the last made first; those that work are never more than the limit.
MOST_SHOWN: Final = 50
_TITLE: Final = gettext_lazy("Tokens for reviews")
_USUAL_DAYS: Final = 7
_ACTS: Final = frozenset({"make", "revoke"})


class _Systems(forms.ModelMultipleChoiceField[System]):
    """Systems by their names, which no translator touches."""

    def label_from_instance(self, obj: System) -> str:
        return format_html('<span translate="no">{}</span>', obj.name)


class ReviewTokenForm(forms.Form):
    """What for, on which systems of theirs, and for how long."""

    name = forms.CharField(
        label=gettext_lazy("What it is for"),
        help_text=gettext_lazy(
            "The tool that you work in: by that you know it again. Judgements that come by it show its prefix."
        ),
    )

    def __init__(self, data: Any = None, *, principal: Principal) -> None:
        most: int = settings.MAX_REVIEW_TOKEN_DAYS
        super().__init__(data)
        self.fields["systems"] = _Systems(
            member_systems(principal), label=_("Systems"), widget=forms.CheckboxSelectMultiple
        )
        self.fields["days"] = forms.IntegerField(
            label=_("Days until it expires"), min_value=1, max_value=most, initial=min(_USUAL_DAYS, most),
            help_text=_("At most %(most)s.") % {"most": most},
        )  # fmt: skip


@page_view()
def review_tokens(request: HttpRequest, principal: Principal) -> Page | HttpResponseBase:
    """Show a reviewer's tokens; make one, whose text is shown this once, or revoke one.

    Whoever is no reviewer any more still revokes those that they made.
    """
    if not acts.can_make_review_token(principal, ()) and not own_of(principal.person).exists():
        acts.check_can_make_review_token(principal, ())
    wanted = request.POST.get("act", "make")
    if wanted not in _ACTS:
        raise InvalidInput(worded("%(given)s is nothing that this page does.", given=repr(wanted)))
    if wanted == "revoke":
        check_names(request, also=["act", "token"])
        return _revoke(request, principal)
    form = ReviewTokenForm(request.POST if request.method == "POST" else None, principal=principal)
    check_names(request, form, also=["act"])
    if not form.is_bound:
        return _list(principal, form, 200)
    if not form.is_valid():
        return _list(principal, form, 422)
    try:
        return _make(request, principal, form)
    except EvidenceError as exc:
        return _list(principal, form, tell_in_form(request, form, exc))


def _make(request: HttpRequest, principal: Principal, form: ReviewTokenForm) -> HttpResponseBase:
    given = form.cleaned_data | {"systems": list(form.cleaned_data["systems"])}
    issued = tokens.make_review_token(principal=principal, **given)
    shown = {"token": issued.token, "text": issued.text, "waiting": _where_what_waits_is(request)}
    trail = [*_trail(principal), Step(_TITLE, request.path)]
    page = Page("pages/review_token_shown.html", gettext_lazy("A token, shown once"), shown, trail)
    return lead_to_told(request, page)


def _list(principal: Principal, form: ReviewTokenForm, status: int) -> Page:
    """Return the page: their tokens, and above them the form, with what was typed, where they may make one."""
    own = own_of(principal.person)
    listed = list(own.prefetch_related("systems")[:MOST_SHOWN])
    context = {
        "form": form if acts.can_make_review_token(principal, ()) else None,
        "tokens": [(each, state_of(each)) for each in listed],
        "n_tokens": own.count() if len(listed) == MOST_SHOWN else len(listed),
    }
    return Page("pages/review_tokens.html", _TITLE, context, _trail(principal), status=status)


def _trail(principal: Principal) -> list[Step]:
    is_reviewer = acts.can_make_review_token(principal, ())
    return [Step(gettext_lazy("Review desk"), reverse("admin:review_desk"))] if is_reviewer else []


def _revoke(request: HttpRequest, principal: Principal) -> HttpResponseRedirect:
    try:
        token = _named(request, principal)
        tokens.revoke_token(principal=principal, token=token)
    except EvidenceError as exc:
        messages.error(request, refusal(exc))
    else:
        messages.success(request, _("Revoked: %(tokens)s.") % {"tokens": token})
    return HttpResponseRedirect(request.path)


def _named(request: HttpRequest, principal: Principal) -> AccessToken:
    found = own_of(principal.person).filter(prefix=request.POST.get("token", "")).first()
    if found is None:
        raise NotFound(worded("You made no such token."))
    return found


def _where_what_waits_is(request: HttpRequest) -> str:
    asked = urlencode({"standing": TaskStanding.WAITING.value})
    return request.build_absolute_uri(f"{reverse('review-tasks')}?{asked}")
