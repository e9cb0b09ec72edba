"""Every number says what it is: unit, n, interval, direction."""

from __future__ import annotations

import inspect
import re

from django.db import models

from tests.invariants.walk import our_models

MEASUREMENTS = {"evidence.EvalScore", "requirements.Assessment", "interpret.Finding"}


def test_each_aggregate_says_its_unit_n_interval_and_confidence() -> None:
    aggregates = {
        model._meta.label: {field.name for field in model._meta.get_fields()}
        for model in our_models()
        if {"value", "n"} <= {field.name for field in model._meta.get_fields()}
    }
    assert set(aggregates) == MEASUREMENTS
    for label, fields in aggregates.items():
        assert {"value", "n", "low", "high", "unit"} <= fields, label
        assert len({"confidence", "bound_confidence"} & fields) == 1, f"{label}: two-sided, or one-sided?"


def test_each_float_field_says_what_it_holds_where_it_is_declared() -> None:
    """A comment beside the field, or a sibling `unit` field."""
    found = 0
    for model in our_models():
        names = {field.name for field in model._meta.get_fields()}
        floats = [field for field in model._meta.get_fields() if isinstance(field, models.FloatField)]
        source = inspect.getsource(model) if floats else ""  # which parses the whole module
        for field in floats:
            found += 1
            line = re.search(rf"^\s+{field.name} = .*$", source, re.MULTILINE)
            assert line is not None, f"{model.__name__}.{field.name}"
            assert "#" in line.group() or "unit" in names, (
                f"{model.__name__}.{field.name} says no unit and no range"
            )
    assert found >= 10
