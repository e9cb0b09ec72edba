"""An answer is that of the last turn, and a claim is one of a turn that is there. Step 6."""

from __future__ import annotations

from dataclasses import dataclass

from tracebinder.verify.bag import Bag
from tracebinder.verify.container import Container
from tracebinder.verify.errors import BinderFailed
from tracebinder.verify.lines import objects_in
from tracebinder.verify.spans import TRACES, Redactions, read_redactions
from tracebinder.verify.strict_json import JsonObject, object_at, objects_at, text_at, whole_at


@dataclass(slots=True)
class ExchangesChecked:
    """How many turns the traces tell, and how many traces were sealed before they told any."""

    told: int = 0
    silent: int = 0

    def __str__(self) -> str:
        silent = f", {self.silent} traces from before they were told" if self.silent else ""
        return f"{self.told} exchanges{silent}"


def check_exchanges(container: Container, bag: Bag, *, must_tell: bool) -> ExchangesChecked:
    """Check what each trace says of its turns.

    Args:
        must_tell: each trace tells its turns in this version of the format, be it that it was sealed before.

    Raises:
        BinderFailed: question or answer are not those of the last turn, or a claim is of a turn that is not there.
        BinderMalformed: the file is not in the form of the format.
    """
    found = ExchangesChecked()
    if not must_tell or TRACES not in bag.digests:  # its absence is what `check_spans` says
        return found
    redactions = read_redactions(container, bag)
    for trace in objects_in(container, TRACES):
        _check_trace(trace, redactions, found)
    return found


def _check_trace(trace: JsonObject, redactions: Redactions, found: ExchangesChecked) -> None:
    trace_id = text_at(trace, "traceId", member=TRACES)
    if "exchanges" not in trace:
        raise BinderFailed(f"trace {trace_id} does not tell its exchanges", member=TRACES)
    if trace["exchanges"] is None:
        found.silent += 1
        return
    turns = objects_at(trace, "exchanges", member=TRACES)
    numbers = [whole_at(turn, "number", member=TRACES) for turn in turns]
    if numbers != sorted(set(numbers)):
        raise BinderFailed(f"the exchanges of trace {trace_id} are not in order", member=TRACES)
    if turns and any(_said(turns[-1], field) != trace.get(field) for field in ("question", "answer")):
        raise BinderFailed(
            f"question and answer of trace {trace_id} are not those of its last exchange", member=TRACES
        )
    claimed = [claim.get("exchange") for claim in objects_at(trace, "claims", member=TRACES)]
    is_erased = not turns and redactions.may_be_erased(trace_id)
    if not is_erased and not all(_is_one_of(numbers, number) for number in claimed):
        raise BinderFailed(f"a claim of trace {trace_id} is of no exchange that it has", member=TRACES)
    found.told += len(turns)


def _is_one_of(numbers: list[int], number: object) -> bool:
    return number in numbers if type(number) is int else number is None and not numbers


def _said(turn: JsonObject, field: str) -> str:
    return text_at(object_at(turn, field, member=TRACES), "text", member=TRACES)
