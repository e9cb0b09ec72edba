"""HELM: the folder of one run, with `per_instance_stats.json`, `run_spec.json` and `stats.json`, as a ZIP.

`stats.json` counts trials and lacks the NaN that were deleted: it is kept beside what the instances come to. Trials of
one instance are attempts at it. Several metrics write an entry each for one instance, and these are joined. Perturbed
instances and other splits are measurements of their own, as HELM never averages them with the plain ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from evidence.evals.contracts import EvalFileError
from evidence.evals.foreign.notes import FormatNotes
from evidence.evals.formats.helm.run import STATS, Run
from evidence.evals.measurements import Measurement, Said
from evidence.evals.sources import Source

_SEND: Final = (
    "post the folder of the one run as a ZIP: per_instance_stats.json, run_spec.json and stats.json"
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
        return any(one.rpartition("/")[2] == STATS for one in names)
    one = b'"train_trial_index"' in head and b'"instance_id"' in head
    return (
        one or name.rpartition("/")[2] == STATS or (b'"adapter_spec"' in head and b'"scenario_spec"' in head)
    )


def open_measurements(source: Source, poster: Said) -> Iterator[Measurement]:
    """Yield a measurement for each split and perturbation of the run.

    Raises:
        EvalFileError: it is not the folder of one run.
    """
    del poster
    if not source.is_folder:
        raise EvalFileError([f"one file of HELM is not enough: {_SEND}"])
    found = [name for name in source.members if name.rpartition("/")[2] == STATS]
    if len(found) != 1:
        raise EvalFileError([f"{len(found)} {STATS} in it, and one is needed: {_SEND}"])
    run = Run(found[0].removesuffix(STATS), source)
    run.read()
    if not run.groups:
        raise EvalFileError([f"{STATS}: holds no statistics: {_SEND}"])
    for key, group in run.groups.items():
        yield run.measurement(key, group)
