"""Every address by every method as everybody, about one tenant's rows: no foreign row, no 500, nothing written.

A word of the tenant that is attacked, in an answer to anybody of another, is a foreign row; which words are whose is
told by when each row came (`tests/attack/tenants.py`), not by the rules that are attacked. Bodies are empty here:
`tests/attack/writes.py` sends those that mean something.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, Final

from tests.attack.addresses import addresses_of
from tests.attack.tenants import Caller, StoreWatch, Tenants, callers_of, words_of
from tests.attack.wire import Answer, Send
from tests.evidence.binder_world import SECRET

METHODS: Final = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
_PORTION: Final = 20  # addresses
# They ask the provider of single sign-on. The copy has one in its settings, which nobody runs: 503 `provider_away`.
ASK_A_PROVIDER: Final = frozenset({"/admin/provider/sign-in/", "/admin/provider/proof/"})
# Where a file that nobody can read is put on record, for those who may send one.
_LEDGER: Final = frozenset({"evidence.AuditEvent", "evidence.Blob", "evidence.Reject"})


@dataclass
class Cells:
    """What became of the cells of the matrix."""

    addresses: int = 0
    callers: int = 0
    answers: Counter[str] = field(default_factory=Counter)  # by kind of caller and class of status
    words: int = 0  # that would have told of the tenant that is attacked
    away: int = 0  # answers of 503, of the addresses that ask a provider who does not answer
    seen_by_own: int = 0  # answers to its own people in which such a word stood: the attack can see
    faults: list[str] = field(default_factory=list)

    @property
    def cells(self) -> int:
        """How many requests were answered."""
        return sum(self.answers.values())


@dataclass(frozen=True)
class _Asked:
    caller: Caller
    method: str
    path: str


def run_matrix(
    send: Send,
    tenants: Tenants,
    *,
    methods: Sequence[str] = METHODS,
    callers: Iterable[Caller] | None = None,
    paths: Iterable[str] | None = None,
    threads: int = 1,
) -> Cells:
    """Ask everything of everybody and return what came of it."""
    everybody = list(callers or callers_of(tenants))
    found = Cells(callers=len(everybody), words=len(tenants.victim.words))
    own = [caller for caller in everybody if caller.of == "own"]
    strangers = [caller for caller in everybody if caller not in own]
    watch = StoreWatch.begin()
    with ThreadPoolExecutor(threads) as pool:
        carry_out: Any = map if threads == 1 else pool.map
        for some in batched(paths or addresses_of(tenants.victim)):
            found.addresses += len(some)
            for group, may_write in ((strangers, frozenset[str]()), (own, _LEDGER)):
                asked = [
                    _Asked(caller, method, path) for path in some for caller in group for method in methods
                ]
                for one, answer in zip(asked, carry_out(partial(_ask, send), asked), strict=True):
                    _judge(found, tenants, one, answer)
                if changed := set(watch.changed()) - may_write:
                    found.faults.append(f"one of {some}: an empty body wrote to {', '.join(sorted(changed))}")
    return found


def batched(paths: Iterable[str]) -> Iterator[list[str]]:
    """Yield the addresses in portions, after each of which the tables are looked at."""
    waiting = iter(paths)
    while some := list(islice(waiting, _PORTION)):
        yield some


def _ask(send: Send, asked: _Asked) -> Answer:
    return send(asked.method, asked.path, asked.caller.headers)


def _judge(found: Cells, tenants: Tenants, asked: _Asked, answer: Answer) -> None:
    found.answers[f"{asked.caller.of} {answer.status // 100}xx"] += 1
    found.away += answer.status == 503 and asked.path in ASK_A_PROVIDER
    found.faults += [
        f"{asked.caller.name}: {asked.method} {asked.path}: {fault}"
        for fault in _faults_of(tenants, asked, answer)
    ]
    if asked.caller.of == "own" and tenants.victim.words & _words_in(answer):
        found.seen_by_own += 1


def _faults_of(tenants: Tenants, asked: _Asked, answer: Answer) -> Iterator[str]:
    if answer.status >= 500 and not (answer.status == 503 and asked.path in ASK_A_PROVIDER):
        yield f"{answer.status}"
    told = _words_in(answer) - words_of([asked.path])
    if asked.caller.of != "own" and (foreign := tenants.victim.words & told):
        yield f"tells of another tenant: {sorted(foreign)[:3]}"
    if asked.caller.role != "researcher" and asked.caller.of == "own":
        if hidden := tenants.internals & told:
            yield f"tells of internals: {sorted(hidden)[:3]}"
        if SECRET.encode() in answer.content:
            yield "tells of internals in a summary"


def _words_in(answer: Answer) -> frozenset[str]:
    """Return the words of an answer, of its headers too."""
    told = [answer.content.decode("utf-8", "replace"), " ".join(answer.headers.values())]
    return words_of(told)
