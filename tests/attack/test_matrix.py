"""A part of `make attack`: the address matrix, as those who are likeliest to reach what is not theirs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.attack.addresses import addresses_of
from tests.attack.matrix import ASK_A_PROVIDER, run_matrix
from tests.attack.tenants import callers_of, make_tenants
from tests.attack.wire import Answer, in_process

pytestmark = pytest.mark.django_db

LIKELIEST = (
    "other person of every role",
    "other token of every scope",
    "own operator",
    "anonymous",
)  # the mightiest first


def test_no_address_tells_anybody_of_rows_that_are_not_theirs() -> None:
    tenants = make_tenants()
    callers = sorted(
        (caller for caller in callers_of(tenants) if caller.name in LIKELIEST),
        key=lambda caller: LIKELIEST.index(caller.name),
    )
    paths = list(addresses_of(tenants.victim))
    pages = [path for path in paths if path.startswith("/admin/")]
    for asked, by in ((pages, callers[:1]), ([path for path in paths if path not in pages], callers)):
        found = run_matrix(in_process(), tenants, methods=("GET",), callers=by, paths=asked)
        assert not found.faults, "\n".join(found.faults)
    assert len(paths) > 500
    assert found.words > 300


def test_an_address_that_is_not_there_for_a_while_is_a_fault_but_for_those_that_ask_a_provider() -> None:
    tenants = make_tenants()
    anonymous = [caller for caller in callers_of(tenants) if caller.name == "anonymous"]
    paths = ["/api/v1/traces", *sorted(ASK_A_PROVIDER)]
    assert set(paths) <= set(addresses_of(tenants.victim))
    found = run_matrix(
        lambda *_: Answer(503, {}, b""), tenants, methods=("GET",), callers=anonymous, paths=paths
    )
    assert (found.faults, found.away) == (["anonymous: GET /api/v1/traces: 503"], 2)


def test_the_attack_sees_what_is_told_and_what_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """By rules that are broken on purpose: a filter that lets everything through, and a refusal that writes."""
    tenants = make_tenants()
    strangers = [caller for caller in callers_of(tenants) if caller.name == "other token of every scope"]
    everything: Any = lambda queryset, principal: queryset  # noqa: E731
    monkeypatch.setattr("evidence.api.reading.visible_to", everything)
    found = run_matrix(in_process(), tenants, methods=("GET",), callers=strangers, paths=["/api/v1/traces"])
    assert [fault for fault in found.faults if "tells of another tenant" in fault]
