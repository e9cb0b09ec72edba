"""All spans of one trace to one draft. The order, grouping and repetition of the spans change nothing.

The trace digest is taken over the sorted pairs of span id and span digest: the same spans give the same
digest, on any machine, in any language that has RFC 8785 and SHA-256.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from evidence.digests import digest_of
from evidence.semconv import declared, usage, versions
from evidence.semconv.dialects import Meaning, Operation, attributes_for
from evidence.semconv.dialects.tracebinder import (
    ANSWER,
    CLAIMS,
    CONFIDENCE,
    LANGUAGE,
    LIMITATIONS,
    QUESTION,
    RELEASE,
    RISK_TIER,
)
from evidence.semconv.documents import read_retrievals
from evidence.semconv.draft import Exchange, TraceDraft, TraceStatus, VersionRef
from evidence.semconv.exchange_flags import flag_unrecognised
from evidence.semconv.hearing import has_prompt
from evidence.semconv.parts import check_parts
from evidence.semconv.placed import with_placed_documents
from evidence.semconv.policy_checks import read_policy_checks
from evidence.semconv.reading import read_exchanges
from evidence.semconv.sources import read_sources
from evidence.semconv.span_view import FlagSink, SpanView, first_with
from evidence.semconv.steps import Tree, items_of
from evidence.semconv.system_reading import NO_READING, SystemReading
from evidence.semconv.tool_calls import read_tool_calls
from evidence.vocabulary import RiskTier

MAPPER_VERSION: Final = "trace-map/4"
"""Changes with any change of what a span is taken to mean."""

NO_LIMITS: Final[Mapping[str, int]] = MappingProxyType({})
_OWN_TEXTS: Final = (QUESTION, ANSWER, RELEASE, RISK_TIER)
_ENVIRONMENT: Final = attributes_for(Meaning.ENVIRONMENT)
_LANGUAGE_LENGTH: Final = 35  # characters, the longest registered BCP 47 tags
_NAME_LENGTH: Final = 100  # characters of a release or an environment
_SPEAKING: Final = frozenset({*_OWN_TEXTS, CLAIMS})
_DECLARING: Final = frozenset({*_SPEAKING, CONFIDENCE, LIMITATIONS})
_AGENTS: Final = frozenset({Operation.AGENT, Operation.CHAIN})
_TIERS: Final = frozenset(RiskTier)
_ERROR: Final = 2  # OTLP status code


def digest_trace(spans: Iterable[tuple[str, str]]) -> str:
    """Return the digest of a trace from its (span id, span digest) pairs, in any order."""
    return digest_of({"spans": [list(pair) for pair in sorted(set(spans))]})


def map_trace(
    spans: Iterable[Mapping[str, Any]],
    limits: Mapping[str, int] = NO_LIMITS,
    reading: SystemReading = NO_READING,
) -> TraceDraft:
    """Return what the spans of one trace say.

    Args:
        spans: stored spans as dicts of their columns; at least one.
        limits: how many of each of `parts.PARTS` it may say.
        reading: how its system says that its traces are read.

    Raises:
        ValueError: no spans.
        TooManyParts: it says more of something.
    """
    flags = FlagSink()
    views = distinct_views(spans, flags)
    if not views:
        raise ValueError("a trace has at least one span")
    root = _find_root(views, flags)
    agents = _speakers(views, root)
    tree = Tree(views, reading)
    merged = versions.merge_versions(ref for view in views for ref in versions.versions_of(view))
    used_versions = sorted(set(merged.values()), key=versions.IN_ORDER)
    _flag_versions(used_versions, flags)
    retrievals = with_placed_documents(tree.steps, reading, read_retrievals(tree.steps))
    exchanges = read_exchanges(tree, flags, retrievals, reading)
    flag_unrecognised(tree, exchanges, flags)
    told = exchanges[-1]
    declaring = [view for view in agents if not _DECLARING.isdisjoint(view.attributes)]
    speakers = _answering_first(declaring, told)
    claims_span = first_with(speakers, CLAIMS)
    confidence_span = first_with(speakers, CONFIDENCE)
    limitations_span = first_with(speakers, LIMITATIONS)
    tool_calls = read_tool_calls(tree.from_above, merged)
    used = usage.read_usage(tree.from_above)
    _flag_disagreements(declaring, flags)
    draft = TraceDraft(
        trace_digest=digest_trace([(view.span_id, view.digest) for view in views]),
        span_ids=tuple(sorted([view.span_id for view in views])),
        status=TraceStatus.COMPLETE if root else TraceStatus.INCOMPLETE,
        name=_name_of(tree, root),
        root_span_id=root.span_id if root else "",
        start_ns=views[0].start_ns,
        end_ns=max([view.end_ns for view in views]),
        span_count=len(views),
        environment=_environment(views),
        release=_own_label(agents, RELEASE, _NAME_LENGTH),
        question=told.question.text,
        answer=told.answer.text,
        language=_own_label(agents, LANGUAGE, _LANGUAGE_LENGTH),
        risk_tier=_risk_tier(agents, flags),
        has_prompt=any(has_prompt(view) for view in views if view.operation is Operation.CHAT),
        claims_declared=claims_span is not None,
        confidence_factors=declared.read_confidence(confidence_span) if confidence_span else (),
        limitations=declared.read_limitations(limitations_span) if limitations_span else (),
        retrievals=retrievals,
        policy_checks=read_policy_checks(views, merged),
        tool_calls=tool_calls,
        claims=declared.read_claims(claims_span, told.answer.text, limits) if claims_span else (),
        versions=tuple(used_versions),
        exchanges=exchanges,
        sources=read_sources(tree.steps, agents, retrievals, tool_calls),
        conversation_ids=used.conversation_ids,
        session_ids=used.session_ids,
        user_ids=used.user_ids,
        input_tokens=used.input_tokens,
        output_tokens=used.output_tokens,
        cost=used.cost,
        currency=used.currency,
        finish_reasons=usage.read_finish_reasons(tree.steps),
        errors=usage.read_errors(tree.steps),
        flags=flags.sorted(),  # last: to read any of the others may add one
    )
    check_parts(draft, limits)
    return draft


def _name_of(tree: Tree, root: SpanView | None) -> str:
    """Return what the trace is called: its root's name, or that of the agent below a server's span that did nothing."""
    if root is not None and root.operation is not None:
        return root.name
    below = [step for step in items_of(tree.tops or tree.strays) if step.operation is Operation.AGENT]
    if len(below) == 1:
        return below[0].span.name
    return root.name if root is not None else tree.strays[0].span.name


def distinct_views(spans: Iterable[Mapping[str, Any]], flags: FlagSink) -> list[SpanView]:
    """Return each span id once, in the order of start, id and digest."""
    rows = sorted(spans, key=lambda span: (span["start_ns"], span["span_id"], span["digest"]))
    kept: dict[str, SpanView] = {}
    for row in rows:
        if row["span_id"] not in kept:
            kept[row["span_id"]] = SpanView.of(row, flags)
        elif kept[row["span_id"]].digest != row["digest"]:
            flags.add("span_id_reused", "two spans with this id differ; the earlier is used", row["span_id"])
    return list(kept.values())


def _find_root(views: Sequence[SpanView], flags: FlagSink) -> SpanView | None:
    """Return the span without a parent; of several, the earliest agent, else the earliest."""
    roots = [view for view in views if not view.parent_span_id]
    if not roots:
        flags.add("no_root", "no span without a parent has arrived")
        return None
    if len(roots) > 1:
        flags.add("several_roots", f"{len(roots)} spans have no parent")
    root = next((view for view in roots if view.operation in _AGENTS), roots[0])
    if root.status_code == _ERROR:
        flags.add("root_error", root.status_message or "the root span ended with an error", root.span_id)
    return root


def _speakers(views: Sequence[SpanView], root: SpanView | None) -> list[SpanView]:
    """Return the spans in the order in which they may speak for the whole trace.

    An agent's span says more than an HTTP server's span above it, and a span with our own attributes most of all.
    """
    known = {view.span_id for view in views}
    ranked = []
    for view in views:
        owns = not _SPEAKING.isdisjoint(view.attributes) and view.has(*_OWN_TEXTS, CLAIMS)
        speaks = owns, view.operation in _AGENTS
        top = view is root or (root is None and view.parent_span_id not in known)
        if view is root or any(speaks):
            ranked.append(((not speaks[0], not speaks[1], view is not root, not top), view))
    ranked.sort(key=lambda one: one[0])
    return [view for _, view in ranked] or _tops_first(views, known)[:1]


def _answering_first(agents: Sequence[SpanView], told: Exchange) -> list[SpanView]:
    """Return the speakers with the span first that gave the answer which is shown: what it says is of that answer."""
    source = told.answer.source
    return sorted(agents, key=lambda view: source is None or view.span_id != source.span_id)


def _tops_first(views: Sequence[SpanView], known: set[str]) -> list[SpanView]:
    return sorted(views, key=lambda view: view.parent_span_id in known)


def _own_label(agents: Sequence[SpanView], key: str, limit: int) -> str:
    span = first_with(agents, key)
    if span:
        return span.label(key, limit=limit)
    return next((str(view.resource[key])[:limit] for view in agents if view.resource.get(key)), "")


def _environment(views: Sequence[SpanView]) -> str:
    for key in _ENVIRONMENT:
        for view in views:
            if isinstance(view.resource.get(key), str):
                return str(view.resource[key])[:_NAME_LENGTH]
    return ""


def _risk_tier(agents: Sequence[SpanView], flags: FlagSink) -> str:
    tier = _own_label(agents, RISK_TIER, _NAME_LENGTH).lower()
    if not tier or tier in _TIERS:
        return tier
    flags.add("malformed_attribute", f"{RISK_TIER} {tier!r} is not low, medium or high")
    return ""


def _flag_disagreements(agents: Sequence[SpanView], flags: FlagSink) -> None:
    for key in _OWN_TEXTS:
        values = {text for view in agents if (text := view.text(key))}
        if len(values) > 1:
            flags.add("several_values", f"{key} has {len(values)} different values; the first is used")
    for key in (CLAIMS, CONFIDENCE, LIMITATIONS):
        spans = [view for view in agents if view.has(key)]
        if any(view.attributes[key] != spans[0].attributes[key] for view in spans):
            flags.add("several_values", f"{key} is on {len(spans)} spans; that of the last answer is used")


def _flag_versions(refs: Iterable[VersionRef], flags: FlagSink) -> None:
    counts: dict[tuple[str, str], int] = {}
    for ref in refs:
        counts[ref.slot, ref.key] = counts.get((ref.slot, ref.key), 0) + 1
        if not (ref.label or ref.digest):
            flags.add("version_not_stated", f"{ref.kind} {ref.key!r} without version or digest")
    for (slot, key), count in counts.items():
        if count > 1:
            flags.add("several_versions", f"{count} versions of {slot} {key!r} in one trace")
