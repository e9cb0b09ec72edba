"""A row that is made without asking each field is the row that its class makes."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps

from evidence.models import Claim, Trace
from evidence.models.base import AppendOnlyModel

MODELS = [model for model in apps.get_models() if issubclass(model, AppendOnlyModel)]


def told(row: AppendOnlyModel) -> dict[str, Any]:
    """Return what stands in each column; of what is drawn anew, its type."""
    return {
        field.attname: _as_told(getattr(row, field.attname), field) for field in row._meta.concrete_fields
    }


def _as_told(value: Any, field: Any) -> Any:
    return type(value) if field.has_default() and callable(field.default) else value


def test_a_row_of_which_nothing_is_told_is_as_its_class_makes_it() -> None:
    assert MODELS
    for model in MODELS:
        row = model.unsaved()
        assert told(row) == told(model()), model.__name__
        assert row._state.adding


def test_what_is_told_stands_in_its_columns() -> None:
    claim = Claim.unsaved(trace_id=7, ordinal=0, text="The fee is 5 EUR.")
    assert (claim.trace_id, claim.ordinal, claim.text, claim.material) == (
        7,
        0,
        "The fee is 5 EUR.",
        Claim().material,
    )
    assert claim.__dict__.keys() == Claim(trace_id=7).__dict__.keys()


def test_no_two_rows_share_what_can_be_changed() -> None:
    Trace.unsaved().flags.append("mine")
    assert Trace.unsaved().flags == []


@pytest.mark.parametrize("name", ["trace", "no_such_column"])
def test_what_is_no_column_is_refused_by_name(name: str) -> None:
    with pytest.raises(TypeError, match=f"Claim has no {name}$"):
        Claim.unsaved(**{name: 1})
