"""HELM: the folder of one run, with `per_instance_stats.json`, `run_spec.json` and `stats.json`, as a ZIP.

`stats.json` counts trials and lacks the NaN that were deleted: it is kept beside what the instances come to. Trials of
one instance are attempts at it. Several metrics write an entry each for one instance, and these are joined. Perturbed
instances and other splits are measurements of their own, as HELM never averages them with the plain ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from evidence.evals.contracts import Direction, EvalFileError, RunStatus, SampleScore, VersionClaim
from evidence.evals.foreign.collected import Collected, Item, Told
from evidence.evals.foreign.json_reader import JsonReader, fault_of
from evidence.evals.foreign.notes import FormatNotes
from evidence.evals.foreign.texts import (
    count_in,
    list_in,
    number_in,
    object_in,
    short_name,
    shown,
    text_in,
)
from evidence.evals.measurements import Measurement, RemarkCode, Said, StatedTotal
from evidence.evals.slices import read_slice
from evidence.evals.sources import Source
from evidence.statistics import Plan

_STATS: Final = "per_instance_stats.json"
_SEND: Final = (
    "post the folder of the one run as a ZIP: per_instance_stats.json, run_spec.json and stats.json"
)
_MAX_REFUSED: Final = 10_000  # entries that cannot be read
_MAX_TEXTS: Final = (
    50_000_000  # characters of questions and answers that are held to be joined with their scores
)
_MAX_GROUPS: Final = 100
# Counts, times and settings, which HELM writes among the scores.
_NO_SCORE: Final = re.compile(
    r"num_.*|batch_size|finish_reason_.*|inference_.*|training_.*|prompt_truncated|predicted_index|platt_.*|max_prob|logprob"
)
_EXACT: Final = frozenset(
    {"exact_match", "quasi_exact_match", "prefix_exact_match", "quasi_prefix_exact_match", "exact_match_indicator",
     "final_number_exact_match"}
)  # fmt: skip
_SHARES: Final = re.compile(
    r"f1_score|f1_set_match|iou_set_match|rouge_[12lL]|bleu_[14]|math_equiv.*|.*_accuracy"
)
_LOWER: Final = re.compile(
    r"bits_per_byte|perplexity|absolute_value_difference|distance|edit_distance|.*toxic.*|.*bias.*|ece.*|.*error_rate|wer|cer"
)
NOTES: Final = FormatNotes(
    tried="crfm-helm 0.5.16, by its source",
    post=(
        "the folder of one run as a ZIP: `per_instance_stats.json`, `run_spec.json`, `stats.json`, and "
        "`scenario_state.json` for the texts"
    ),
    reads=(
        "a measurement for each split and perturbation; an instance is an item, its trials attempts; "
        "counts, times and settings are no metrics"
    ),
    poster="evaluator, commit, times; how many instances the dataset has",
    flags="metrics without a direction, a dataset that may hold more than `max_eval_instances`",
)


def sniff(head: bytes, name: str) -> bool:
    """Whether a file is a ZIP of such a folder, or one of its files, which is refused with what to send."""
    if head.startswith(b"PK"):
        names = head.decode("utf-8", "replace").split("\n")[1:]
        return any(one.rpartition("/")[2] == _STATS for one in names)
    one = b'"train_trial_index"' in head and b'"instance_id"' in head
    return (
        one or name.rpartition("/")[2] == _STATS or (b'"adapter_spec"' in head and b'"scenario_spec"' in head)
    )


def open_measurements(source: Source, poster: Said) -> Iterator[Measurement]:
    """Yield a measurement for each split and perturbation of the run.

    Raises:
        EvalFileError: it is not the folder of one run.
    """
    del poster
    if not source.is_folder:
        raise EvalFileError([f"one file of HELM is not enough: {_SEND}"])
    found = [name for name in source.members if name.rpartition("/")[2] == _STATS]
    if len(found) != 1:
        raise EvalFileError([f"{len(found)} {_STATS} in it, and one is needed: {_SEND}"])
    run = _Run(found[0].removesuffix(_STATS), source)
    run.read()
    if not run.groups:
        raise EvalFileError([f"{_STATS}: holds no statistics: {_SEND}"])
    for key, group in run.groups.items():
        yield run.measurement(key, group)


@dataclass(slots=True)
class _Group:
    """One split under one perturbation."""

    kept: Collected
    places: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    has: set[tuple[int, int, str]] = field(default_factory=set)  # attempts that have a metric
    unread: set[str] = field(default_factory=set)
    assumed: set[str] = field(default_factory=set)


class _Run:
    """What is read of a folder."""

    def __init__(self, folder: str, source: Source) -> None:
        self._folder, self._source = folder, source
        self.groups: dict[str, _Group] = {}
        self._spec = object_in(self._whole("run_spec.json"))
        self._adapter = object_in(self._spec.get("adapter_spec"))
        self._texts: dict[tuple[str, str, int], Told] = {}
        self._refused: list[tuple[int, str, Any]] = []

    def read(self) -> None:
        """Read the statistics of the instances, once."""
        self._read_texts()
        name = f"{self._folder}{_STATS}"
        with self._source.open_member(name) as stream:
            reader = JsonReader(stream, name)
            for index, entry in enumerate(reader.values()):
                self._read(index, entry)
            reader.check_end()
        for group in self.groups.values():
            for index, why, entry in self._refused:
                group.kept.reject(index, "bad_entry", why, entry)

    def measurement(self, key: str, group: _Group) -> Measurement:
        """Return what was found of one split and perturbation."""
        group.kept.key = "" if len(self.groups) == 1 else key
        self._state(key, group)
        if group.unread:
            listed = ", ".join(sorted(group.unread)[:20])
            group.kept.remark(RemarkCode.UNREAD, f"counts, times and settings, which are no scores: {listed}")
        return group.kept.measurement(self._said(group))

    # --- An entry ------------------------------------------------------------------------------------------------
    def _read(self, index: int, entry: Any) -> None:
        fault = fault_of(entry)
        name = "" if fault else short_name(entry.get("instance_id"))
        trial = 0 if fault else count_in(entry.get("train_trial_index", 0))
        if not fault and (not name or trial is None):
            fault = "says no instance_id or no train_trial_index"
        if fault or trial is None:
            if len(self._refused) >= _MAX_REFUSED:
                raise EvalFileError(
                    [f"{_STATS}: more than {_MAX_REFUSED:,} entries cannot be read; the last {fault}"]
                )
            self._refused.append((index, f"entry {index} {fault}", entry))
            return
        by_group: dict[str, list[Mapping[str, Any]]] = {}
        for stat in map(object_in, list_in(entry.get("stats"))):
            key = _key_of(object_in(stat.get("name")), object_in(entry.get("perturbation")))
            by_group.setdefault(key, []).append(stat)
        for key, stats in by_group.items():
            self._add(
                self._group(key), (name, trial), stats, _perturbed(object_in(entry.get("perturbation")))
            )

    def _add(
        self, group: _Group, at: tuple[str, int], stats: list[Mapping[str, Any]], perturbed: str
    ) -> None:
        place = group.places.get(at)
        if place is None:
            sub_split = object_in(stats[0].get("name")).get("sub_split")
            told = self._texts.get((at[0], perturbed, at[1]), Told())
            where = read_slice({"sub_split": sub_split}) if isinstance(sub_split, str) else {}
            told = Told(where, told.input, told.output, told.target)
            place = group.kept.add(Item(at[0], attempt=at[1] + 1), told, [])
            if place is None:
                return
            group.places[at] = place
        group.kept.add_scores(place, list(self._scores(group, place, stats)))

    def _scores(
        self, group: _Group, place: tuple[int, int], stats: list[Mapping[str, Any]]
    ) -> Iterator[SampleScore]:
        for stat in stats:
            name = short_name(object_in(stat.get("name")).get("name"))
            if not name or _NO_SCORE.fullmatch(name):
                group.unread.add(name or "statistics without a name")
                continue
            if (*place, name) in group.has:
                continue  # several metrics of HELM compute the same statistic
            group.has.add((*place, name))
            yield group.kept.score(_declare(group, name), _value_of(stat))

    def _group(self, key: str) -> _Group:
        if key not in self.groups:
            if len(self.groups) >= _MAX_GROUPS:
                raise EvalFileError([f"{_STATS}: more than {_MAX_GROUPS} splits and perturbations"])
            self.groups[key] = _Group(Collected(key, "helm"))
        return self.groups[key]

    # --- What stands beside the instances ------------------------------------------------------------------------
    def _said(self, group: _Group) -> Said:
        scenario = object_in(self._spec.get("scenario_spec"))
        run = short_name(str(self._spec.get("name") or "").partition(":")[0])
        model = text_in(self._adapter.get("model")) or text_in(self._adapter.get("model_deployment"))
        dataset = text_in(scenario.get("class_name"))
        limit, items = count_in(self._adapter.get("max_eval_instances")), group.kept.n_items
        capped = limit is not None and items >= limit > 0
        return Said(
            suite=VersionClaim(run, None, None) if run else None,
            dataset=VersionClaim(short_name(dataset), None, None) if dataset else None,
            model=VersionClaim(short_name(model), None, None) if model else None,
            status=RunStatus.SUCCESS,  # the statistics are written when the run has ended
            plan=Plan(limit=limit if capped else None, epochs=self._trials),
        )

    @property
    def _trials(self) -> int:
        return max(1, count_in(self._adapter.get("num_train_trials")) or 1)

    def _state(self, key: str, group: _Group) -> None:
        for stat in map(object_in, list_in(self._whole("stats.json"))):
            named = object_in(stat.get("name"))
            name = short_name(named.get("name"))
            if _key_of(named, {}) != key or not group.kept.has(name) or named.get("sub_split"):
                continue
            trials = count_in(stat.get("count"))
            whole = group.kept.least_attempts == self._trials == trials and group.kept.has_all(name)
            total = StatedTotal(
                name, "mean over trials", number_in(stat.get("mean")), n=trials, is_mean=whole
            )
            group.kept.totals.append(total)

    def _whole(self, name: str) -> object:
        """Return a small file of the folder; None where it is not there."""
        path = f"{self._folder}{name}"
        if path not in self._source.members:
            return None
        with self._source.open_member(path) as stream:
            reader = JsonReader(stream, path)
            value = reader.take()
            reader.check_end()
        return value

    def _read_texts(self) -> None:
        """Hold the questions and answers, of which `scenario_state.json` has one for each request."""
        path, length = f"{self._folder}scenario_state.json", 0
        if path not in self._source.members:
            return
        with self._source.open_member(path) as stream:
            reader = JsonReader(stream, path)
            for key in reader.fields():
                if key != "request_states":
                    reader.skip()
                    continue
                for state in map(object_in, reader.values()):
                    told = _told(state)
                    length += len(told.input) + len(told.output)
                    if length < _MAX_TEXTS:
                        self._texts.setdefault(_place_of(state), told)


def _key_of(name: Mapping[str, Any], perturbation: Mapping[str, Any]) -> str:
    """Return what a statistic is of: its split, and how its instances were perturbed."""
    perturbed = _perturbed(object_in(name.get("perturbation")) or perturbation)
    return " ".join(part for part in (short_name(name.get("split")), perturbed) if part)


def _perturbed(given: Mapping[str, Any]) -> str:
    if not given:
        return ""
    how = shown(given.get("computed_on"), 20)
    return short_name(f"{shown(given.get('name'), 60)} {how if how != 'perturbed' else ''}")


def _declare(group: _Group, name: str) -> str:
    plain = name.partition("@")[0]
    lower, share = bool(_LOWER.fullmatch(plain)), bool(_SHARES.fullmatch(plain))
    if not (lower or share or plain in _EXACT) and name not in group.assumed:
        group.assumed.add(name)
        group.kept.remark(RemarkCode.DIRECTION_ASSUMED, f"{name}: the files do not say which way is better")
    direction = Direction.LOWER if lower else Direction.HIGHER
    return group.kept.declare(name, proportion=plain in _EXACT, share=share, direction=direction)


def _value_of(stat: Mapping[str, Any]) -> object:
    """Return the mean of a statistic, which is over the answers of one instance in one trial."""
    count = number_in(stat.get("count"))
    if count == 0:
        return None
    mean, total = stat.get("mean"), number_in(stat.get("sum"))
    return total / count if mean is None and count and total is not None else mean


def _place_of(state: Mapping[str, Any]) -> tuple[str, str, int]:
    instance = object_in(state.get("instance"))
    trial = count_in(state.get("train_trial_index")) or 0
    return short_name(instance.get("id")), _perturbed(object_in(instance.get("perturbation"))), trial


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
