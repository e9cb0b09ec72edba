"""What an answer leaves null, the schema says can be null: a client that was made from it does not stumble."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from rest_framework import serializers
from rest_framework.fields import empty

from evidence.api.evals import EvalRunOut
from evidence.api.inputs import Input, QueryInput
from evidence.models import StoredModel
from tests.invariants.walk import OUR_APPS
from tests.null_rules import check_nulls, may_be_null


def answers() -> list[type[serializers.Serializer[Any]]]:
    for app in OUR_APPS:
        package = importlib.import_module(f"{app}.api")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    found = dict.fromkeys(descendants(serializers.Serializer))
    return [each for each in found if is_answer(each)]


def descendants(parent: type[Any]) -> Iterator[type[Any]]:
    for child in parent.__subclasses__():
        yield child
        yield from descendants(child)


def is_answer(each: type[Any]) -> bool:
    return each.__module__.startswith(OUR_APPS) and not issubclass(each, Input | QueryInput)


def can_be_null(model: type[models.Model], source: str) -> bool:
    """Whether a path from a row ends at null: at a column that may be empty, or beyond a row that may not be there."""
    where: Any = model
    for step in source.split("."):
        try:
            field = where._meta.get_field(step)
        except (AttributeError, FieldDoesNotExist):
            return False  # a property, or a column by its own name
        if field.one_to_one and field.auto_created:
            return True
        if getattr(field, "null", False) and not field.auto_created:
            return True
        where = field.related_model
    return False


def of_its_system(model: type[models.Model], source: str) -> bool:
    """Whether a path is to the system of a row, which is there: rows of none are in no list."""
    return issubclass(model, StoredModel) and source == f"{model.SYSTEM_PATH}.key"


def silent_nulls(answer: type[serializers.Serializer[Any]]) -> list[str]:
    model = getattr(getattr(answer, "Meta", None), "model", None)
    found = []
    for name, field in answer().fields.items():
        source = str(field.source)
        of_row = model is not None and can_be_null(model, source) and not of_its_system(model, source)
        default = field.default if field.default is not empty else ...
        if (of_row or default is None) and not may_be_null(field):
            found.append(f"{answer.__name__}.{name}")
    return found


def test_a_field_whose_source_can_be_empty_says_so() -> None:
    walked = answers()
    assert len(walked) > 60
    assert [name for each in walked for name in silent_nulls(each)] == []


def test_an_answer_that_is_null_where_the_schema_says_text_fails_its_test() -> None:
    with pytest.raises(AssertionError, match=r"EvalRunOut\.commit"):
        check_nulls(EvalRunOut(), {"commit": None, "release": None})
