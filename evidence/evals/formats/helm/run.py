"""One run of HELM: the statistics of its instances, by split and perturbation, and what stands beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from evidence.evals.contracts import EvalFileError, RunStatus, SampleScore, VersionClaim
from evidence.evals.foreign.collected import Collected, Item, Told
from evidence.evals.foreign.json_reader import JsonReader, fault_of
from evidence.evals.foreign.texts import count_in, list_in, number_in, object_in, short_name, text_in
from evidence.evals.formats.helm.group import Group, declare, is_no_score, value_of
from evidence.evals.formats.helm.texts import Place, perturbed_by, read_texts
from evidence.evals.measurements import Measurement, RemarkCode, Said, StatedTotal
from evidence.evals.slices import read_slice
from evidence.evals.sources import Source
from evidence.statistics import Plan

STATS: Final = "per_instance_stats.json"
_MAX_REFUSED: Final = 10_000  # entries that cannot be read
_MAX_GROUPS: Final = 100


class Run:
    """What is read of a folder."""

    def __init__(self, folder: str, source: Source) -> None:
        self._folder, self._source = folder, source
        self.groups: dict[str, Group] = {}
        self._spec = object_in(self._whole("run_spec.json"))
        self._adapter = object_in(self._spec.get("adapter_spec"))
        self._texts: Mapping[Place, Told] = {}
        self._refused: list[tuple[int, str, Any]] = []

    def read(self) -> None:
        """Read the statistics of the instances, once."""
        self._texts = self._read_texts()
        name = f"{self._folder}{STATS}"
        with self._source.open_member(name) as stream:
            reader = JsonReader(stream, name)
            for index, entry in enumerate(reader.values()):
                self._read(index, entry)
            reader.check_end()
        for group in self.groups.values():
            for index, why, entry in self._refused:
                group.kept.reject(index, "bad_entry", why, entry)

    def measurement(self, key: str, group: Group) -> Measurement:
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
                    [f"{STATS}: more than {_MAX_REFUSED:,} entries cannot be read; the last {fault}"]
                )
            self._refused.append((index, f"entry {index} {fault}", entry))
            return
        by_group: dict[str, list[Mapping[str, Any]]] = {}
        for stat in map(object_in, list_in(entry.get("stats"))):
            key = _key_of(object_in(stat.get("name")), object_in(entry.get("perturbation")))
            by_group.setdefault(key, []).append(stat)
        for key, stats in by_group.items():
            self._add(
                self._group(key), (name, trial), stats, perturbed_by(object_in(entry.get("perturbation")))
            )

    def _add(self, group: Group, at: tuple[str, int], stats: list[Mapping[str, Any]], perturbed: str) -> None:
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
        self, group: Group, place: tuple[int, int], stats: list[Mapping[str, Any]]
    ) -> Iterator[SampleScore]:
        for stat in stats:
            name = short_name(object_in(stat.get("name")).get("name"))
            if not name or is_no_score(name):
                group.unread.add(name or "statistics without a name")
                continue
            if (*place, name) in group.has:
                continue  # several metrics of HELM compute the same statistic
            group.has.add((*place, name))
            yield group.kept.score(declare(group, name), value_of(stat))

    def _group(self, key: str) -> Group:
        if key not in self.groups:
            if len(self.groups) >= _MAX_GROUPS:
                raise EvalFileError([f"{STATS}: more than {_MAX_GROUPS} splits and perturbations"])
            self.groups[key] = Group(Collected(key, "helm"))
        return self.groups[key]

    # --- What stands beside the instances ------------------------------------------------------------------------
    def _said(self, group: Group) -> Said:
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

    def _state(self, key: str, group: Group) -> None:
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

    def _read_texts(self) -> Mapping[Place, Told]:
        path = f"{self._folder}scenario_state.json"
        if path not in self._source.members:
            return {}
        with self._source.open_member(path) as stream:
            return read_texts(JsonReader(stream, path))


def _key_of(name: Mapping[str, Any], perturbation: Mapping[str, Any]) -> str:
    """Return what a statistic is of: its split, and how its instances were perturbed."""
    perturbed = perturbed_by(object_in(name.get("perturbation")) or perturbation)
    return " ".join(part for part in (short_name(name.get("split")), perturbed) if part)
