"""lm-evaluation-harness: the folder of one run, `results_*.json` with a `samples_*.jsonl` for each task, as a ZIP.

Each task is a measurement. A line is one document under one filter, so that a document with two filters stands twice;
a group's row stands among the tasks and is none. There is no pass, no fail and no error in the format. A metric is read
from the lines only where its aggregation is a mean, which the task's configuration says or the stated total shows: the
`perplexity` of a line is a log-likelihood.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from evidence.evals.contracts import EvalFileError
from evidence.evals.foreign.notes import FormatNotes
from evidence.evals.formats.lm_eval.results import Results, read_whole
from evidence.evals.formats.lm_eval.task import Task
from evidence.evals.measurements import Measurement, Said
from evidence.evals.sources import Source

_RESULTS: Final = re.compile(r"(?:.*/)?results(?:_(?P<date>[^/]*))?\.json")
_SAMPLES: Final = re.compile(r"(?:.*/)?(?P<stem>[^/]*)\.jsonl")
_SEND: Final = (
    "run with `--log_samples --output_path DIR`, and post the folder of the one run as a ZIP: "
    "results_*.json and a samples_*.jsonl for each task"
)
NOTES: Final = FormatNotes(
    tried="lm_eval 0.4.13 (tasks, groups, two filters, perplexities); lists of before 0.4.3",
    post="the folder of one run as a ZIP, with `--log_samples`",
    reads=(
        "a measurement for each task; a document is a sample, each metric under each filter is one "
        "(`acc,none`); only what is averaged is read from the lines"
    ),
    poster="commit where the run was in no repository, dataset where the task reads local files",
    flags="limits (as the plan), totals of what is no mean, metrics without a direction",
)


def sniff(head: bytes, name: str) -> bool:
    """Whether a file is a ZIP of such a folder, or one of its files, which is refused with what to send."""
    del name
    if head.startswith(b"PK"):
        names = head.decode("utf-8", "replace").split("\n")[1:]
        samples = [
            one for one in names if one.rpartition("/")[2].startswith("samples_") and one.endswith(".jsonl")
        ]
        return any(_RESULTS.fullmatch(one) for one in names) and (bool(samples) or len(names) == 1)
    results = b'"higher_is_better"' in head and b'"results"' in head and b'"n-shot"' in head
    return results or b'"lm_eval_version"' in head or (b'"filtered_resps"' in head and b'"doc_id"' in head)


def open_measurements(source: Source, poster: Said) -> Iterator[Measurement]:
    """Yield a measurement for each task.

    Raises:
        EvalFileError: it is not the folder of one run.
    """
    del poster
    if not source.is_folder:
        raise EvalFileError([f"one file of lm-evaluation-harness is not enough: {_SEND}"])
    name, date = _find_results(source)
    results = Results(read_whole(source, name))
    samples = [one for one in source.members if _SAMPLES.fullmatch(one) and (not date or date in one)]
    if not samples:
        raise EvalFileError([f"{name}: no samples beside it: {_SEND}"])
    tasks = results.tasks
    if not tasks:
        raise EvalFileError([f"{name}: has no results of a task: {_SEND}"])
    for task in tasks:
        yield Task(task, results, key=task if len(tasks) > 1 else "").measure(source, _file_of(task, samples))


def _find_results(source: Source) -> tuple[str, str]:
    found = [(name, match["date"] or "") for name in source.members if (match := _RESULTS.fullmatch(name))]
    if len(found) != 1:
        raise EvalFileError([f"{len(found)} results_*.json in it, and one is needed: {_SEND}"])
    return found[0]


def _file_of(task: str, names: list[str]) -> str | None:
    """Return the samples of a task: the file whose name holds the task's, written as a file's name can be."""
    for written in dict.fromkeys((task, re.sub(r"\W", "_", task))):
        for name in names:
            stem = name.rpartition("/")[2].removesuffix(".jsonl")
            if stem.startswith(f"samples_{written}_2") or stem.endswith(f"_{written}") or stem == written:
                return name
    return None
