"""The list of what the invariants do not reach may only shrink: an entry nobody needs is a hole waiting for a use."""

from __future__ import annotations

from evidence.models.base import AppendOnlyModel
from tests.invariants.walk import EXCEPTIONS, our_models, service_graph

KNOWN = {"work-table", "no-system", "no-audit-event", "not-repeatable", "no-replay"}


def test_each_exception_names_a_known_invariant_and_gives_a_reason() -> None:
    assert {invariant for invariant, _ in EXCEPTIONS} <= KNOWN
    assert all(reason.strip() for reason in EXCEPTIONS.values())


def test_each_exception_is_still_needed() -> None:
    models = {model._meta.label: model for model in our_models()}
    services = {service.label: service for service in service_graph().services()}
    for invariant, name in EXCEPTIONS:
        if invariant == "work-table":
            assert name in models, name
            assert not issubclass(models[name], AppendOnlyModel), name
        elif invariant == "no-system":
            assert name in models, name
            assert models[name].SYSTEM_PATH is None, name
        elif invariant == "no-audit-event":
            assert name in services, name
            assert services[name].writes, name
            assert services[name].faults, name
