"""What waits for an author on home: drafts, what came back, criteria that do not hold, and links to look at again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from evidence.admin.frame.display import list_url
from evidence.admin.frame.visibility import visible
from evidence.admin.front_page import Section, Waiting, days_since, waiting_since
from evidence.models import System
from evidence.pages.reader import principal_of
from evidence.selectors.counting import Waits, count_each
from requirements.models import RequirementVersion
from requirements.selectors.authors_work import AuthorsWork, drafts_waiting_for
from requirements.selectors.links import judged_at_once, suspect_links_of
from requirements.selectors.system_strips import NOT_MET, UNKNOWN, Strip, unmet_since

_MOST_JUDGED: Final = 500  # links, and versions of requirements, of all systems: 10,000 took most of a second
_MOST_SYSTEMS: Final = 5  # whose suspect links have a figure; the list of links has a choice of all systems


def work_of_author(request: HttpRequest, strips: Mapping[int, Strip]) -> Section | None:
    """Return what waits for this author: `settings.FRONT_PAGE_WORK`.

    Args:
        strips: how the systems of this person stand, as home shows it.
    """
    principal = principal_of(request)
    if not principal.is_author:
        return None
    return Section(
        "author",
        _("Waits for you as an author"),
        (
            (_("Draft a requirement"), reverse("admin:new_draft")),
            (_("Plan an import"), reverse("admin:import_plan")),
            (_("Requirements by release"), reverse("admin:by_release")),
        ),
        (*_drafts(request), *_criteria(strips), *_links(principal.system_ids)),
    )


def _drafts(request: HttpRequest) -> tuple[Waiting, ...]:
    person, versions = principal_of(request).person, visible(RequirementVersion.objects.all(), request)
    counted = count_each(
        {why.value: Waits(drafts_waiting_for(versions, person, why), "since") for why in AuthorsWork}
    )
    texts = {
        AuthorsWork.UNPROPOSED: _("Drafts of yours, not proposed"),
        AuthorsWork.SENT_BACK: _("Versions sent back to you"),
    }
    return tuple(
        waiting_since(text, counted[why.value], list_url("requirements.requirementversion", mine=why.value))
        for why, text in texts.items()
    )


def _criteria(strips: Mapping[int, Strip]) -> tuple[Waiting, ...]:
    since = unmet_since(strips.values())
    shown = (
        (_("Criteria not met"), NOT_MET, sum(each.not_met for each in strips.values()), (NOT_MET,)),
        (_("Criteria nobody can tell of"), "unknown", sum(each.unknown for each in strips.values()), UNKNOWN),
    )
    return tuple(
        Waiting(
            text,
            count,
            list_url("requirements.acceptancecriterion", stands=stands),
            _oldest(since[word] for word in words if word in since),
        )
        for text, stands, count, words in shown
    )


def _links(system_ids: Collection[int]) -> tuple[Waiting, ...]:
    """Return the suspect links of the systems that have the most, each with the page that shows exactly these.

    Of what is too much to judge for a figure only the way there is told.
    """
    judged, others = judged_at_once(system_ids, _MOST_JUDGED)
    suspects = suspect_links_of(judged) if judged else {}
    untold = (_untold_links(others),) if others else ()
    if not suspects:
        none = Waiting(_("Suspect links"), 0, reverse("admin:links"))
        return (*untold, none) if judged or not others else untold
    most = sorted(suspects, key=lambda pk: (-suspects[pk].n, pk))[:_MOST_SYSTEMS]
    systems = System.objects.in_bulk(most)
    return (
        tuple(
            Waiting(
                format_lazy("{} · {}", _("Suspect links"), systems[pk].name),
                suspects[pk].n,
                f"{reverse('admin:links')}?{urlencode({'system': systems[pk].key, 'show': 'suspect'})}",
                _oldest([suspects[pk].since]),
            )
            for pk in most
        )
        + untold
    )


def _untold_links(system_ids: Sequence[int]) -> Waiting:
    url = reverse("admin:links")
    if len(system_ids) == 1:
        url = f"{url}?{urlencode({'system': System.objects.get(pk=system_ids[0]).key, 'show': 'suspect'})}"
    text = format_lazy(
        "{}: {}",
        _("Where links stand"),
        ngettext_lazy(
            "no figure for %(n)d system, because home judges no more than %(most)d links or versions of requirements",
            "no figure for %(n)d systems, because home judges no more than %(most)d links or versions of requirements",
            len(system_ids),
        )
        % {"n": len(system_ids), "most": _MOST_JUDGED},
    )
    return Waiting(text, None, url)


def _oldest(since: Iterable[datetime | None]) -> int | None:
    first = min((each for each in since if each is not None), default=None)
    return None if first is None else days_since(first)
