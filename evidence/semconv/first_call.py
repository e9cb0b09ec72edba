"""What the first model call of a trace was asked: a probe reads it again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from evidence.semconv.dialects import Operation
from evidence.semconv.given import read_turns
from evidence.semconv.helpers import Purpose
from evidence.semconv.mapping import distinct_views
from evidence.semconv.span_view import FlagSink
from evidence.semconv.steps import Tree


class Prompt(NamedTuple):
    """What a model was told to be, and the person's last words to it; each empty where nothing of it is recorded."""

    instruction: str = ""
    text: str = ""


def read_first_prompt(spans: Iterable[Mapping[str, Any]]) -> Prompt:
    """Return what the earliest model call that answers the person was asked, in any convention.

    Args:
        spans: of one trace, settled (`arrival.settle`), as dicts of their columns.
    """
    tree = Tree(distinct_views(spans, FlagSink()))
    calls = (step for step in tree.steps if step.operation is Operation.CHAT and step.purpose is Purpose.MAIN)
    first = min(calls, key=lambda step: (step.span.start_ns, step.span.span_id), default=None)
    return Prompt(first.system_text, read_turns(first).question) if first is not None else Prompt()
