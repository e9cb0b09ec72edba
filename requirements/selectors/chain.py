"""The chain from a requirement to a binder, around one record: what leads to it and what it leads to.

Down from the record everything is followed downwards, up from it upwards, so that what is drawn has a cause in the
record or is a cause of it, and no cousins. Each relation is read once, for all records that it starts at, in one
statement; a fan that is too large to draw is counted to a limit, and only its newest are shown. So what a page costs
does not grow with the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import Count, F, Func, JSONField, Model, Q, QuerySet, Value, Window
from django.db.models.functions import Left

from evidence.models import (
    Binder,
    Citation,
    Claim,
    EvalRun,
    GateDecision,
    Release,
    Review,
    SourceDocument,
    Trace,
)
from requirements.models import AcceptanceCriterion, Assessment, RequirementVersion

MOST_COUNTED: Final = 10_000  # of a fan; of a larger one it is said that there are more
_DRAWN_NEAR: Final = 5  # of a fan at the record itself: a larger one is folded
_DRAWN_FAR: Final = 3
_NEWEST: Final = 2  # of a folded fan, beside its count
_LABEL: Final = 60  # characters of a text that somebody wrote

Narrow = Callable[
    [QuerySet[Any]], QuerySet[Any]
]  # to what the reader may see; nothing of a noun that is not for them


@dataclass(frozen=True, slots=True)
class Noun:
    """A kind of link of the chain."""

    model: type[Model]
    column: int  # of the drawing, from the left
    reads: Mapping[str, Any]  # what is told of a row, by name: a lookup or an expression
    said: str  # format of its label, over what is read
    word: str = ""  # which of what is read is a verdict or state


_RUN_KEYS: Final = Func(
    F("inputs"), Value('$.measured[*].recent.inputs.runs[*] ? (@.code == "decides").run_key'),
    function="jsonb_path_query_array",
    template="%(function)s(%(expressions)s::jsonpath)", output_field=JSONField(),
)  # fmt: skip
_DIGESTS: Final = Func(
    F("reasons"), Value("$[*].inputs_digest"), function="jsonb_path_query_array",
    template="%(function)s(%(expressions)s::jsonpath)", output_field=JSONField(),
)  # fmt: skip

NOUNS: Final[Mapping[str, Noun]] = {
    "requirement": Noun(
        RequirementVersion, 0, {"key": F("requirement__key"), "number": F("number")}, "{key} v{number}"
    ),
    "criterion": Noun(
        AcceptanceCriterion, 1, {"of": F("version__requirement__key"), "key": F("key")}, "{of}/{key}"
    ),
    "assessment": Noun(
        Assessment, 2,
        {"of": F("criterion__version__requirement__key"), "key": F("criterion__key"),
         "verdict": F("verdict"), "release": F("release_id"),
         "digest": F("inputs_digest"), "runs": _RUN_KEYS},
        "{of}/{key}", "verdict",
    ),
    "decision": Noun(
        GateDecision, 3,
        {"gate": F("gate_version__artefact__key"), "number": F("gate_version__number"), "verdict": F("verdict"),
         "release": F("release_id"), "digests": _DIGESTS},
        "{gate} v{number}", "verdict",
    ),
    "run": Noun(
        EvalRun, 3, {"key": F("run_key"), "status": F("status"), "release": F("release_id")}, "{key}", "status"
    ),
    "release": Noun(Release, 4, {"name": F("name")}, "{name}"),
    "trace": Noun(
        Trace, 5,
        {"question": Left("question", _LABEL), "id": F("trace_id"), "revision": F("revision"), "status": F("status")},
        "{question}", "status",
    ),
    "binder": Noun(Binder, 5, {"name": F("file_name")}, "{name}"),
    "claim": Noun(Claim, 6, {"text": Left("text", _LABEL)}, "{text}"),
    "review": Noun(Review, 6, {"decision": F("decision"), "reason": F("reason_code")}, "", "decision"),
    "citation": Noun(Citation, 7, {"ref": F("document_ref"), "verdict": F("verdict")}, "{ref}", "verdict"),
    "source": Noun(SourceDocument, 8, {"ref": F("document_id"), "title": Left("title", _LABEL)}, "{ref}: {title}"),
}  # fmt: skip


@dataclass(slots=True)
class ChainNode:
    """A record of the chain, or a fan of them that is too large to draw."""

    kind: str
    pk: int  # of a fan, of the record it hangs on
    label: str
    word: str = ""  # a verdict or state
    distance: int = 0  # steps from the record that the chain is around
    n: int = 0  # of a fan, how many there are; otherwise 0
    listed: Mapping[str, object] = field(
        default_factory=dict
    )  # of a fan, the lookups of the list that holds all of it
    told: Mapping[str, Any] = field(default_factory=dict)
    fan_of: str = ""  # of a fan, the key of the record it hangs on
    lists_by_chain: bool = False  # of a fan, whether its list is narrowed by what hangs on that record

    @property
    def key(self) -> str:
        """Return what it is called in edges."""
        return f"{self.kind}:{self.pk}" if not self.fan_of else f"{self.fan_of} {self.kind}"

    @property
    def is_more_than_counted(self) -> bool:
        """Whether a fan has more than are counted."""
        return self.n > MOST_COUNTED


@dataclass(slots=True)
class Chain:
    """What is around a record. Edges lead down: from a requirement towards sources and binders."""

    here: ChainNode
    nodes: dict[str, ChainNode]
    edges: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Relation:
    """What leads from one kind to another, to be followed either way."""

    upper: str
    lower: str
    down: Callable[[ChainNode], Q]  # which rows below a record
    up: Callable[[ChainNode], Q]  # which rows above one
    lists_down: str = ""  # the lookup by which the list of what is below is narrowed; empty: no list can be
    lists_up: str = ""
    lists_by_chain: bool = False  # whether both lists are narrowed by what hangs on a record instead
    is_in_order: bool = False  # whether an index gives what is below newest first


def _by(upper: str, lower: str, of_lower: str, of_upper: str, *, lists_up: str = "", **more: Any) -> Relation:
    """Return a relation that follows a column of the lower kind."""
    return Relation(
        upper, lower, lambda node: Q(**{of_lower: node.pk}), lambda node: Q(**{of_upper: node.pk}),
        lists_down=f"{of_lower}__id__exact", lists_up=lists_up, **more,
    )  # fmt: skip


def _deciding(run: ChainNode) -> Mapping[str, str]:
    """Return how an assessment's inputs name the run that decided."""
    return {"run_key": run.told["key"], "code": "decides"}


RELATIONS: Final[Sequence[Relation]] = (
    _by("requirement", "criterion", "version", "criteria"),
    _by("criterion", "assessment", "criterion", "assessments"),
    Relation(
        "assessment", "decision",
        lambda node: Q(release=node.told["release"], reasons__contains=[{"inputs_digest": node.told["digest"]}]),
        lambda node: Q(release=node.told["release"], inputs_digest__in=node.told["digests"]),
        lists_by_chain=True,
    ),
    Relation(
        "assessment", "run",
        lambda node: Q(release=node.told["release"], run_key__in=node.told["runs"]),
        lambda node: Q(
            release=node.told["release"],
            inputs__contains={"measured": [{"recent": {"inputs": {"runs": [_deciding(node)]}}}]},
        ),
        lists_by_chain=True,
    ),
    _by("assessment", "release", "assessments", "release", lists_up="release__id__exact"),
    _by("decision", "release", "gate_decisions", "release", lists_up="release__id__exact"),
    _by("run", "release", "eval_runs", "release", lists_up="release__id__exact"),
    _by("release", "trace", "release", "traces", is_in_order=True),
    _by("release", "binder", "release", "binders"),
    _by("trace", "claim", "trace", "claims"),
    _by("trace", "review", "task__trace", "review_task__reviews"),
    _by("claim", "citation", "claim", "citations"),
    _by("citation", "source", "citations", "document", lists_up="document__id__exact"),
)  # fmt: skip


def find_start(kind: str, pk: int, narrow: Narrow) -> ChainNode | None:
    """Return the record that a chain is to be around; None: there is no such, or it is not for the reader."""
    noun = NOUNS.get(kind)
    if noun is None:
        return None
    row = _told(narrow(noun.model._default_manager.filter(pk=pk)), noun).first()
    return None if row is None else _node(kind, row, 0)


def hanging_on(here: ChainNode, model: type[Model]) -> Q | None:
    """Return which rows of a noun hang on a record, one step either way; None: none of that noun do."""
    for relation in RELATIONS:
        if relation.upper == here.kind and NOUNS[relation.lower].model is model:
            return relation.down(here)
        if relation.lower == here.kind and NOUNS[relation.upper].model is model:
            return relation.up(here)
    return None


def read_chain(here: ChainNode, steps: int, narrow: Narrow) -> Chain:
    """Return what leads to a record and what it leads to, so many steps either way."""
    chain = Chain(here, {here.key: here}, [])
    for relation in sorted(RELATIONS, key=lambda each: NOUNS[each.upper].column):
        for start, row in _follow(chain, relation, steps, narrow, down=True):
            chain.edges.append((start.key, row.key))
    above = Chain(here, {here.key: here}, [])
    for relation in sorted(RELATIONS, key=lambda each: -NOUNS[each.lower].column):
        for start, row in _follow(above, relation, steps, narrow, down=False):
            above.edges.append((row.key, start.key))
    return Chain(here, above.nodes | chain.nodes, list(dict.fromkeys(above.edges + chain.edges)))


def _follow(
    chain: Chain, relation: Relation, steps: int, narrow: Narrow, *, down: bool
) -> Iterator[tuple[ChainNode, ChainNode]]:
    """Follow a relation from all records of a kind that are near enough, and yield each with what it leads to."""
    start, to = (relation.upper, relation.lower) if down else (relation.lower, relation.upper)
    condition = relation.down if down else relation.up
    starts = [
        each for each in chain.nodes.values() if each.kind == start and not each.n and each.distance < steps
    ]
    by_pk = {each.pk: each for each in starts}
    found: dict[int, list[Mapping[str, Any]]] = {}
    for row in _read(starts, to, condition, narrow):
        found.setdefault(row["told_start"], []).append(row)
    for pk, rows in found.items():
        origin, n = by_pk[pk], rows[0]["told_n"]
        is_folded = n > _most(origin)
        for row in rows[:_NEWEST] if is_folded else rows:
            node = _node(to, row, origin.distance + 1)
            known = chain.nodes.setdefault(node.key, node)
            known.distance = min(known.distance, node.distance)
            yield origin, known
        if is_folded:
            listed = relation.lists_down if down else relation.lists_up
            lookups = {listed: pk} if listed else {}
            fan = ChainNode(
                to, pk, "", distance=origin.distance + 1, n=n, listed=lookups, fan_of=origin.key,
                lists_by_chain=relation.lists_by_chain,
            )  # fmt: skip
            chain.nodes[fan.key] = fan
            yield origin, fan


def _read(
    starts: Sequence[ChainNode], to: str, condition: Callable[[ChainNode], Q], narrow: Narrow
) -> Sequence[Mapping[str, Any]]:
    """Return, of each record, the newest of what it leads to and how many there are, by one statement."""
    noun = NOUNS[to]
    parts: list[QuerySet[Any]] = []
    for start in starts:
        rows = narrow(noun.model._default_manager.filter(condition(start)))
        near = rows.order_by("-pk") if _is_in_order(start.kind, to) else rows.order_by()
        few = noun.model._default_manager.filter(pk__in=near.values("pk")[: MOST_COUNTED + 1])
        counted = few.annotate(told_start=Value(start.pk), told_n=Window(Count("pk")))
        parts.append(_told(counted, noun, "told_start", "told_n").order_by("-pk")[: _most(start)])
    if not parts:
        return []
    first, *others = parts
    return list(first.union(*others, all=True) if others else first)


def _is_in_order(start: str, to: str) -> bool:
    return any(each.is_in_order for each in RELATIONS if (each.upper, each.lower) == (start, to))


def _most(start: ChainNode) -> int:
    return _DRAWN_FAR if start.distance else _DRAWN_NEAR


def _told(rows: QuerySet[Any], noun: Noun, *also: str) -> QuerySet[Any]:
    told = {f"told_{name}": value for name, value in noun.reads.items()}
    named: QuerySet[Any] = rows.annotate(**told).values("pk", *told, *also)
    return named


def _node(kind: str, row: Mapping[str, Any], distance: int) -> ChainNode:
    noun = NOUNS[kind]
    told = {name: row[f"told_{name}"] for name in noun.reads}
    label = noun.said.format(**told).strip(" :")
    if kind == "trace" and not label:
        label = f"{told['id'].hex[:12]} r{told['revision']}"
    return ChainNode(kind, row["pk"], label, word=str(told.get(noun.word, "")), distance=distance, told=told)
