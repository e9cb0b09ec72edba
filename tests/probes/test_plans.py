"""One forward pass serves all probes of a plan: a worker that takes their runs one after another makes it once."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, cast

import pytest

from interpret import registry
from interpret.contracts import Want
from interpret.models import Finding, ProbeRun
from interpret.probes.forward import ForwardPasses
from interpret.probes.session import ModelSession
from interpret.services.execution import execute_probe_run, open_session
from interpret.services.queueing import AskedProbe, queue_probe_plan
from tests.factories import acting
from tests.probes import resting
from tests.probes.test_probe_run import INPUTS, SMALL, released

__all__ = ["released"]
ENTROPY, RESTING = AskedProbe("entropy.next_token"), AskedProbe(resting.KEY)
HEADS = AskedProbe("induction.heads", SMALL)


@pytest.fixture(autouse=True)
def with_a_probe_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "PROBES", {**registry.PROBES, resting.KEY: resting.ENTRY})


def passes_of(released: Any, *probes: AskedProbe) -> list[int]:
    """Ask for the probes as one plan, let a new worker take run after run; returns the passes that each run made."""
    registry.open_session.cache_clear()
    made = []
    for run in queue_probe_plan(principal=acting(), release=released, probes=probes, inputs=INPUTS):
        before = session().passes.made
        execute_probe_run(run.pk)
        made.append(session().passes.made - before)
        # So that it may be asked for again.
        ProbeRun.objects.filter(pk=run.pk, state=ProbeRun.State.DONE).update(state=ProbeRun.State.FAILED)
    assert not ProbeRun.objects.filter(state=ProbeRun.State.QUEUED).exists()
    return made


def session() -> ModelSession:
    return cast("ModelSession", open_session())


@pytest.mark.parametrize("probes", [(ENTROPY, RESTING), (RESTING, ENTROPY)])
def test_a_pass_over_prompts_is_made_once_whatever_the_probes_read_of_it(
    released: Any, probes: tuple[AskedProbe, ...]
) -> None:
    (alone,) = passes_of(released, ENTROPY)
    assert alone == 2  # the model and its dead copy, one batch each
    assert passes_of(released, *probes) == [2, 0]


def test_a_probe_that_does_not_say_what_it_reads_has_the_pass_made_again(
    released: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = replace(resting.ENTRY, wants=frozenset())
    monkeypatch.setitem(registry.PROBES, resting.KEY, silent)
    assert passes_of(released, ENTROPY, RESTING) == [2, 2]


def test_another_seed_shares_the_model_s_passes_and_draws_its_own_dead_copy(released: Any) -> None:
    assert passes_of(released, ENTROPY, replace(ENTROPY, seed=1), replace(RESTING, seed=1)) == [2, 1, 0]


def test_what_else_the_worker_does_between_is_no_matter(released: Any) -> None:
    assert passes_of(released, ENTROPY, HEADS, RESTING)[::2] == [2, 0]


def test_shared_passes_give_the_numbers_that_each_probe_finds_alone(released: Any) -> None:
    passes_of(released, ENTROPY)
    passes_of(released, RESTING)
    alone = list(Finding.objects.order_by("pk").values_list("statistic", "value", "low", "high", "null"))
    last = Finding.objects.order_by("pk").last()
    assert last is not None
    passes_of(released, ENTROPY, RESTING)
    together = Finding.objects.filter(pk__gt=last.pk).order_by("pk")
    assert list(together.values_list("statistic", "value", "low", "high", "null")) == alone


def test_passes_over_other_tokens_keep_no_more_than_their_probe_asks(
    released: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[set[Want]] = []

    def note(self: ForwardPasses, wants: Iterable[Want]) -> AbstractContextManager[None]:
        kept.append(set(wants))
        return nullcontext()

    monkeypatch.setattr(ForwardPasses, "keeping", note)
    passes_of(released, HEADS, ENTROPY)
    assert kept == [set()] * (len(kept) - 2) + [{Want.ENTROPY, Want.ATTENTION}] * 2
