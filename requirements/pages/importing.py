"""The plan of an import on a page: a requirement file is read, what it would do is shown, and exactly that is applied.

What is applied are the bytes that were planned, and only if the plan is still the same: `import_files` sees to it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.utils.translation import gettext_lazy, ngettext

from evidence import clock
from evidence.access import Principal
from evidence.admin.frame.display import list_url
from evidence.errors import AccessDenied, EvidenceError, InvalidInput
from evidence.models import System
from evidence.otlp.errors import BodyTooLarge
from evidence.pages.frame import Page, Step, page_view
from evidence.pages.refusals import refusal_detail, refusal_title
from evidence.pages.sent_forms import check_names
from evidence.worded import joined, worded
from requirements import acts
from requirements.errors import (
    ImportPlanMoved,
    KeyOfAnotherFile,
    RequirementFileInvalid,
    RequirementsError,
)
from requirements.pages.systems import chosen_system
from requirements.services.importing import (
    Act,
    Moves,
    SourceText,
    consequences_of,
    import_files,
    plan_import,
    told_plan,
)

_UNNAMED: Final = "requirements.yaml"  # as the API calls it, too
_BUTTONS: Final = ("plan", "apply")
MOST_LISTED: Final = 200  # of each kind of thing that a plan names; the counts are of all
# A browser sends a file that nobody chose as an empty field.
_FIELDS: Final = frozenset({"act", "system", "file", "moves", "text", "upload", "source", "plan_digest"})
_LISTS: Final = (
    "requirements",
    "conflicts",
    "warnings",
    "links_suspect",
    "links_added",
    "links_dropped",
    "criteria",
)


@dataclass(frozen=True, slots=True)
class _Sent:
    """A file as somebody gave it, and where it belongs."""

    system: System
    name: str
    source: bytes
    moves: str  # keys with commas between, as they were written

    @property
    def sources(self) -> list[SourceText]:
        """Return the file, as the services take it."""
        return [SourceText(self.name, self.source)]

    @property
    def allowed(self) -> Moves:
        """Return what may leave the file that owns it."""
        return Moves(frozenset(filter(None, (key.strip() for key in self.moves.split(",")))))


@page_view(permission="requirements.view_requirementversion", parameters=["system"])
def import_plan(request: HttpRequest, principal: Principal) -> Page | HttpResponseBase:
    """Take a requirement file, show what importing it would do, and on a second button do exactly that."""
    system, systems = chosen_system(request, principal)
    acts.check_can_import_requirements(principal, system)
    if request.method != "POST":
        return _show(systems, _Sent(system, "", b"", ""))
    check_names(request, also=_FIELDS)
    act = request.POST.get("act", "plan")
    if act not in _BUTTONS:
        raise InvalidInput(worded("%(name)s is one of %(choices)s.", name="act", choices=joined(_BUTTONS)))
    sent = _read(request, system, is_planned=act == "apply")
    try:
        return _apply(request, principal, sent) if act == "apply" else _plan(systems, principal, sent)
    except AccessDenied:
        raise
    except (EvidenceError, RequirementsError) as exc:
        return _refused(systems, sent, exc)


def _read(request: HttpRequest, system: System, *, is_planned: bool) -> _Sent:
    """Return the file that was sent: chosen, pasted, or, where a plan is applied, the bytes that were planned."""
    posted, chosen = request.POST, request.FILES.get("upload")
    name = posted.get("file", "").strip()
    if is_planned:
        try:
            source = base64.b64decode(posted.get("source", ""), validate=True)
        except (binascii.Error, ValueError) as exc:
            raise InvalidInput(worded("The source of a plan is base64: plan the file again.")) from exc
    elif chosen is not None:
        _check_size(chosen.size or 0)
        source, name = chosen.read(), name or chosen.name or ""
    else:
        source = posted.get("text", "").replace("\r\n", "\n").encode()  # browsers send each line end as two
    _check_size(len(source))
    return _Sent(system, name or _UNNAMED, source, posted.get("moves", ""))


def _check_size(size: int) -> None:
    limit = settings.REQUIREMENTS_MAX_BODY
    if size > limit:
        raise BodyTooLarge(
            worded(
                "the file has %(size)s bytes, the limit is %(most)s: import it in parts",
                size=size,
                most=limit,
            )
        )


def _plan(systems: Sequence[System], principal: Principal, sent: _Sent) -> Page:
    plan = plan_import(principal=principal, system=sent.system, sources=sent.sources, moves=sent.allowed)
    told = told_plan(plan, consequences_of(principal, sent.system, plan))
    return _show(systems, sent, told)


def _apply(request: HttpRequest, principal: Principal, sent: _Sent) -> HttpResponseRedirect:
    digest = request.POST.get("plan_digest", "")
    if not digest:
        raise InvalidInput(worded("Only what was planned is imported: plan the file first."))
    result = import_files(
        principal=principal, system=sent.system, sources=sent.sources, moves=sent.allowed, plan_digest=digest
    )
    told = ngettext(
        "Imported %(file)s: %(count)s new version, in draft.",
        "Imported %(file)s: %(count)s new versions, in draft.",
        result.n_created,
    ) % {"file": sent.name, "count": result.n_created}
    messages.success(request, told)
    return HttpResponseRedirect(
        list_url("requirements.requirementversion", requirement__system__id__exact=sent.system.pk)
    )


def _refused(systems: Sequence[System], sent: _Sent, exc: EvidenceError | RequirementsError) -> Page:
    """Show why nothing was stored: each fault with its line, or the plan as it is by now."""
    refusal: dict[str, Any] = {"title": refusal_title(exc), "text": refusal_detail(exc)}
    plan: Mapping[str, Any] | None = None
    if isinstance(exc, ImportPlanMoved):
        plan = exc.plan
    elif isinstance(exc, RequirementFileInvalid | KeyOfAnotherFile):
        problems = exc.problems
        refusal |= {
            "text": "",
            "faults": [each.as_dict() for each in problems[:MOST_LISTED]],
            "n_more": max(0, len(problems) - MOST_LISTED),
        }
    return _show(systems, sent, plan, refusal=refusal, status=exc.http_status)


def _show(
    systems: Sequence[System],
    sent: _Sent,
    plan: Mapping[str, Any] | None = None,
    *,
    refusal: Mapping[str, Any] | None = None,
    status: int = 200,
) -> Page:
    context: dict[str, Any] = {
        "system": sent.system,
        "systems": systems,
        "file": sent.name,
        "moves": sent.moves,
        "text": sent.source.decode(errors="replace"),
        "refusal": refusal,
    }
    if plan is not None:
        context |= {
            "plan": _capped(plan),
            "counts": [(name, count) for name, count in plan["counts"].items() if count],
            "as_of": clock.now(),
            "source": base64.b64encode(sent.source).decode(),
        }
    trail = [Step(gettext_lazy("Requirements"), list_url("requirements.requirementversion"))]
    return Page("pages/import.html", gettext_lazy("Plan an import"), context, trail, status=status)


def _capped(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return a plan with at most so many of each list, and how many more there are. What stays as it is, is counted."""
    changed = [each for each in plan["requirements"] if each["change"] != Act.UNCHANGED.value or each["ask"]]
    lists = {name: plan[name] for name in _LISTS} | {"requirements": changed}
    return {
        **plan,
        **{name: found[:MOST_LISTED] for name, found in lists.items()},
        "more": {name: max(0, len(found) - MOST_LISTED) for name, found in lists.items()},
    }
