from __future__ import annotations

import json
from typing import Any

import pytest

from evidence.evals.contracts import Direction, EvalFileError, RunStatus
from tests.evidence.eval_readers import Read, case, counted, folder, read, read_one, sniffed

LIMITED = "lm-eval/bank-limited"
RESULTS = "m/results_2026-11-25T22-55-59.349773.json"


def by_key(raw: bytes) -> dict[str, Read]:
    assert sniffed("lm_eval", raw)
    return {one.measurement.key: one for one in read("lm_eval", raw)}


def line(doc_id: int, **over: Any) -> dict[str, Any]:
    return {
        "doc_id": doc_id,
        "doc": {"q": "Is it due?", "language": "en", "answer": "yes"},
        "target": "yes",
        "arguments": {"gen_args_0": {"arg_0": "Is it due?", "arg_1": {}}},
        "resps": [["yes"]],
        "filtered_resps": ["yes"],
        "filter": "none",
        "metrics": ["acc"],
        "acc": 1.0,
        **over,
    }


def run_of(
    *lines: Any, row: dict[str, Any] | None = None, metric: dict[str, Any] | None = None, **head: Any
) -> bytes:
    """Return the folder of a run of one task."""
    results = {
        "results": {"fees": {"alias": "fees", "acc,none": 1.0, **(row or {})}},
        "configs": {
            "fees": {"metric_list": [{"metric": "acc", "aggregation": "mean"}, *([metric] if metric else [])]}
        },
        "higher_is_better": {"fees": {"acc": True}},
        "n-shot": {},
        **head,
    }
    text = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines)
    return folder(
        {
            RESULTS: json.dumps(results).encode(),
            RESULTS.replace("results", "samples_fees").replace(".json", ".jsonl"): text.encode(),
        }
    )


def test_two_tasks_and_a_group_are_two_measurements() -> None:
    runs = by_key(case(LIMITED))
    assert list(runs) == ["fees_mc", "sums_gen"]
    fees, sums = runs["fees_mc"], runs["sums_gen"]
    assert fees.counts("acc,none") == counted(1.0, 6)
    assert fees.counts("acc_norm,none") == counted(0.666667, 6)
    assert sums.counts("exact_match,strict") == counted(0.0, 6)
    assert sums.counts("exact_match,flexible") == counted(0.5, 6)
    assert (fees.n_items, sums.n_items, len(sums.samples)) == (6, 6, 6)  # of 12 lines
    assert round(fees.total("acc_norm_stderr") or 0, 6) == 0.210819
    assert round(sums.total("exact_match_stderr", "exact_match,flexible") or 0, 6) == 0.223607
    assert [
        (one.metric, one.value, one.n) for one in fees.measurement.totals if one.name == "group bank"
    ] == [("acc,none", 1.0, 6)]
    assert not [one for one in sums.measurement.totals if one.name == "group bank"]


def test_what_the_results_say_of_the_run() -> None:
    runs = by_key(case(LIMITED))
    fees, sums = runs["fees_mc"].said, runs["sums_gen"].said
    assert fees.plan is not None
    assert sums.plan is not None
    assert (fees.plan.samples, fees.plan.limit, sums.plan.samples, sums.plan.limit) == (12, 6, 8, 6)
    assert fees.plan.epochs == sums.plan.epochs == 1  # two answers, and one score of both
    assert fees.suite is not None
    assert sums.suite is not None
    assert (fees.suite.key, fees.suite.label, sums.suite.label) == ("fees_mc", "2.0", "1")
    assert fees.model is not None
    assert fees.model.key == "vqvnukgg"
    assert fees.evaluator is not None
    assert fees.evaluator.label == "0.4.13"
    assert (fees.commit, fees.status, fees.dataset) == ("6dce146", RunStatus.SUCCESS, None)
    assert fees.observed_from is not None
    assert fees.observed_to is not None
    assert round((fees.observed_to - fees.observed_from).total_seconds(), 3) == 41.063
    assert fees.seeds == {
        "random_seed": "0",
        "numpy_seed": "1234",
        "torch_seed": "1234",
        "fewshot_seed": "1234",
    }


def test_metrics_that_are_no_means_keep_their_totals_only() -> None:
    """As lm_eval 0.4.13 wrote it: F1, a Brier score, BLEU and three perplexities beside what is averaged."""
    runs = by_key(case("lm-eval/bank-and-perplexity"))
    assert {key: list(run.measurement.metrics) for key, run in runs.items()} == {
        "fees_mc": ["acc,none"],
        "fees_gen": ["exact_match,none"],
        "text_ppl": [],
        "fees_ll": ["acc,none"],
    }
    assert runs["fees_ll"].total("perplexity") == 1.6238362791880445
    assert runs["fees_mc"].total("acc_stderr") is None  # "N/A"
    assert runs["fees_mc"].slices("language") == ["zh", "en"]


def test_texts_and_slices_of_a_document() -> None:
    sample = read_one("lm_eval", run_of(line(7))).samples[0]
    assert (sample.sample_id, sample.input, sample.output, sample.target) == ("7", "Is it due?", "yes", "yes")
    assert sample.slice == {"language": "en"}  # and no slice of the answers


@pytest.mark.parametrize(
    ("aggregation", "stated", "is_read"),
    [
        ("mean", 9.0, True),  # as the task says
        ("perplexity", 7.4, False),
        ("<function my_mean at 0x7f>", 2.5, True),  # as the stated total shows
        ("<function my_max at 0x7f>", 3.0, False),
        (None, 2.5, True),
    ],
)
def test_a_metric_is_read_where_its_values_are_averaged(
    aggregation: str | None, stated: float, *, is_read: bool
) -> None:
    own = {"metric": "length", **({"aggregation": aggregation} if aggregation else {})}
    lines = [line(number, metrics=["acc", "length"], length=float(number + 2)) for number in range(2)]
    run = read_one("lm_eval", run_of(*lines, row={"length,none": stated}, metric=own))
    assert ("length,none" in run.measurement.metrics) is is_read
    assert run.total("length") == stated
    assert run.codes == ({"direction_assumed"} if is_read else {"unread"})
    assert len(run.samples[0].scores) == 1 + is_read


def test_a_log_likelihood_is_no_perplexity() -> None:
    lines = [
        line(0, metrics=["acc", "perplexity"], perplexity=-1.5),
        line(1, metrics=["acc", "word_perplexity"], word_perplexity=[-9, 3]),
    ]
    run = read_one("lm_eval", run_of(*lines, row={"perplexity,none": 4.5, "word_perplexity,none": 20.1}))
    assert list(run.measurement.metrics) == ["acc,none"]
    assert run.details("unread")[0].startswith("perplexity,none: is no mean")


def test_lower_is_better_where_the_results_say_so() -> None:
    own = {"metric": "cost", "aggregation": "mean"}
    raw = run_of(line(0, metrics=["cost"], cost=2), metric=own, higher_is_better={"fees": {"cost": False}})
    metric = read_one("lm_eval", raw).measurement.metrics["cost,none"]
    assert (metric.direction, metric.is_bounded) == (Direction.LOWER, False)


def test_lines_without_a_filter_are_told_by_their_order() -> None:
    lines = [
        {key: value for key, value in line(0, acc=value).items() if key != "filter"} for value in (0.0, 1.0)
    ]
    run = read_one(
        "lm_eval",
        run_of(
            *lines,
            row={"acc,strict": 0.0, "acc,loose": 1.0},
            results={"fees": {"acc,strict": 0.0, "acc,loose": 1.0}},
        ),
    )
    assert (run.values("acc,strict"), run.values("acc,loose")) == ([0.0], [1.0])


def test_a_task_without_samples_is_unfinished() -> None:
    both = {"fees": {"acc,none": 1.0}, "cards": {"acc,none": 1.0}}
    runs = by_key(run_of(line(0), results=both))
    assert (len(runs["fees"].samples), len(runs["cards"].samples)) == (1, 0)
    assert runs["cards"].codes == {"unfinished", "unread"}


def test_lines_that_cannot_be_read_are_refused_alone() -> None:
    run = read_one("lm_eval", run_of(line(0), line(0), '{"doc_id": 1', {"acc": 1}, line(2, acc="NaN")))
    assert [one.detail.split(":")[0] for one in run.rejects] == [
        "line 2 is document 0 again, under the filter 'none'",
        "line 3 is not JSON at its character 13",
        "line 4 has no doc_id",
    ]
    assert run.counts("acc,none") == counted(1.0, 1, unscored=1)


def test_nothing_measured_is_no_metric() -> None:
    run = read_one("lm_eval", run_of(line(0, metrics=["bypass"], bypass=999)))
    assert run.measurement.metrics == {}


def test_the_older_folder_with_lists_in_its_files() -> None:
    results = {"results": {"fees": {"acc,none": 1.0}}, "configs": {}, "higher_is_better": {}}
    raw = folder(
        {
            "results.json": json.dumps(results).encode(),
            "samples_hf__fees.jsonl": json.dumps([line(0)]).encode(),
        }
    )
    assert by_key(raw)[""].values("acc,none") == [1.0]


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (
            b'{"results": {}, "lm_eval_version": "0.4.13"}',
            "one file of lm-evaluation-harness is not enough: run with",
        ),
        (json.dumps(line(0)).encode(), "one file of lm-evaluation-harness is not enough"),
        (folder({RESULTS: b"{}"}), "no samples beside it"),
        (
            folder({RESULTS: b"{}", RESULTS.replace("25T", "26T"): b"{}", "m/samples_a_2026.jsonl": b""}),
            "2 results_",
        ),
        (
            folder({RESULTS: b'{"results": {', RESULTS.replace("results", "samples_a") + "l": b""}),
            "not JSON at character 13.*cut short",
        ),
    ],
)
def test_what_cannot_be_read_says_what_to_send(raw: bytes, says: str) -> None:
    assert sniffed("lm_eval", raw)
    with pytest.raises(EvalFileError, match=says):
        read("lm_eval", raw)
