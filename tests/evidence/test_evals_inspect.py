"""Logs that inspect_ai 0.3.285 wrote, each with a trap in it, from the file to the figures and the gate."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.evals.contracts import EvalFileError, ParsedSample, SampleReject, VersionClaim
from evidence.evals.formats.inspect import sniff
from evidence.evals.gathering import Bounds, Gathered, gather, mean_of_items
from evidence.evals.measurements import Measurement, RemarkCode, Said
from evidence.evals.observations import units_of
from evidence.evals.registry import open_eval_file
from evidence.evals.sources import Source
from evidence.statistics import Plan

LOGS = Path(__file__).parent / "data" / "inspect_logs"
EXPECTED: dict[str, Any] = json.loads((LOGS / "expected.json").read_text(encoding="utf-8"))
BOUNDS = Bounds(samples=1_000, remarks=100, values=50)


@dataclass(frozen=True)
class Read:
    """A log that was read to its end."""

    measurement: Measurement
    gathered: Gathered
    samples: dict[str, ParsedSample]

    def statuses(self, metric: str, where: Mapping[str, str] | None = None) -> dict[str, int]:
        counts = {"n_scored": 0, "n_unscored": 0, "n_error": 0}
        for sample in self.samples.values():
            if (where or {}).items() <= sample.slice.items():
                for score in sample.scores:
                    if score.metric == metric:
                        counts[f"n_{score.status}"] += 1
        return counts

    def values(self, metric: str, where: Mapping[str, str] | None = None) -> list[float]:
        return [
            score.value
            for sample in self.samples.values()
            if (where or {}).items() <= sample.slice.items()
            for score in sample.scores
            if score.metric == metric and score.value is not None
        ]

    def remarks(self, code: RemarkCode) -> list[tuple[str | None, str]]:
        return [(each.sample_id, each.detail) for each in self.gathered.remarks if each.code is code]


def read(raw: bytes, name: str = "log.eval") -> Read:
    opened = open_eval_file(Source.of_bytes(raw, name), None, Said())
    assert opened.format_name == "inspect"
    (measurement,) = opened.measurements
    kept: dict[str, ParsedSample] = {}
    gathered = gather(
        measurement, measurement.said, BOUNDS, lambda sample: kept.update({sample.sample_id: sample})
    )
    return Read(measurement, gathered, kept)


def case(name: str) -> Read:
    return read((LOGS / name).read_bytes(), name)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_log_says_what_it_is_of(name: str) -> None:
    told, said = EXPECTED[name], case(name).measurement.said
    assert said.status == told["status"]
    assert said.suite == VersionClaim(told["task"], str(told["task_version"]), None)
    assert said.model == VersionClaim(told["model"], None, None)
    assert said.dataset == VersionClaim(told["dataset"]["name"], None, None)
    assert (said.commit, said.dirty) == (told["commit"], told["dirty"])
    assert said.plan == Plan(told["dataset"]["planned"], told["dataset"]["limit"], told["epochs"])
    assert said.evaluator is not None
    assert said.evaluator.key == "+".join(each["name"] for each in told["evaluators"])
    assert said.observed_from is not None
    assert said.observed_to is not None
    assert said.observed_from <= said.observed_to
    assert said.run_key


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_each_figure_of_a_log_is_that_of_its_samples(name: str) -> None:
    told, log = EXPECTED[name], case(name)
    assert (len(log.samples), log.gathered.rejects) == (told["n_attempts"], [])
    units = units_of((each.sample_id, each.trace_id, each.slice) for each in log.gathered.samples)
    assert len(set(units.values())) == told["n_items"] == told["independent_units"]
    assert {metric for metric in log.gathered.metrics if log.values(metric)} == set(told["computed"])
    for metric, figures in told["computed"].items():
        parts = {None: figures} | {
            (dimension, value): part
            for dimension, by_value in figures.get("slices", {}).items()
            for value, part in by_value.items()
        }
        for where, part in parts.items():
            chosen = dict([where]) if where else {}
            assert log.statuses(metric, chosen).items() <= part.items()
            values = log.values(metric, chosen)
            assert sum(values) / len(values) == pytest.approx(part["mean_of_attempts"], abs=1e-6)
        assert mean_of_items(log.gathered, metric) == pytest.approx(figures["mean_of_items"], abs=1e-6)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_the_runners_totals_stand_beside_ours_and_agree(name: str) -> None:
    log = case(name)
    stated = {
        (total.stated.metric, total.stated.name, total.stated.reducer): total.stated.value
        for total in log.gathered.totals
    }
    wanted = {
        (_metric(each), metric, each["reducer"] or ""): value
        for each in EXPECTED[name]["stated"]
        for metric, value in each["metrics"].items()
    }
    assert stated == wanted
    assert [total for total in log.gathered.totals if total.differs] == []
    means = [total for total in log.gathered.totals if total.stated.is_mean]
    assert all(total.computed == pytest.approx(total.stated.value) for total in means)
    assert all(total.stated.n == each for total, each in zip(means, _scored_items(name), strict=True))


def _metric(stated: Mapping[str, str]) -> str:
    return (
        stated["scorer"] if stated["score"] == stated["scorer"] else f"{stated['scorer']}/{stated['score']}"
    )


def _scored_items(name: str) -> Iterator[int]:
    for each in EXPECTED[name]["stated"]:
        if each["reducer"] in {None, "mean"}:
            yield each["scored_samples"]


def test_several_reducers_of_one_name_are_several_totals_and_one_metric() -> None:
    log = case("three-reducers.eval")
    assert set(log.gathered.metrics) == {"match"}
    assert {
        total.stated.reducer: (total.stated.value, total.computed)
        for total in log.gathered.totals
        if total.stated.name == "accuracy"
    } == {"mean": (0.5, 0.5), "max": (0.75, None), "at_least_2": (0.5, None)}


def test_a_value_that_a_person_changed_is_kept_with_the_one_before() -> None:
    log = case("edited.eval")
    ((sample_id, detail),) = log.remarks(RemarkCode.EDITED)
    assert sample_id == "fees-2"
    assert "I became C" in detail
    assert "by ines" in detail
    assert "reference answer was wrong" in detail


def test_what_errored_and_was_scored_is_scored_and_says_so() -> None:
    log = case("score-on-error.eval")
    assert [sample_id for sample_id, _ in log.remarks(RemarkCode.ERRORED)] == ["card-2#2"]
    assert case("two-epochs.eval").remarks(RemarkCode.ERRORED) == []


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("unfinished.eval", RemarkCode.UNFINISHED, "never wrote that it ended"),
        ("limited.eval", RemarkCode.LIMITED, "after 3 of 8 items"),
        ("letters.eval", RemarkCode.DIRTY, "not that of commit f1b5689"),
    ],
)
def test_what_bears_on_a_run_is_remarked(name: str, code: RemarkCode, says: str) -> None:
    ((sample_id, detail),) = case(name).remarks(code)
    assert sample_id is None
    assert says in detail


def test_texts_are_those_of_the_sample() -> None:
    sample = case("edited.eval").samples["fees-2"]
    assert sample.input == "What is the fee for a duplicate statement?"
    assert (sample.output, sample.target) == ("3 euro", "3 euro")
    assert sample.scores[0].explanation == "statement is free since May"


# --- Odd logs --------------------------------------------------------------------------------------------------
HEAD: dict[str, Any] = {
    "version": 2,
    "status": "success",
    "eval": {
        "eval_id": "e-1",
        "created": "2026-11-25T22:39:08+00:00",
        "task": "fees",
        "task_version": 1,
        "dataset": {"name": "tasks", "samples": 2},
        "model": "mockllm/model",
        "config": {"epochs": 1},
        "revision": {"type": "git", "commit": "f1b5689", "dirty": False},
        "packages": {"inspect_ai": "0.3.285"},
        "scorers": [{"name": "match", "options": {}}],
    },
    "stats": {"started_at": "2026-11-25T22:39:08+00:00", "completed_at": "2026-11-25T22:40:08+00:00"},
}


def sample(item: object = "a", epoch: int = 1, value: object = "C", **over: Any) -> dict[str, Any]:
    return {
        "id": item,
        "epoch": epoch,
        "input": "q",
        "target": "t",
        "output": {"completion": "answer"},
        "scores": {"match": {"value": value}},
        **over,
    }


def archive(
    members: Mapping[str, object],
    *,
    method: int = zipfile.ZIP_DEFLATED,
    again: Mapping[str, object] | None = None,
) -> bytes:
    """Return a ZIP of JSON members; `again` holds members that are written a second time."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as target:
        for name, value in [*members.items(), *(again or {}).items()]:
            target.writestr(name, json.dumps(value))
    return written.getvalue()


def log_of(*samples: dict[str, Any], head: Mapping[str, Any] = HEAD, **how: Any) -> bytes:
    named = {f"samples/{each['id']}_epoch_{each['epoch']}.json": each for each in samples}
    return archive({"_journal/start.json": HEAD, **named, "header.json": head}, **how)


def text_of(*samples: dict[str, Any], head: Mapping[str, Any] = HEAD) -> bytes:
    return json.dumps({**head, "samples": samples}).encode()


@pytest.mark.parametrize("write", [log_of, text_of])
@pytest.mark.parametrize(
    ("value", "scored"),
    [
        ("C", 1.0), ("I", 0.0), ("P", 0.5), ("N", 0.0), (True, 1.0), (False, 0.0), ("yes", 1.0), ("No", 0.0),
        ("0.25", 0.25), (3, 3.0), (float("nan"), None), (float("inf"), None), (float("-inf"), None),
        ("maybe", None), (None, None), ("", None), (10**400, None), ([1], "parts"),
    ],
)  # fmt: skip
def test_each_value_is_a_number_or_unscored_and_never_zero_for_want_of_one(
    write: Any, value: object, scored: object
) -> None:
    log = read(write(sample(value=value)))
    (score,) = log.samples["a"].scores
    if scored == "parts":
        assert (score.metric, score.value) == ("match/0", 1.0)
    else:
        assert score.value == scored
        assert score.status == ("unscored" if scored is None else "scored")


def test_a_list_or_an_object_of_values_is_a_metric_each() -> None:
    log = read(
        log_of(sample(value={"tone": 0.5, "facts": "C"}), sample("b", value=["I", float("nan"), {"x": 1}]))
    )
    assert {each.metric: each.value for each in log.samples["a"].scores} == {
        "match/tone": 0.5,
        "match/facts": 1.0,
    }
    assert [each.value for each in log.samples["b"].scores] == [0.0, None, None]


def test_values_beyond_one_make_a_mean_and_the_rest_a_share() -> None:
    assert read(log_of(sample(value=3))).gathered.metrics["match"].kind == "mean"
    assert read(log_of(sample(value=1))).gathered.metrics["match"].kind == "proportion"


def test_attempts_are_named_by_item_and_epoch() -> None:
    head = {**HEAD, "eval": {**HEAD["eval"], "config": {"epochs": 2}}}
    assert set(read(log_of(sample("a"), sample("a", 2), head=head)).samples) == {"a#1", "a#2"}
    assert set(read(log_of(sample(7), sample("q#3"))).samples) == {"7", "q#3#1"}


def test_an_item_may_have_a_path_for_its_name() -> None:
    """Inspect names a member by the id of its sample as it is: whatever stands in it, the sample is that item's."""
    named = ("a/b\\c d", "C:\\q1", "سؤال/1")
    log = read(log_of(*(sample(each) for each in named)))
    assert set(log.samples) == set(named)


@pytest.mark.parametrize("write", [log_of, text_of])
def test_a_run_of_no_sample_is_a_run_of_no_sample(write: Any) -> None:
    log = read(write())
    assert (log.samples, log.gathered.rejects) == ({}, [])


def test_a_log_without_a_list_of_samples_has_none() -> None:
    """So Inspect writes a `.json` of which it kept the head alone, and one of which no sample ran."""
    raw = json.dumps({"version": 2, **HEAD}).encode()
    assert read(raw).samples == {}
    with pytest.raises(EvalFileError, match="not JSON"):
        read(raw + b"x")


def test_of_a_member_that_stands_twice_the_last_counts() -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        raw = log_of(sample(value="I"), again={"samples/a_epoch_1.json": sample(value="C")})
    assert read(raw).values("match") == [1.0]


def test_members_are_read_in_each_way_they_are_packed() -> None:
    stored, deflated = log_of(sample(), method=zipfile.ZIP_STORED), log_of(sample())
    assert read(stored).samples == read(deflated).samples == read(zstd_archive(frames=1)).samples
    assert read(zstd_archive(frames=3)).samples == read(stored).samples


def zstd_archive(*, frames: int) -> bytes:
    """Return a log whose members are zstd, in so many frames each, which Python's own `zipfile` cannot write."""
    members = {"header.json": HEAD, "samples/a_epoch_1.json": sample()}
    body, directory = b"", b""
    for name, value in members.items():
        data, at = json.dumps(value).encode(), len(body)
        size = -(-len(data) // frames)
        packed = b"".join(zstd.compress(data[start : start + size]) for start in range(0, len(data), size))
        shared = struct.pack(
            "<5H3L2H", 20, 0, 93, 0, 0, zlib.crc32(data), len(packed), len(data), len(name), 0
        )
        body += b"PK\x03\x04" + shared + name.encode() + packed
        directory += (
            b"PK\x01\x02"
            + struct.pack("<H", 20)
            + shared
            + struct.pack("<3H2L", 0, 0, 0, 0, at)
            + name.encode()
        )
    end = struct.pack("<4H2LH", 0, 0, len(members), len(members), len(directory), len(body), 0)
    return body + directory + b"PK\x05\x06" + end


def test_a_sample_in_pieces_is_read_as_one_in_a_file() -> None:
    """The shape of inspect_ai's `convert_eval_logs_to_chunked`."""
    shell = sample(input="attachment://1", output={"completion": "see attachment://2"}, message_refs=[[0, 1]])
    chunked = archive(
        {
            "header.json": HEAD,
            "samples/a_epoch_1/sample.json": shell,
            "samples/a_epoch_1/metadata.json": {"language": "en"},
            "samples/a_epoch_1/messages/0.json": [{"role": "user", "content": "q"}],
            "samples/a_epoch_1/events/0.json": [{"event": "score"}],
            "samples/a_epoch_1/events/stats.json": {"chunks": []},
            "samples/a_epoch_1/attachments/0.json": ["not asked for", "a long question"],
            "samples/a_epoch_1/attachments/2.json": ["a long answer"],
            "samples/b_epoch_1.json": sample("b"),
        }
    )
    log = read(chunked)
    assert set(log.samples) == {"a", "b"}
    first = log.samples["a"]
    assert (first.input, first.output, first.slice) == (
        "a long question",
        "see a long answer",
        {"language": "en"},
    )


@pytest.mark.parametrize("write", [log_of, text_of])
@pytest.mark.parametrize(
    "shared",
    [
        {"messages": [{"role": "user", "content": "q"}], "events": []},
        {"message_pool": [{"role": "user"}], "events": [{"event": "model", "input_refs": [[0, 1]]}]},
        {"events_data": {"messages": [{"role": "user"}], "calls": []}, "events": [{"input_refs": [[0, 1]]}]},
    ],
)
def test_however_messages_are_shared_the_scores_are_the_same(write: Any, shared: dict[str, Any]) -> None:
    given = sample(
        input="attachment://ab12", attachments={"ab12": "a long question", "cd": "another"}, **shared
    )
    log = read(write(given))
    assert log.values("match") == [1.0]
    assert log.samples["a"].input == "a long question"


def test_a_large_sample_is_read_as_a_small_one() -> None:
    events = [{"event": "model", "text": f'"]}}{{[\\{n}' * 40} for n in range(9_000)]
    given = sample(
        events=events, attachments={"ab12": "long"}, input="attachment://ab12", metadata={"language": "en"}
    )
    order = ("events", "id", "epoch", "input", "metadata", "output", "target", "scores", "attachments")
    large = read(log_of({key: given[key] for key in order}))
    assert large.samples == read(log_of({**given, "events": []})).samples
    assert large.samples["a"].input == "long"


def test_conversations_are_read_as_their_messages() -> None:
    messages = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": [{"type": "text", "text": "q"}, {"type": "image", "image": "data:"}]},
    ]
    output = {"choices": [{"message": {"content": [{"type": "reasoning"}, {"type": "text", "text": "a"}]}}]}
    first = read(log_of(sample(input=messages, output=output, target=["x", "y"]))).samples["a"]
    assert (first.input, first.output, first.target) == ("system: be brief\nuser: q", "a", "x\ny")


def test_what_was_invalidated_counts_as_missing_and_says_why() -> None:
    why = {"author": "ines", "reason": "leaked", "timestamp": "2026-11-25T22:49:54Z"}
    log = read(log_of(sample(invalidation=why), sample("b"), head={**HEAD, "invalidated": True}))
    assert log.statuses("match") == {"n_scored": 1, "n_unscored": 1, "n_error": 0}
    assert [sample_id for sample_id, _ in log.remarks(RemarkCode.INVALIDATED)] == [None, "a"]
    assert "by ines" in log.samples["a"].scores[0].explanation


def test_edits_limits_and_retries_are_remarked() -> None:
    update = {"edits": [{"type": "tags"}], "provenance": {"author": "ines", "reason": "typo"}}
    given = sample(limit={"type": "token", "limit": 100}, error_retries=[{"message": "503"}])
    log = read(log_of(given, head={**HEAD, "log_updates": [update]}))
    assert log.remarks(RemarkCode.EDITED) == [(None, "the log was edited (tags) by ines: typo")]
    assert log.remarks(RemarkCode.LIMITED) == [("a", "it was stopped at its token limit of 100")]
    assert [sample_id for sample_id, _ in log.remarks(RemarkCode.FLAKY)] == ["a"]


def test_a_total_that_its_samples_do_not_come_to_is_flagged() -> None:
    results = {
        "scores": [
            {"name": "match", "scorer": "match", "metrics": {"accuracy": {"name": "accuracy", "value": 0.9}}}
        ]
    }
    log = read(log_of(sample(), sample("b", value="I"), head={**HEAD, "results": results}))
    ((_, detail),) = log.remarks(RemarkCode.TOTAL_DIFFERS)
    assert "states accuracy 0.9" in detail
    assert "come to 0.5" in detail
    ((_, detail),) = read(log_of(head={**HEAD, "results": results})).remarks(RemarkCode.TOTAL_DIFFERS)
    assert detail.endswith("states accuracy 0.9, and no sample has a value")


def test_requirements_and_traces_are_linked() -> None:
    metadata = {
        "requirement": ["REQ-12", "REQ-13"],
        "trace_id": "4BF92F3577B34DA6A3CE929D0E0E4736",
        "note": [1],
    }
    first = read(log_of(sample(metadata=metadata))).samples["a"]
    assert first.slice == {
        "trace_id": "4BF92F3577B34DA6A3CE929D0E0E4736",
        "verifies:REQ-12": "yes",
        "verifies:REQ-13": "yes",
    }
    assert first.trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"


def test_the_model_that_grades_is_the_judge() -> None:
    scorers = [
        {"name": "model_graded_qa", "options": {}},
        {"name": "match", "options": {}},
        {"name": "tone", "options": {"model": "j/2"}},
    ]
    told = {**HEAD["eval"], "scorers": scorers, "model_roles": {"grader": {"model": "j/1"}}}
    metrics = read(log_of(sample(), head={**HEAD, "eval": told})).gathered.metrics
    judges = {name: spec.judge and spec.judge.key for name, spec in metrics.items()}
    assert judges == {"model_graded_qa": "j/1", "match": None, "tone": "j/2"}


def test_other_options_of_a_scorer_are_another_evaluator() -> None:
    def evaluator(options: dict[str, Any]) -> VersionClaim | None:
        told = {**HEAD["eval"], "scorers": [{"name": "match", "options": options}]}
        return read(log_of(sample(), head={**HEAD, "eval": told})).measurement.said.evaluator

    assert (
        evaluator({"location": "end"}) == evaluator({"location": "end"}) != evaluator({"location": "exact"})
    )


def test_a_log_whose_head_comes_last_is_read_too() -> None:
    raw = json.dumps({"samples": [sample(), sample("b")], **HEAD}).encode()
    assert set(read(b'{"version": 2, "status": "", ' + raw[1:]).samples) == {"a", "b"}


def test_a_dimension_of_many_values_is_no_slice() -> None:
    log = read(log_of(*[sample(f"s{n}", metadata={"number": n, "half": n % 2}) for n in range(60)]))
    assert log.gathered.without == {"number"}
    assert [code for code, _ in [(each.code, 0) for each in log.gathered.remarks]] == [RemarkCode.MANY_VALUES]


def test_one_broken_sample_is_refused_by_itself() -> None:
    written = io.BytesIO(log_of(sample(), sample("b")))
    with zipfile.ZipFile(written, "a") as target:
        target.writestr("samples/c_epoch_1.json", b"{not json")
        target.writestr("samples/d_epoch_1.json", json.dumps({"id": "d"}))
        target.writestr("samples/e_epoch_1.json", b"[]")
    log = read(written.getvalue())
    assert set(log.samples) == {"a", "b"}
    assert [each.code for each in log.gathered.rejects] == ["unreadable", "no_id", "unreadable"]


def test_characters_that_cannot_be_stored_are_replaced_in_texts_only() -> None:
    log = read(text_of(sample(output={"completion": "a\x00b\ud800"}), sample("b\x00")))
    assert log.samples["a"].output == "a\ufffdb\ufffd"
    assert [each.code for each in log.gathered.rejects] == ["no_id"]


BOMB = b"0" * 3_000_000


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"PK\x03\x04", "no directory"),
        (archive({"other.json": {}}), "known here"),
        (archive({"header.json": []}), "no JSON object"),
        (archive({"header.json": {"eval": {}}}), "eval.task"),
        (archive({"header.json": HEAD, "../samples/a_epoch_1.json": sample()}), "leaves the ZIP"),
        (archive({"header.json": HEAD, "..\\samples/a_epoch_1.json": sample()}), "leaves the ZIP"),
        (log_of(sample(note=BOMB.decode())), "200 times"),
        (b'{"version": 2, "status": "success", "eval": ', "not JSON"),
        (b'{"version": 2, "status": "success", "eval": {"task": 1}}', "eval.task"),
        (text_of(sample())[:-30], "not JSON"),
        (text_of(sample()) + b"x", "not JSON"),
    ],
)
def test_what_is_no_log_is_refused_in_words(raw: bytes, says: str) -> None:
    with pytest.raises(EvalFileError, match=says):
        read(raw)


def test_a_changed_byte_is_noticed() -> None:
    raw = bytearray(log_of(sample(), method=zipfile.ZIP_STORED))
    at = raw.index(b'"answer"')
    raw[at + 1] ^= 1
    (reject,) = read(bytes(raw)).gathered.rejects
    assert "damaged" in reject.detail


def test_a_log_is_told_by_its_parts() -> None:
    assert sniff(Source.of_bytes(log_of(sample())).head(), "")
    assert sniff(Source.of_bytes(archive({"_journal/start.json": HEAD})).head(), "")
    assert sniff(text_of(sample()), "")
    assert not sniff(Source.of_bytes(archive({"stats.json": {}})).head(), "a.eval")
    assert not sniff(b'{"format": "tracebinder.eval/1"}', "")


SEEDS = [
    log_of(sample(), sample("b", value={"x": 1})),
    text_of(sample()),
    (LOGS / "edited.eval").read_bytes(),
]


@settings(deadline=None, max_examples=150)
@given(seed=st.sampled_from(SEEDS), data=st.data())
def test_any_change_of_a_log_is_read_or_refused_never_worse(seed: bytes, data: st.DataObject) -> None:
    raw = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        log = read(bytes(raw))
    except (EvalFileError, AssertionError):
        return
    assert all(isinstance(each, SampleReject) for each in log.gathered.rejects)


MEMBERS = [*sample(), "attachments", "metadata", "error", "limit", "invalidation", "error_retries"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, max_examples=150)
@given(key=st.sampled_from(MEMBERS), value=JSON, write=st.sampled_from([log_of, text_of]))
def test_any_value_in_a_sample_is_read_or_refused_by_itself(key: str, value: object, write: Any) -> None:
    given_sample = sample("b")
    members = {**given_sample, key: value}
    raw = write(sample(), members) if write is text_of else archive(
        {"header.json": HEAD, "samples/a_epoch_1.json": sample(), "samples/b_epoch_1.json": members}
    )  # fmt: skip
    log = read(raw)
    assert "a" in log.samples
    assert len(log.samples) + len(log.gathered.rejects) == 2


@settings(deadline=None, max_examples=150)
@given(
    key=st.sampled_from([*HEAD, "results", "log_updates", "error", "invalidated"]),
    inner=st.sampled_from([*HEAD["eval"], "model_roles", "metadata", ""]),
    value=JSON,
)
def test_any_value_in_a_head_is_read_or_the_file_refused(key: str, inner: str, value: object) -> None:
    told = {**HEAD["eval"], inner: value} if inner and inner != "task" else HEAD["eval"]
    try:
        log = read(log_of(sample(), head={**HEAD, "eval": told, **({key: value} if key != "eval" else {})}))
    except EvalFileError:
        return
    assert "a" in log.samples


def test_a_time_without_a_zone_is_no_time() -> None:
    stats = {"started_at": "2026-11-25T22:39:08", "completed_at": "soon"}
    said = read(log_of(sample(), head={**HEAD, "stats": stats})).measurement.said
    assert (said.observed_from, said.observed_to) == (datetime(2026, 11, 25, 22, 39, 8, tzinfo=UTC), None)
