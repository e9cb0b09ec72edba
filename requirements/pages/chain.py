"""The whole chain around one record, as a drawing to walk along and as a list that says the same.

Findings stand beside it, dotted, for those who may see them: they support or counter, and are no link of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

from evidence import drawings
from evidence.access import Principal, visible_to
from evidence.admin.frame.display import drawing, list_url, tone_of
from evidence.admin.frame.headings import nouns_of
from evidence.admin.frame.on_chain import ON_CHAIN
from evidence.admin.frame.strict_input import could_be
from evidence.admin.frame.words import in_words
from evidence.errors import InvalidInput, NotFound
from evidence.finding_summary import FindingBeside
from evidence.models import Release, Scope
from evidence.pages.frame import Page, Step, page_view
from evidence.worded import worded
from requirements.selectors.chain import (
    MOST_COUNTED,
    NOUNS,
    Chain,
    ChainNode,
    find_start,
    hanging_on,
    read_chain,
)

STEPS: Final = "steps"
_OFFERED: Final = (2, 3)
_MOST_FINDINGS: Final = 3
_FINDING: Final = "finding"

_NAMES: Final[Mapping[str, StrOrPromise]] = {
    "requirement": gettext_lazy("requirement version"),
    "criterion": gettext_lazy("criterion"),
    "assessment": gettext_lazy("assessment"),
    "decision": gettext_lazy("gate decision"),
    "run": gettext_lazy("eval run"),
    "release": gettext_lazy("release"),
    "trace": gettext_lazy("answer"),
    "binder": gettext_lazy("binder"),
    "claim": gettext_lazy("claim"),
    "review": gettext_lazy("review"),
    "citation": gettext_lazy("citation"),
    "source": gettext_lazy("source"),
    _FINDING: gettext_lazy("finding, supporting only"),
}
_MANY: Final[Mapping[str, StrOrPromise]] = {
    "requirement": gettext_lazy("requirement versions"),
    "criterion": gettext_lazy("criteria"),
    "assessment": gettext_lazy("assessments"),
    "decision": gettext_lazy("gate decisions"),
    "run": gettext_lazy("eval runs"),
    "release": gettext_lazy("releases"),
    "trace": gettext_lazy("answers"),
    "binder": gettext_lazy("binders"),
    "claim": gettext_lazy("claims"),
    "review": gettext_lazy("reviews"),
    "citation": gettext_lazy("citations"),
    "source": gettext_lazy("sources"),
}


@dataclass(slots=True)
class ShownNode:
    """A node as the list shows it, with what hangs on it further away from the record."""

    kind: StrOrPromise
    label: str
    url: str
    record: str  # of its own page; empty for a fan
    word: StrOrPromise = ""
    more: list[ShownNode] = field(default_factory=list)


@page_view(parameters=[STEPS])
def chain(request: HttpRequest, principal: Principal, kind: str, record_id: int) -> Page:
    """Show what leads to a record, and what it leads to."""
    steps = _steps(request)
    see = _Seeing(request.user, principal)
    if kind == _FINDING and principal.sees_internals:
        return _around_a_finding(see, record_id, steps)
    noun = NOUNS.get(kind)
    if noun is not None and not see.may_see(noun.model):
        raise PermissionDenied
    here = find_start(kind, record_id, see.visible)
    if here is None:
        raise NotFound(worded("There is nothing here, or it belongs to a system you are not a member of."))
    found = read_chain(here, steps, see.visible)
    return _page(see, found, _findings_of(found, see), steps)


def rows_on_chain(named: str, model: type[Model], user: Any, principal: Principal) -> tuple[str, Q] | None:
    """Return what a record of the chain is called, and which rows of a list hang on it: `settings.ROWS_ON_CHAIN`.

    Args:
        named: "decision:5".
    """
    kind, _, key = named.partition(":")
    noun = NOUNS.get(kind)
    if noun is None or not could_be(noun.model._meta.pk, key):
        return None
    here = find_start(kind, int(key), _Seeing(user, principal).visible)
    where = None if here is None else hanging_on(here, model)
    return None if here is None or where is None else (f"{_NAMES[kind]} {here.label or key}", where)


class _Seeing:
    """Who looks."""

    def __init__(self, user: Any, principal: Principal) -> None:
        self.user, self.principal = user, principal

    def may_see(self, model: Any) -> bool:
        return bool(self.user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}"))

    def visible(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow to what the person may see; nothing where the noun is not for them."""
        return visible_to(rows, self.principal) if self.may_see(rows.model) else rows.none()


@dataclass(frozen=True, slots=True)
class _Beside:
    """Findings that hold for the one release of a chain."""

    release: str  # the key of its node
    findings: Sequence[FindingBeside]
    more: str  # the address of all of them; empty where all are here
    here: str = ""  # the address of the finding that the page is about


def _steps(request: HttpRequest) -> int:
    given = request.GET.get(STEPS, str(_OFFERED[0]))
    if given not in {str(each) for each in _OFFERED}:
        raise InvalidInput(worded("A chain is drawn for two or three steps."))
    return int(given)


def _around_a_finding(see: _Seeing, finding_id: int, steps: int) -> Page:
    """Show the chain of the release that a finding was made on, with the finding beside it."""
    held = import_string(settings.FINDING_BESIDE)(finding_id, see.principal)
    start = held and find_start("release", held[1], see.visible)
    if not start:
        raise NotFound(worded("There is nothing here, or it belongs to a system you are not a member of."))
    found = read_chain(start, steps, see.visible)
    return _page(see, found, _Beside(start.key, [held[0]], "", here=held[0].address), steps)


def _findings_of(found: Chain, see: _Seeing) -> _Beside | None:
    """Return the newest findings that hold for the one release there is; nothing to whoever may not see internals."""
    releases = [each for each in found.nodes.values() if each.kind == "release" and not each.n]
    if len(releases) != 1 or not see.principal.sees_internals:
        return None
    release = Release.objects.select_related("system").get(pk=releases[0].pk)
    held = import_string(settings.FINDINGS_BESIDE)(release, see.principal, _MOST_FINDINGS + 1)
    all_of_them = f"{reverse('admin:findings')}?system={release.system.key}"
    return _Beside(releases[0].key, held[:_MOST_FINDINGS], all_of_them if len(held) > _MOST_FINDINGS else "")


def _page(see: _Seeing, found: Chain, beside: _Beside | None, steps: int) -> Page:
    here = found.here
    names = {node.key: node for node in found.nodes.values()}
    context: dict[str, Any] = {
        "around": _shown(here),
        "svg": _drawn(found, beside),
        "up": _tree(here, names, [(end, start) for start, end in found.edges], {here.key}),
        "down": _tree(here, names, found.edges, {here.key}),
        "beside": beside,
        "steps": steps,
        "offered": _OFFERED,
        "release": _one_release(found),
        "may_export": see.principal.may(Scope.BINDER),
    }
    title = _("The chain around %(kind)s %(label)s") % {"kind": _NAMES[here.kind], "label": here.label}
    return Page("pages/chain.html", title, context, _trail(here), here=_("The chain"))


def _trail(here: ChainNode) -> list[Step]:
    options = NOUNS[here.kind].model._meta
    return [
        Step(capfirst(nouns_of(options.verbose_name_plural)), list_url(options.label_lower)),
        Step(here.label or str(here.pk), _record_url(here)),
    ]


def _one_release(found: Chain) -> int | None:
    """Return the release that a binder of this would be of, where there is only one."""
    keys = [each.pk for each in found.nodes.values() if each.kind == "release" and not each.n]
    return keys[0] if len(keys) == 1 else None


def _shown(node: ChainNode) -> ShownNode:
    if node.n:
        return ShownNode("", _fan(node), _list_url(node), "")
    label = node.label or str(node.pk)
    return ShownNode(_NAMES[node.kind], label, _chain_url(node), _record_url(node), in_words(node.word))


def _fan(node: ChainNode) -> str:
    if node.is_more_than_counted:
        return _("more than %(n)s %(what)s") % {"n": f"{MOST_COUNTED:,}", "what": _MANY[node.kind]}
    return f"{node.n:,} {_MANY[node.kind]}"


def _chain_url(node: ChainNode) -> str:
    return reverse("admin:chain", args=[node.kind, node.pk])


def _record_url(node: ChainNode) -> str:
    options = NOUNS[node.kind].model._meta
    return reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[node.pk])


def _list_url(node: ChainNode) -> str:
    """Return the list that holds a fan; empty where no list can be narrowed to it."""
    lookups = {ON_CHAIN: node.fan_of} if node.lists_by_chain else node.listed
    return list_url(NOUNS[node.kind].model._meta.label_lower, **lookups) if lookups else ""


def _tree(
    node: ChainNode, nodes: Mapping[str, ChainNode], edges: Sequence[tuple[str, str]], seen: set[str]
) -> list[ShownNode]:
    """Return what hangs on a node along the edges; what hangs on several is told at each and followed once."""
    told = []
    for start, end in edges:
        if start != node.key:
            continue
        shown = _shown(nodes[end])
        if end not in seen:
            seen.add(end)
            shown.more = _tree(nodes[end], nodes, edges, seen)
        told.append(shown)
    return told


def _drawn(found: Chain, beside: _Beside | None) -> Any:
    nodes = [_drawn_node(each, found.here) for each in found.nodes.values()]
    edges = [drawings.Edge(start, end) for start, end in found.edges]
    if beside:
        column = NOUNS["release"].column - 1
        for each in beside.findings:
            nodes.append(
                drawings.Node(
                    each.address, each.title, str(_NAMES[_FINDING]), tone_of(each.status), each.address, column,
                    is_here=each.address == beside.here, is_beside=True,
                )
            )  # fmt: skip
            edges.append(drawings.Edge(each.address, beside.release, is_beside=True))
    return drawing(
        drawings.layers(
            nodes, edges, title=_("The chain, from requirements at the left to sources and binders")
        )
    )


def _drawn_node(node: ChainNode, here: ChainNode) -> drawings.Node:
    column = NOUNS[node.kind].column
    if node.n:
        return drawings.Node(node.key, _fan(node), "", "plain", _list_url(node), column)
    is_here = node is here
    kind = f"{_NAMES[node.kind]}: {in_words(node.word)}" if node.word else str(_NAMES[node.kind])
    address = _record_url(node) if is_here else _chain_url(node)
    label = node.label or str(node.pk)
    return drawings.Node(node.key, label, kind, tone_of(node.word), address, column, is_here=is_here)
