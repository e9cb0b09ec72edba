"""Whether a row could hold a text: asked before the database is, so that a refusal can name the field."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Model

from evidence.errors import Fault, InvalidInput
from evidence.strict_json import fault_in_text
from evidence.worded import Worded, worded


def check_texts(model: type[Model], **texts: str) -> None:
    """Refuse texts that are too long for their columns, or that no column can hold.

    Args:
        texts: by the name of the model's field.

    Raises:
        InvalidInput: with a fault for each.
    """
    faults = [
        Fault("body", name, "unstorable_value", worded("%(place)s %(fault)s", place=name, fault=fault))
        for name, text in texts.items()
        for fault in _faults_in(model, name, text)
    ]
    if faults:
        raise InvalidInput(faults=faults)


def _faults_in(model: type[Model], name: str, text: str) -> Iterator[Worded]:
    if fault := fault_in_text(text):
        yield fault
    most = getattr(model._meta.get_field(name), "max_length", None)  # characters
    if most is not None and len(text) > most:
        yield worded(
            "has %(length)s characters, at most %(most)s are kept: shorten it", length=len(text), most=most
        )
