"""What CI posts of other runners: told what it is, completed by its poster, stored all or none, and once."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from rest_framework.test import APIClient

from evidence.digests import sha256_hex
from evidence.evals import registry
from evidence.evals.contracts import (
    Direction,
    MetricSpec,
    ParsedSample,
    RunStatus,
    SampleScore,
    ScoreStatus,
    VersionClaim,
)
from evidence.evals.measurements import Measurement, Said
from evidence.evals.registry import EvalFormat
from evidence.evals.sources import Source
from evidence.models import EvalRemark, EvalRun, EvalSample, EvalScore, EvalTotal, Reject
from evidence.services.blobs import read_blob
from tests.evidence.eval_files import MODEL_DIGEST, SAID, pusher
from tests.factories import World

LOGS = Path(__file__).parent / "data" / "inspect_logs"
TABLE = (Path(__file__).parent / "data" / "evals" / "csv.csv").read_bytes()


@pytest.fixture
def push(world: World, api: APIClient) -> Any:
    return pusher(world, api)


def log(name: str) -> bytes:
    return (LOGS / name).read_bytes()


def test_a_runners_own_file_is_posted_as_it_is(push: Any) -> None:
    answer = push(log("two-epochs.eval"), release="r1", model_digest=MODEL_DIGEST, model="mockllm/model")
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert (body["format"], body["status"], body["release"]) == ("inspect/2", "success", "r1")
    assert (body["commit"], body["dirty"], body["model"]) == ("f1b5689", True, "mockllm/model")
    assert body["said_by_poster"] == ["model_digest", "release"]
    assert (body["n_samples"], body["n_scored"], body["n_unscored"], body["n_error"]) == (16, 27, 3, 2)
    stated = {(each["metric"], each["name"]): each for each in body["totals"]}
    assert stated["match", "accuracy"]["stated"] == stated["match", "accuracy"]["computed"] == 0.6875
    assert stated["match", "stderr"]["computed"] is None
    assert [each["code"] for each in body["remarks"]] == ["dirty"]
    run = EvalRun.objects.get()
    assert read_blob(run.raw_id) == log("two-epochs.eval")
    overall = EvalScore.objects.get(run=run, metric="match", slice={})
    assert overall.value == pytest.approx(10 / 15)
    assert (overall.n, overall.n_error) == (15, 1)
    first = EvalSample.objects.get(run=run, metric="match", sample_id="card-1#2")
    assert (first.status, first.value, first.output) == ("scored", 0.0, "I do not know.")
    assert first.slice == {"document": "doc-2", "language": "en", "topic": "cards"}


def test_the_same_file_is_one_run_whatever_its_poster_calls_it(push: Any) -> None:
    first = push(log("letters.eval"), release="r1")
    again = push(log("letters.eval"), release="r1")
    named = push(log("letters.eval"), release="r1", run_key="github-2")
    assert (first.status_code, again.status_code, named.status_code) == (201, 200, 200)
    assert first.json()["id"] == again.json()["id"] == named.json()["id"]
    other = push(log("letters.eval"))
    assert (other.status_code, other.json()["code"]) == (409, "conflicting_content")
    assert "release" in other.json()["detail"]
    assert EvalRun.objects.count() == 1


def test_a_run_of_no_release_is_stored(push: Any) -> None:
    answer = push(log("small.json"))
    assert (answer.status_code, answer.json()["release"]) == (201, None)


def test_what_nobody_says_is_asked_for_by_name_and_flag(push: Any) -> None:
    answer = push(TABLE, suite="fees")
    assert answer.status_code == 422
    told = {each["path"]: each["message"] for each in answer.json()["errors"]}
    assert set(told) == {"evaluator", "dataset", "commit", "observed_from", "observed_to"}
    assert "--observed-from" in told["observed_from"]
    assert not EvalRun.objects.exists()
    assert not Reject.objects.exists(), "the file is well, and can be posted again"


def test_what_the_poster_says_completes_the_file(push: Any) -> None:
    said = {
        **SAID,
        "judge": "grader",
        "dirty": "false",
        "ci_url": "https://ci.example/1",
        "planned_samples": "10",
    }
    answer = push(TABLE, release="r1", run_key="github-1", **said)
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert (body["run_key"], body["format"], body["dirty"], body["ci_url"]) == (
        "github-1", "csv/1", False, "https://ci.example/1",
    )  # fmt: skip
    assert body["rejects"] == [
        {"code": "absent", "detail": "6 of the 10 planned samples are not in the file"}
    ]
    assert {score["judge"] for score in body["scores"]} != {None}
    verified = {tuple(each["slice"].items()) for each in body["scores"]}
    assert (("verifies:REQ-13", "yes"),) in verified
    statuses = dict(EvalSample.objects.values_list("sample_id", "status"))
    assert statuses == {"fees-1": "scored", "fees-2": "scored", "fees-3": "unscored", "fees-4": "error"}


def test_a_file_without_an_id_of_its_own_is_known_by_its_digest(push: Any) -> None:
    assert push(TABLE, **SAID).json()["run_key"] == sha256_hex(TABLE)
    assert push(TABLE, **SAID).status_code == 200
    assert push(TABLE, **SAID, run_key="next").status_code == 201, "another run with the same results"


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ({"commit": "0000000"}, "commit"),
        ({"suite": "other"}, "suite"),
        ({"suite": "fees_letters", "suite_label": "7"}, "suite_label"),
        ({"dirty": "false"}, "dirty"),
        ({"observed_to": "2026-11-25T23:00:00Z"}, "observed_to"),
        ({"planned_samples": "3"}, "planned_samples"),
    ],
)
def test_what_file_and_poster_say_differently_is_refused_by_name(
    push: Any, said: dict[str, str], names: str
) -> None:
    answer = push(log("letters.eval"), **said)
    assert answer.status_code == 422
    assert [(each["path"], each["code"]) for each in answer.json()["errors"]] == [(names, "said_twice")]
    assert not EvalRun.objects.exists()


def test_a_commit_written_short_is_the_same_and_kept_long(push: Any) -> None:
    full = "f1b56899ee402e739f1269d39a95641c85741747"
    assert push(log("letters.eval"), commit=full).json()["commit"] == full


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"suite_label": "3"}, "suite"),
        ({"suite": "s", "suite_digest": "abc"}, "suite_digest"),
        ({"comit": "f1b5689"}, "comit"),
        ({"format": "inspct"}, "format"),
        ({"ci_url": "nowhere"}, "ci_url"),
    ],
)
def test_a_parameter_that_cannot_be_read_is_refused_by_name(
    push: Any, query: dict[str, str], names: str
) -> None:
    answer = push(log("letters.eval"), **query)
    assert answer.status_code == 422
    assert names in {each["path"] for each in answer.json()["errors"]}


@pytest.mark.parametrize(
    "raw", [b"", b"\x00", b"{}", b"id;scores\n1;2", b"PK\x03\x04", b"\xff\xfe", b"id,score\n1,\xff"]
)
def test_what_looks_like_no_eval_file_is_kept_and_refused_in_words(push: Any, raw: bytes) -> None:
    answer = push(raw, **SAID, release="r1")
    assert (answer.status_code, answer.json()["code"]) == (422, "eval_file_refused")
    reject = Reject.objects.get()
    assert (reject.source, reject.item) == ("eval_file", {"suite": "fees", "release": "r1"})
    assert read_blob(reject.item_digest) == raw


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"id,score\nfees-1,1\n", ""),
        (b"\xef\xbb\xbfid;score;language\r\nfees-1;1;en\r\n", ""),
        (b"\xef\xbb\xbfsep=;\r\nid;score;language\r\nfees-1;1;en\r\n", ""),
        (b'"sep=\t"\nid\tscore\nfees-1\t1\n', ""),
        (b"sep=;\n", "no column 'id'"),
        (b"id,score,Status,Status\n1,1,a,b\n", "twice: status; post the runner's JSON instead"),
        (b"id,value\n1,1\n", "no column 'score'"),
        (b"id,score\n", "the runner wrote no result"),
        (b"id,score\na,\x8b\n", "write the file as UTF-8"),
        (b'id,score\n"1,1\n', "fields"),
    ],
)
def test_a_table_is_told_by_its_first_row(push: Any, raw: bytes, says: str) -> None:
    answer = push(raw, format="csv", **SAID)
    assert says in answer.content.decode()
    assert (answer.status_code == 201) is (says in {"", "fields"})


def test_rows_of_a_table_that_are_wrong_are_refused_one_by_one(push: Any) -> None:
    rows = (
        b'id,score,attempt\na,1,1\na,0,2.0\na,1,2\n,1,1\nb,"0,5",1\nc,1\nd,NaN,1\ne,1,x\nf,1_000,1\ng,1,0\n'
    )
    body = push(rows, **SAID).json()
    assert {reject["detail"].partition(":")[0]: reject["code"] for reject in body["rejects"]} == {
        "sample 2": "duplicate_id", "sample 3": "bad_row", "sample 4": "bad_row", "sample 5": "bad_row",
        "sample 7": "bad_row", "sample 8": "bad_row", "sample 9": "bad_row",
    }  # fmt: skip
    told = " ".join(reject["detail"] for reject in body["rejects"])
    assert "'0,5' is no number" in told
    assert "a point before its decimals" in told
    assert "attempt: 'x' is no whole number from 1" in told
    assert set(EvalSample.objects.values_list("sample_id", "status")) == {
        ("a#1", "scored"), ("a#2", "scored"), ("d#1", "unscored"),
    }  # fmt: skip


def test_ids_that_read_as_attempts_are_said_to_be_read_so(push: Any) -> None:
    rows = [f"ticket#{number},{number % 2}" for number in range(10)]
    counted = push("\n".join(["id,score", *rows]).encode(), **SAID | {"run_key": "by-id"}).json()
    (told,) = (each["detail"] for each in counted["remarks"] if each["code"] == "ambiguous")
    assert "10 rows read by their ids as attempts at one item (ticket)" in told
    assert "add a column `attempt`" in told
    apart = push(
        "\n".join(["id,score,attempt", *(f"{row}," for row in rows)]).encode(), **SAID | {"run_key": "apart"}
    ).json()
    assert apart["remarks"] == []
    widths = [run["scores"][0]["high"] - run["scores"][0]["low"] for run in (counted, apart)]
    assert widths[0] > widths[1]  # one unit tells less than ten


def test_a_table_of_an_old_mac_is_told_too(push: Any) -> None:
    body = push(b"id,score\ra,1\rb,0\r", **SAID).json()
    assert (body["n_samples"], body["rejects"]) == (2, [])


def test_a_long_answer_in_a_table_is_read_whatever_the_process_read_before() -> None:
    table = b"id,score,output\na,1," + b"x" * 200_000 + b"\n"
    (measurement,) = registry.open_eval_file(Source.of_bytes(table), "csv", Said()).measurements
    (sample,) = measurement.samples
    assert isinstance(sample, ParsedSample)
    assert len(sample.output) == 200_000


@pytest.mark.parametrize(
    ("setting", "most", "says"),
    [
        ("EVAL_MAX_BODY", 1_000, "1000"),
        ("EVAL_MAX_SAMPLES", 15, "TRACEBINDER_EVAL_MAX_SAMPLES"),
        ("EVAL_MAX_MEMBERS", 20, "more than 20 files"),
        ("EVAL_MAX_UNPACKED", 100_000, "100,000 are allowed"),
        ("EVAL_MAX_MEMBER", 30_000, "one file may have 30,000"),
    ],
)
def test_a_file_beyond_a_limit_is_refused_and_the_limit_named(
    push: Any, settings: Any, setting: str, most: int, says: str
) -> None:
    setattr(settings, setting, most)
    answer = push(log("two-epochs.eval"))
    assert answer.status_code in {413, 422}
    assert says in answer.json()["detail"]
    assert not EvalRun.objects.exists()


def test_remarks_beyond_the_limit_are_counted(push: Any, settings: Any) -> None:
    settings.EVAL_MAX_REMARKS = 1
    body = push(log("edited.eval")).json()
    assert [(each["code"], each["sample_id"]) for each in body["remarks"]] == [("dirty", ""), ("more", "")]
    assert "1 edited" in body["remarks"][1]["detail"]


def test_nothing_is_left_beside_the_blobs(push: Any) -> None:
    push(log("letters.eval"))
    push(log("letters.eval"))
    push(b"junk")
    left = [path for path in configured.BLOB_ROOT.iterdir() if path.name.startswith((".incoming", "tmp"))]
    assert left == []


# --- A file of several measurements ----------------------------------------------------------------------------
CLAIM = VersionClaim("k", "1", None)


def measurement(key: str, *, metric: str = "score", value: float = 1.0, **said: Any) -> Measurement:
    spec = MetricSpec("score", "proportion", Direction.HIGHER, "share")
    scored = SampleScore(metric, ScoreStatus.SCORED, value, "")
    return Measurement(
        key=key,
        format="several/1",
        said=Said(suite=CLAIM, evaluator=CLAIM, dataset=CLAIM, status=RunStatus.SUCCESS, **said),
        metrics={"score": spec},
        samples=[ParsedSample("a", {}, "q", "a", None, None, (scored,))],
    )


class Several:
    """A reader of a format that holds several measurements."""

    def __init__(self, *given: Measurement) -> None:
        self.given = given

    def sniff(self, head: bytes, name: str) -> bool:
        return head.startswith(b"several") and name == "several.txt"

    def open_measurements(self, source: Source, poster: Said) -> Iterator[Measurement]:
        assert source.read_whole() == b"several"
        yield from self.given


@pytest.fixture
def push_several(push: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    def send(*given: Measurement, **said: Any) -> Any:
        monkeypatch.setitem(registry.EVAL_FORMATS, "several", EvalFormat("several", "text/plain", "several"))
        load = registry._load
        reader = Several(*given)
        monkeypatch.setattr(
            registry, "_load", lambda entry: reader if entry.module == "several" else load(entry)
        )
        said = {"name": "several.txt", "run_key": "ci-1", "commit": "4b1d46ee", **said}
        return push(b"several", **{**{key: SAID[key] for key in ("observed_from", "observed_to")}, **said})

    return send


def test_each_measurement_of_a_file_is_a_run_of_its_own(push_several: Any) -> None:
    answer = push_several(measurement("sim-a"), measurement("sim-b", value=0.0))
    assert answer.status_code == 201, answer.content
    assert dict(EvalRun.objects.values_list("run_key", "scores__value")) == {
        "ci-1/sim-a": 1.0,
        "ci-1/sim-b": 0.0,
    }
    assert [each["run_key"] for each in answer.json()["same_file"]] == ["ci-1/sim-b"]
    (other,) = answer.json()["others"]
    assert (other["run_key"], other["status"], other["scores"][0]["value"]) == ("ci-1/sim-b", "success", 0.0)
    again = push_several(measurement("sim-a"), measurement("sim-b", value=0.0))
    assert (again.status_code, again.json()["id"]) == (200, answer.json()["id"])
    assert EvalRun.objects.count() == 2


def test_of_a_file_all_measurements_are_stored_or_none(push_several: Any) -> None:
    told = Said(commit="0000000")
    answer = push_several(measurement("sim-a"), measurement("sim-b", commit=told.commit))
    assert answer.status_code == 422
    assert push_several(measurement("a"), measurement("a")).json()["code"] == "eval_file_refused"
    assert not EvalRun.objects.exists()
    assert not EvalSample.objects.exists()


@pytest.mark.parametrize(
    ("metric", "value", "code"),
    [("other", 1.0, "unknown_metric"), ("score", 7.0, "out_of_range"), ("score", float("nan"), "not_finite")],
)
def test_what_a_reader_may_not_give_is_refused_by_itself(
    push_several: Any, metric: str, value: float, code: str
) -> None:
    answer = push_several(measurement("", metric=metric, value=value))
    assert [reject["code"] for reject in answer.json()["rejects"]] == [code]


def test_rows_beside_the_samples_are_of_their_run(push: Any) -> None:
    push(log("edited.eval"))
    run = EvalRun.objects.get()
    assert {each.run_id for each in EvalRemark.objects.all()} == {run.pk}
    assert set(EvalTotal.objects.filter(run=run).values_list("name", "differs")) == {
        ("accuracy", False),
        ("stderr", False),
    }
    assert run.seeds is None


def test_a_zip_whose_files_lie_over_each_other_is_refused(push: Any) -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as target:
        target.writestr("header.json", b"{" + b" " * 5_000 + b"}")
    raw = bytearray(written.getvalue())
    at = raw.rindex(b"PK\x01\x02")
    entry, end = bytes(raw[at : raw.rindex(b"PK\x05\x06")]), bytearray(raw[raw.rindex(b"PK\x05\x06") :])
    end[10:12] = end[8:10] = (9).to_bytes(2, "little")
    end[12:16] = (len(entry) * 9).to_bytes(4, "little")
    answer = push(bytes(raw[:at]) + entry * 9 + bytes(end))
    assert "lie over each other" in answer.json()["detail"]
