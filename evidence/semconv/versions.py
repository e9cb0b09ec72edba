"""Which versions a trace says it used: collected over all its spans, the most exact statement kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from evidence.semconv.draft import VersionRef
from evidence.semconv.operations import EMBEDDING, TOOL, operation_of
from evidence.semconv.span_view import LABEL_LENGTH, SpanView


def versions_of(span: SpanView) -> list[VersionRef]:
    """Return the versions one span names, in no particular order."""
    refs = [
        _model_of(span),
        _prompt_of(span),
        _index_of(span),
        policy_version_of(span),
        tool_version_of(span),
        _evaluator_of(span),
    ]
    return [ref for ref in refs if ref is not None]


def policy_version_of(span: SpanView) -> VersionRef | None:
    """Return the policy version a span names, None where it states neither version nor digest."""
    return _stated(
        span,
        "policy",
        key=span.label("tracebinder.policy.name"),
        label=span.label("tracebinder.policy.version"),
    )


def tool_version_of(span: SpanView) -> VersionRef | None:
    """Return the tool version a span names, None where it states neither version nor digest."""
    if operation_of(span) != TOOL:
        return None
    return _stated(span, "tool", key=tool_name_of(span), label=span.label("tracebinder.tool.version"))


def tool_name_of(span: SpanView) -> str:
    """Return the name of the tool a span called."""
    return span.label("gen_ai.tool.name", "tool.name") or span.cut(span.name, "span name")


def merge_versions(refs: Iterable[VersionRef]) -> dict[VersionRef, VersionRef]:
    """Return, for each statement, the most exact one that agrees with it.

    A statement without label or digest agrees with a fuller one of the same kind, slot and key, unless
    several fuller ones differ: then it is kept for itself.
    """
    distinct = sorted(set(refs))
    merged: dict[VersionRef, VersionRef] = {}
    for ref in distinct:
        fuller = [other for other in distinct if other != ref and _completes(other, ref)]
        best = [
            other for other in fuller if not any(_completes(one, other) for one in fuller if one != other)
        ]
        merged[ref] = best[0] if len(best) == 1 else ref
    return merged


def _completes(fuller: VersionRef, ref: VersionRef) -> bool:
    """Return whether `fuller` says all that `ref` says, and more."""
    same = (fuller.kind, fuller.slot) == (ref.kind, ref.slot) and ref.key in {"", fuller.key}
    return same and ref != fuller and ref.label in {"", fuller.label} and ref.digest in {"", fuller.digest}


def _stated(span: SpanView, kind: str, *, key: str, label: str) -> VersionRef | None:
    digest = span.digest_at(f"tracebinder.{kind}.digest")
    if not (label or digest):
        return None
    slot = f"tool:{key}"[:LABEL_LENGTH] if kind == "tool" else kind
    return VersionRef(kind=kind, slot=slot, key=key, label=label, digest=digest)


def _named(span: SpanView, kind: str, *, key: str, label: str) -> VersionRef | None:
    """Return a reference that a name alone is enough for: an answer without its version is worth a flag."""
    digest = span.digest_at(f"tracebinder.{kind}.digest")
    return (
        VersionRef(kind=kind, slot=kind, key=key, label=label, digest=digest)
        if key or label or digest
        else None
    )


def _evaluator_of(span: SpanView) -> VersionRef | None:
    """Return the evaluator that judged inside the trace, as a guardrail does."""
    return _stated(
        span,
        "evaluator",
        key=span.label("tracebinder.evaluator.name"),
        label=span.label("tracebinder.evaluator.version"),
    )


def _model_of(span: SpanView) -> VersionRef | None:
    """Return the model a span names; what it answered as is its label only where nothing better is stated."""
    requested = span.label(
        "gen_ai.request.model", "llm.request.model_name", "llm.model_name", "embedding.model_name"
    )
    answered = span.label("gen_ai.response.model", "llm.response.model_name")
    ref = _named(span, "model", key=requested or answered, label=span.label("tracebinder.model.version"))
    if ref is None:
        return None
    slot = "embedding_model" if operation_of(span) == EMBEDDING else "model"
    return replace(ref, slot=slot, label=ref.label or ("" if ref.digest else answered))


def _prompt_of(span: SpanView) -> VersionRef | None:
    return _named(
        span,
        "prompt",
        key=span.label("gen_ai.prompt.name", "prompt.id"),
        label=span.label("gen_ai.prompt.version", "llm.prompt_template.version"),
    )


def _index_of(span: SpanView) -> VersionRef | None:
    return _named(
        span, "index", key=span.label("gen_ai.data_source.id"), label=span.label("tracebinder.index.version")
    )
