"""The questions and answers of a run, from `scenario_state.json`, which has one for each request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from evidence.evals.foreign.collected import Told
from evidence.evals.foreign.json_reader import JsonReader
from evidence.evals.foreign.texts import count_in, list_in, object_in, short_name, shown

_MAX_TEXTS: Final = (
    50_000_000  # characters of questions and answers that are held to be joined with their scores
)

Place = tuple[str, str, int]  # an instance, how it was perturbed, and the trial


def read_texts(reader: JsonReader) -> Mapping[Place, Told]:
    """Return the texts, as many as may be held to be joined with their scores."""
    found: dict[Place, Told] = {}
    length = 0
    for key in reader.fields():
        if key != "request_states":
            reader.skip()
            continue
        for state in map(object_in, reader.values()):
            told = _told(state)
            length += len(told.input) + len(told.output)
            if length < _MAX_TEXTS:
                found.setdefault(_place_of(state), told)
    return found


def perturbed_by(given: Mapping[str, Any]) -> str:
    """Return how an instance was perturbed; empty where it was not."""
    if not given:
        return ""
    how = shown(given.get("computed_on"), 20)
    return short_name(f"{shown(given.get('name'), 60)} {how if how != 'perturbed' else ''}")


def _place_of(state: Mapping[str, Any]) -> Place:
    instance = object_in(state.get("instance"))
    trial = count_in(state.get("train_trial_index")) or 0
    return short_name(instance.get("id")), perturbed_by(object_in(instance.get("perturbation"))), trial


def _told(state: Mapping[str, Any]) -> Told:
    instance, result = object_in(state.get("instance")), object_in(state.get("result"))
    answers = [object_in(one).get("text") for one in list_in(result.get("completions"))]
    right = [
        object_in(object_in(one).get("output")).get("text")
        for one in list_in(instance.get("references"))
        if "correct" in list_in(object_in(one).get("tags"))
    ]
    return Told(
        input=shown(object_in(instance.get("input")).get("text")),
        output=shown(answers[0] if answers else None),
        target=shown(right[0]) if right else None,
    )
