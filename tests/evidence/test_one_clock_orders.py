"""What is decided as of a time replays the same, in whatever order the statements of those who write beside it come.

Each schedule has a decision and two writers on connections of their own, one statement or commit at a time, in the
order of its seed (`tests/interleaving.py`). The short tests are in `test_one_clock.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from uuid import uuid4

import pytest
from django.db import transaction

from evidence import clock
from evidence.errors import EvidenceError
from evidence.models import Citation, GateDecision, SourceDocument, Trace
from evidence.services import audit, gates, registry
from evidence.services.assembly import assemble_due_traces, replay_citation, replay_trace
from evidence.services.blobs import blob_path
from tests.evidence.binder_world import Filled, export, fill_lightly
from tests.evidence.stored_spans import store_spans
from tests.evidence.test_assembly import spans_of
from tests.evidence.test_one_clock import decide, judge, the_same
from tests.factories import World, acting, ask_for_waiver, define_gate, grant_waiver, make_world
from tests.interleaving import interleave, raise_problems
from tests.requirements.builders import make_criterion, make_trace

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(transactional_db: None) -> World:
    """A world that is committed, with a gate over answers and reviews, and a trace that does not meet it."""
    world = make_world()
    make_criterion(world, min_n=1)
    make_criterion(world, key="s", check="reviews.overridden", comparator="at_most", threshold=0.5, min_n=1)
    define_gate(
        system=world.system, key="release", principal=acting(),
        references=[gates.CriterionReference(requirement=key) for key in ("r", "s")],
    )  # fmt: skip
    make_trace(world, has_limitations=False)
    return world


@dataclass
class Writers:
    """What may be written beside a decision; each is one transaction or a service that makes its own."""

    world: World
    chance: Random
    n: int = field(default=0)

    def any_two(self) -> list[Callable[[], object]]:
        """Return two of them, perhaps the same twice."""
        kinds = [
            self.seal,
            self.seal,
            self.seal,
            self.assemble,
            self.review,
            self.waive,
            self.document,
            self.register,
        ]
        return [self.chance.choice(kinds)() for _ in range(2)]

    def seal(self) -> Callable[[], object]:
        """A trace, sealed in one transaction."""
        good = self.chance.random() < 0.5
        return self._in_one(lambda: make_trace(self.world, has_limitations=good))

    def assemble(self) -> Callable[[], object]:
        """Traces out of spans, as a worker does it."""
        store_spans(self.world.system, uuid4(), spans_of(self.world))
        return lambda: assemble_due_traces(limit=5)

    def review(self) -> Callable[[], object]:
        """A judgement of a trace that was there."""
        trace = make_trace(self.world)
        return lambda: judge(self.world, trace)

    def waive(self) -> Callable[[], object]:
        """A waiver of the criterion."""
        asked = ask_for_waiver(self.world, "r/c")
        return lambda: grant_waiver(asked, self.world.principal("approver"))

    def document(self) -> Callable[[], object]:
        """A document, into the index that citations are checked against."""
        index = self.world.release.pins.get(slot="index").version
        known = SourceDocument.objects.filter(index_version=index).first()
        assert known is not None
        name, text = f"A-{self.chance.getrandbits(40)}", known.text

        def add() -> None:
            SourceDocument.objects.create(
                index_version=index, document_id=name, title="t", language="en", digest="1" * 64, text=text
            )
            audit.record(verb="document.added", actor="system:test", obj=index, system=self.world.system)

        return self._in_one(add)

    def register(self) -> Callable[[], object]:
        """A version that a trace used before anybody vouched for it."""
        version = registry.ensure_version(
            system=self.world.system, kind="tool", key="rates", label=f"v{self.chance.getrandbits(40)}",
            digest=f"{self.chance.getrandbits(256):064x}", actor="user:ana",
        )  # fmt: skip
        pinned = {pin.slot: pin.version for pin in self.world.release.pins.all()}
        make_trace(self.world, versions={**pinned, "tool": version})
        return lambda: registry.register_version(principal=acting("user:ana"), version=version, reason="late")

    @staticmethod
    def _in_one(write: Callable[[], object]) -> Callable[[], object]:
        def run() -> None:
            with transaction.atomic():
                write()

        return run


def replay_beside_any_writers(world: World, seeds: Sequence[int]) -> None:
    """Decide a gate beside two writers in the order of each seed; all that was decided then replays the same."""
    for seed in seeds:
        seen = (Trace.objects.count(), Citation.objects.count())
        writers = Writers(world, Random(seed)).any_two()
        acts = interleave(seed, [lambda: decide(world), *writers])
        raise_problems(acts, expected=(EvidenceError,))
        for decision in GateDecision.objects.order_by("-pk")[:1]:
            assert the_same(gates.replay_gate_decision(decision)), f"seed {seed}"
        for trace in Trace.objects.filter(span_ids__isnull=False).order_by("pk")[max(0, seen[0] - 3) :]:
            assert the_same(replay_trace(trace)), f"seed {seed}"
        for citation in Citation.objects.order_by("-pk")[: Citation.objects.count() - seen[1]]:
            assert the_same(replay_citation(citation)), f"seed {seed}"


def test_a_decision_replays_the_same_in_any_order_of_those_beside_it(world: World) -> None:
    replay_beside_any_writers(world, range(12))
    assert GateDecision.objects.count() > 5, "the orders were all the same"


def test_a_binder_has_the_same_bytes_in_any_order_of_those_beside_it(world: World) -> None:
    pack_beside_any_writers(world, range(3))


@pytest.mark.soak
def test_a_decision_replays_the_same_in_thousands_of_orders(world: World) -> None:
    replay_beside_any_writers(world, range(1_000, 3_000))


@pytest.mark.soak
def test_a_binder_has_the_same_bytes_in_hundreds_of_orders(world: World) -> None:
    pack_beside_any_writers(world, range(1_000, 1_200))


def pack_beside_any_writers(world: World, seeds: Sequence[int]) -> None:
    """Export a binder as of a moment beside two writers, and again afterwards."""
    filled = fill_lightly(world)
    for seed in seeds:
        scope = Filled(world, filled.trace, clock.read_moment().at)
        writers = Writers(world, Random(seed)).any_two()
        acts = interleave(seed, [partial(export, scope), *writers])
        raise_problems(acts, expected=(EvidenceError,))
        again = export(scope)
        assert acts[0].result.archive.digest == again.archive.digest, f"seed {seed}"
        assert blob_path(again.archive.digest).exists()
