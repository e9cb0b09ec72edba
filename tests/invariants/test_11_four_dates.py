"""observed, collected, received, valid_until: four dates that are never mixed."""

from __future__ import annotations

import re

from django.db import models
from rest_framework import serializers

from tests.invariants.walk import our_models, our_urls

FOUR_DATES = {"observed_from", "observed_to", "collected_at", "received_at", "valid_until"}
# "date", "timestamp" or "updated" would not say which date is meant; these endings follow a word that does.
# A day has `_on`.
SAYS_WHICH = re.compile(r"^(as_of|at|until|\w+_(at|on|from|to|until))$")


def test_evidence_carries_all_four_dates() -> None:
    dated = {
        model._meta.label
        for model in our_models()
        if {field.name for field in model._meta.get_fields()} >= FOUR_DATES
    }
    assert {"evidence.Evidence", "evidence.EvalRun"} <= dated


def test_each_date_has_a_name_that_says_which_date_it_is() -> None:
    dates = 0
    for model in our_models():
        for field in model._meta.get_fields():
            if isinstance(field, models.DateTimeField | models.DateField):
                dates += 1
                assert SAYS_WHICH.match(field.name), (
                    f"{model.__name__}.{field.name}: which of the dates is it?"
                )
                assert not field.name.startswith(("updated", "modified")), (
                    f"{model.__name__} rows do not change"
                )
    assert dates > 50, "the walk found too little to mean anything"


def test_no_sender_can_set_the_server_clock() -> None:
    read = set()
    for _, view in our_urls():
        for name, member in vars(__import__(view.__module__, fromlist=["x"])).items():
            if (
                isinstance(member, type)
                and issubclass(member, serializers.Serializer)
                and name.endswith("In")
            ):
                read.add(name)
                fields = set(member().fields)
                assert not fields & {"received_at", "sealed_at", "decided_at", "created_at"}, name
    assert len(read) > 10, "the walk found too little to mean anything"
