"""What the OpenAPI schema says can be null, asked of the serializers that it is made from."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any

from drf_spectacular.drainage import get_override, has_override
from rest_framework import serializers


def may_be_null(field: serializers.Field[Any, Any, Any, Any]) -> bool:
    """Whether the schema lets a field of an answer be null."""
    if not isinstance(field, serializers.SerializerMethodField):
        return bool(field.allow_null)
    method = getattr(field.parent, field.method_name or "")
    if has_override(method, "field"):
        said = get_override(method, "field")
        return bool(getattr(said, "allow_null", False) or isinstance(said, dict))
    return type(None) in typing.get_args(typing.get_type_hints(method).get("return"))


def find_nulls(serializer: serializers.Serializer[Any], answer: Mapping[str, Any]) -> list[str]:
    """Return the fields of an answer, or items of its lists, that are null where the schema says they are not."""
    found = []
    for name, value in answer.items():
        field = serializer.fields[name]
        child = getattr(field, "child", None)
        in_list = isinstance(value, list) and None in value and child is not None and not child.allow_null
        if in_list or (value is None and not may_be_null(field)):
            found.append(f"{type(serializer).__name__}.{name}")
    return found


def check_nulls(serializer: serializers.Serializer[Any], answer: Mapping[str, Any]) -> None:
    """Hold an answer to the schema, whatever test it is given to."""
    found = find_nulls(serializer, answer)
    assert not found, f"null, which the schema does not say: {', '.join(found)}"
