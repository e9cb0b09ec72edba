"""Which versions a trace says it used: collected over all its spans, the most exact statement kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Final

from evidence.semconv.dialects import Meaning, Operation, attributes_for, version_attributes
from evidence.semconv.draft import VersionRef
from evidence.semconv.model_names import read_model_name
from evidence.semconv.span_view import LABEL_LENGTH, SpanView

_WHERE: Final = {
    kind: version_attributes(kind) for kind in ("model", "prompt", "index", "policy", "tool", "evaluator")
}
_MODEL_CALLED: Final = attributes_for(Meaning.MODEL_CALLED)
_CALLS: Final = frozenset({Operation.CHAT, Operation.EMBEDDING})
_MODEL_ANSWERED: Final = attributes_for(Meaning.MODEL_ANSWERED)
_KIND_OF: Final = {
    **{key: kind for kind, where in _WHERE.items() for key in (*where.name, *where.label, *where.digest)},
    **dict.fromkeys((*_MODEL_CALLED, *_MODEL_ANSWERED), "model"),
}
_NAMING: Final = frozenset(_KIND_OF)
IN_ORDER: Final = attrgetter("kind", "slot", "key", "label", "digest")  # as versions sort, and quicker


def versions_of(span: SpanView) -> list[VersionRef]:
    """Return the versions one span names, in no particular order."""
    naming = set(_NAMING.intersection(span.attributes))
    if span.operation is None:
        naming = {key for key in naming if not key.isidentifier()}  # `model` may be that of a car
    kinds = {_KIND_OF[key] for key in naming}
    refs = [_READERS[kind](span) for kind in kinds]
    return [ref for ref in refs if ref is not None]


def policy_version_of(span: SpanView) -> VersionRef | None:
    """Return the policy version a span names, None where it states neither version nor digest."""
    return _stated(span, "policy")


def tool_version_of(span: SpanView) -> VersionRef | None:
    """Return the tool version a span names, None where it states neither version nor digest."""
    if span.operation is not Operation.TOOL:
        return None
    _, label, digest = _read(span, "tool")
    if not (label or digest):
        return None
    name = tool_name_of(span)
    return VersionRef("tool", f"tool:{name}"[:LABEL_LENGTH], name, label, digest)


def tool_name_of(span: SpanView) -> str:
    """Return the name of the tool a span called."""
    return span.label(*_WHERE["tool"].name) or span.cut(span.name, "span name")


def merge_versions(refs: Iterable[VersionRef]) -> dict[VersionRef, VersionRef]:
    """Return, for each statement, the most exact one that agrees with it.

    A statement without label or digest agrees with a fuller one of the same kind, slot and key, unless
    several fuller ones differ: then it is kept for itself.
    """
    by_slot: dict[tuple[str, str], list[VersionRef]] = {}
    for ref in sorted(set(refs), key=IN_ORDER):
        by_slot.setdefault((ref.kind, ref.slot), []).append(ref)
    return {
        ref: _most_exact(ref, same) if len(same) > 1 else ref for same in by_slot.values() for ref in same
    }


def _most_exact(ref: VersionRef, same: Sequence[VersionRef]) -> VersionRef:
    """Return what a statement is merged into, of all of its kind and slot."""
    fuller = [other for other in same if _completes(other, ref)]
    best = [other for other in fuller if not any(_completes(one, other) for one in fuller)]
    return best[0] if len(best) == 1 else ref


def _completes(fuller: VersionRef, ref: VersionRef) -> bool:
    """Return whether `fuller`, of the same kind and slot, says all that `ref` says, and more."""
    same = ref.key in {"", fuller.key}
    return same and ref != fuller and ref.label in {"", fuller.label} and ref.digest in {"", fuller.digest}


def _read(span: SpanView, kind: str) -> tuple[str, str, str]:
    """Return what a span says of an artefact of this kind: name, label and digest, each empty where it does not."""
    where = _WHERE[kind]
    return span.label(*where.name), span.label(*where.label), span.digest_at(*where.digest)


def _stated(span: SpanView, kind: str) -> VersionRef | None:
    """Return a reference that takes more than a name: what a thing is called says nothing of its version."""
    name, label, digest = _read(span, kind)
    return VersionRef(kind, kind, name, label, digest) if label or digest else None


def _named(span: SpanView, kind: str) -> VersionRef | None:
    """Return a reference that a name alone is enough for: an answer without its version is worth a flag."""
    name, label, digest = _read(span, kind)
    return VersionRef(kind, kind, name, label, digest) if name or label or digest else None


def _model_of(span: SpanView) -> VersionRef | None:
    """Return the model a span names; what it answered as is its label only where nothing better is stated."""
    requested, label, digest = _read(span, "model")
    if not requested and span.operation in _CALLS:
        requested = span.label(*_MODEL_CALLED)
    answered = span.label(*_MODEL_ANSWERED)
    if not (requested or answered or label or digest):
        return None
    model, gave = read_model_name(requested or answered), read_model_name(answered)
    slot = "embedding_model" if span.operation is Operation.EMBEDDING else "model"
    snapshot = gave.snapshot or gave.key or model.snapshot
    return VersionRef("model", slot, model.key, label or ("" if digest else snapshot), digest)


_READERS: Final[Mapping[str, Callable[[SpanView], VersionRef | None]]] = {
    "model": _model_of,
    "prompt": partial(_named, kind="prompt"),
    "index": partial(_named, kind="index"),
    "policy": policy_version_of,
    "tool": tool_version_of,
    "evaluator": partial(_stated, kind="evaluator"),  # that judged inside the trace, as a guardrail does
}
