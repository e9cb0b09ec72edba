"""What `results_*.json` says of the run and of each task: its totals, and how they were computed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from evidence.evals.contracts import RunStatus, VersionClaim
from evidence.evals.foreign.json_reader import JsonReader
from evidence.evals.foreign.texts import (
    count_in,
    list_in,
    moment_of_unix,
    object_in,
    short_name,
    shown,
    text_in,
)
from evidence.evals.measurements import Said
from evidence.evals.sources import Source
from evidence.statistics import Plan

_LOADERS: Final = frozenset({"json", "csv", "parquet", "text", "arrow", "pandas", "imagefolder"})
_SEEDS: Final = ("random_seed", "numpy_seed", "torch_seed", "fewshot_seed")


def read_whole(source: Source, name: str) -> Mapping[str, Any]:
    """Return the results, with nothing that is not asked for: configurations may hold the code of a scorer."""
    found: dict[str, Any] = {}
    with source.open_member(name) as stream:
        reader = JsonReader(stream, name)
        for key in reader.fields():
            found[key] = reader.take()
        reader.check_end()
    return found


class Results:
    """What `results_*.json` says."""

    def __init__(self, whole: Mapping[str, Any]) -> None:
        self._whole = whole
        self.groups = {name: object_in(row) for name, row in self.of("groups").items()}

    def of(self, key: str) -> Mapping[str, Any]:
        """Return one of its parts."""
        return object_in(self._whole.get(key))

    @property
    def tasks(self) -> list[str]:
        """The tasks that ran: what stands among the results and is no group."""
        members = self.of("group_subtasks")
        groups = set(self.groups) | {name for name, parts in members.items() if list_in(parts)}
        return [
            name for name, row in self.of("results").items() if name not in groups and isinstance(row, dict)
        ]

    def said(self, task: str) -> Said:
        """Return what it says of the run and of one task."""
        config, spec = self.of("config"), object_in(self.of("configs").get(task))
        begun = moment_of_unix(self._whole.get("date"))
        took = _seconds(self._whole.get("total_evaluation_time_seconds"))
        model = (
            text_in(self._whole.get("model_name"))
            or text_in(self._whole.get("model_source"))
            or text_in(config.get("model"))
        )
        revision = text_in(config.get("model_sha")) or text_in(config.get("model_revision"))
        dataset = _dataset_in(spec)
        version, harness = self.of("versions").get(task), text_in(self._whole.get("lm_eval_version"))
        counts = object_in(self.of("n-samples").get(task))
        original, effective = count_in(counts.get("original")), count_in(counts.get("effective"))
        limited = original is not None and effective is not None and effective < original
        return Said(
            commit=text_in(self._whole.get("git_hash")),
            suite=VersionClaim(short_name(task), None if version is None else shown(version, 100), None),
            evaluator=VersionClaim("lm-evaluation-harness", harness, None) if harness else None,
            dataset=VersionClaim(dataset, None, None) if dataset else None,
            model=VersionClaim(short_name(model), revision, None) if model else None,
            status=RunStatus.SUCCESS,  # the file is written when the run has ended
            observed_from=begun,
            observed_to=begun + timedelta(seconds=took) if begun and took is not None else None,
            plan=Plan(samples=original, limit=effective if limited else None),
            seeds={name: str(seed) for name in _SEEDS if (seed := count_in(config.get(name))) is not None},
        )


def _dataset_in(spec: Mapping[str, Any]) -> str:
    """Return which dataset a task reads; a loader of local files names none."""
    path, name = text_in(spec.get("dataset_path")), text_in(spec.get("dataset_name"))
    return "" if path is None or path in _LOADERS else short_name(f"{path}:{name}" if name else path)


def _seconds(text: object) -> float | None:
    """Return a duration, which the file writes as a text."""
    try:
        number = float(text) if isinstance(text, str | int | float) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number < 1e9 else None
