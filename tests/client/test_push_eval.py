"""`tracebinder push-eval`: which files, read how, and what is said of them beside what their runners wrote."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.client.answering import TOKEN, Answering
from tracebinder.ci_environment import Taken, read_ci, read_dirty
from tracebinder.cli.main import main
from tracebinder.http import Server
from tracebinder.upload import FileChanged, FileUpload

PUSH = ["push-eval", "--system", "kf"]


def stored(run_key: str = "ci-1", **changes: Any) -> dict[str, Any]:
    return {
        "id": 3, "run_key": run_key, "status": "success", "n_samples": 12, "n_scored": 12, "n_unscored": 0,
        "n_error": 0, "rejects": [], "scores": [], **changes,
    }  # fmt: skip


def score(value: float, low: float, high: float, **part: str) -> dict[str, Any]:
    return {
        "metric": "grounded", "slice": part, "value": value, "low": low, "high": high, "n": 1, "direction": "higher",
        "unit": "share",
    }  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "run.json"
    path.write_bytes(b'{"format":  "tracebinder.eval/1"}')
    return path


def test_several_files_and_folders_are_posted_in_one_call(
    server: Answering, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "logs" / "deeper"
    folder.mkdir(parents=True)
    for name in ("logs/b.eval", "logs/deeper/a.jsonl", "logs/notes.txt", "logs/.hidden.json", "one.json"):
        (tmp_path / name).write_text(name)
    for number in range(3):
        server.will_answer(201, stored(f"run-{number}"))
    one = str(tmp_path / "one.json")
    assert main([*PUSH, one, str(tmp_path / "logs"), one]) == 0
    assert [body for *_, body in server.asked] == [b"one.json", b"logs/b.eval", b"logs/deeper/a.jsonl"]
    assert "3 of 3 files stored" in capsys.readouterr().out


def test_what_is_not_there_is_told_before_anything_is_sent(
    server: Answering, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for missing, said in ((tmp_path / "none.json", "No such file"), (empty, "holds no eval file")):
        assert main([*PUSH, str(file), str(missing)]) == 3
        assert said in capsys.readouterr().err
    assert server.asked == []


def test_the_highest_exit_code_of_the_files_counts_and_each_is_told(
    server: Answering, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "two.json").write_bytes(b"PK\x03\x04")
    (tmp_path / "three.json").write_bytes(b"{}")
    server.will_answer(201, stored())
    server.will_answer(422, {"code": "eval_file_refused", "detail": "byte 10 cannot be decoded"})
    server.will_answer(200, stored(status="error"))
    files = [str(file), str(tmp_path / "two.json"), str(tmp_path / "three.json")]
    assert main([*PUSH, *files, "--json"]) == 3
    told = json.loads(capsys.readouterr().out)
    assert [each["outcome"] for each in told["files"]] == ["stored", "not_stored", "already_stored"]
    assert told["exit_code"] == 3


def test_a_file_that_cannot_be_read_is_told_with_what_it_looks_like(
    server: Answering, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    looks = {
        b"PK\x03\x04 log": "an Inspect log",
        b"": "the file is empty: the runner wrote nothing",
        b"\xff\xfe{\x00": "PowerShell",
        b"\n<testsuites/>": "JUnit",
    }
    for content, said in looks.items():
        file = tmp_path / "log"
        file.write_bytes(content)
        server.will_answer(422, {"code": "eval_file_refused", "detail": "byte 10 cannot be decoded"})
        assert main([*PUSH, str(file), "--format", "native"]) == 3
        told = capsys.readouterr().err
        assert "byte 10 cannot be decoded" in told
        assert said in told
        assert "it was to be read as native (--format)" in told


def test_a_file_is_opened_once_and_its_digest_is_that_of_what_was_sent(
    server: Answering, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "large.json"
    content = os.urandom(3 << 20)
    file.write_bytes(content)
    opened = []
    plain = Path.open

    def count(path: Path, *args: Any, **kwargs: Any) -> Any:
        opened.append(path)
        return plain(path, *args, **kwargs)

    monkeypatch.setattr(Path, "open", count)
    server.will_answer(201, stored(digest=hashlib.sha256(content).hexdigest()))
    assert main([*PUSH, str(file), "--json"]) == 0
    assert opened == [file]
    assert server.asked[0][2] == content
    assert json.loads(capsys.readouterr().out)["files"][0]["sha256"] == hashlib.sha256(content).hexdigest()


def test_what_the_server_stored_is_compared_with_what_was_sent(
    server: Answering, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.will_answer(201, stored(digest="cd" * 32))
    assert main([*PUSH, str(file)]) == 3
    assert "is not what was sent" in capsys.readouterr().err


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def replace(path: Path) -> None:
    path.with_suffix(".new").write_bytes(path.read_bytes())
    path.with_suffix(".new").replace(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (grow, "changed while it was read"),
        (lambda path: path.write_bytes(b"short"), "changed while it was read"),
        (Path.unlink, "was removed while it was read"),
        (replace, "changed while it was read"),
    ],
    ids=["grows", "shrinks", "vanishes", "is replaced"],
)
def test_the_end_of_a_file_that_changes_is_never_sent(tmp_path: Path, change: Any, said: str) -> None:
    file = tmp_path / "run.json"
    file.write_bytes(bytes(100_000))
    with FileUpload(file, 100_000).open() as reader:
        assert len(reader.read(60_000)) == 60_000
        change(file)
        with pytest.raises(FileChanged, match=said):
            reader.read(60_000)


def test_a_file_that_is_gone_when_it_is_sent_again_is_told(server: Answering, file: Path) -> None:
    server.will_answer(503, b"", Retry_After="0")
    asked = Server(url=server.url, token=TOKEN, pause=lambda _: file.unlink())
    with pytest.raises(FileChanged, match="is gone"):
        asked.post("/api/v1/eval-runs", FileUpload(file, file.stat().st_size))


def test_a_pipe_is_read_once_and_can_be_sent_again(
    server: Answering, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"{}")))
    server.will_answer(503, b"", Retry_After="0")
    server.will_answer(201, stored())
    assert main([*PUSH, "-"]) == 0
    assert [body for *_, body in server.asked] == [b"{}", b"{}"]
    assert "trying again" in capsys.readouterr().err


def test_at_most_ten_rejects_and_slices_are_printed_unless_all_are_asked_for(
    server: Answering, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rejects = [{"code": "bad_sample", "detail": f"sample {k} has no id"} for k in range(20_000)]
    lone = [score(0, 0, 0.95, item=f"lone-{k}") for k in range(60)]
    bad = score(0.2, 0.15, 0.25, language="zh-Hans")
    answer = stored(rejects=rejects, scores=[score(0.9, 0.88, 0.92), *lone, bad])
    server.will_answer(201, answer)
    assert main([*PUSH, str(file)]) == 1
    told = capsys.readouterr().out.splitlines()
    assert len(told) < 40
    assert "and 19,990 more missing (--all)" in told
    assert "and 51 more slices (--all)" in told
    rows = [line.split() for line in told if line.startswith("grounded")]
    assert rows[0][1] == "all"
    assert rows[1][1] == "language=zh-Hans"
    server.will_answer(201, answer)
    assert main([*PUSH, str(file), "--all"]) == 1
    assert sum("has no id" in line for line in capsys.readouterr().out.splitlines()) == 20_000


GITHUB = {
    "GITHUB_ACTIONS": "true", "GITHUB_SHA": "4b1d46ee" * 5, "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "bank/credit", "GITHUB_RUN_ID": "77", "GITHUB_RUN_ATTEMPT": "2",
}  # fmt: skip


def test_what_a_ci_says_is_sent_and_printed_with_where_it_was_read(
    server: Answering, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in GITHUB.items():
        monkeypatch.setenv(name, value)
    server.will_answer(201, stored())
    assert (
        main([*PUSH, str(file), "--ci-url", "https://ci.example/1", "--no-dirty", "--suite-label", "3"]) == 0
    )
    path = server.asked[0][0]
    for told in (
        f"commit={'4b1d46ee' * 5}",
        "ci_url=https%3A%2F%2Fci.example%2F1",
        "dirty=false",
        "suite_label=3",
        "name=run.json",
    ):
        assert told in path
    said = capsys.readouterr().err
    assert f"commit {'4b1d46ee' * 5} (from GITHUB_SHA, GitHub Actions)" in said
    assert "ci-url" not in said


def test_a_server_that_does_not_take_what_nobody_typed_gets_the_run_without_it(
    server: Answering, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in GITHUB.items():
        monkeypatch.setenv(name, value)
    unknown = {
        "code": "invalid_input",
        "errors": [
            {"in": "query", "path": name, "code": "unknown_parameter", "message": f"Unknown {name}"}
            for name in ("name", "commit", "ci_url")
        ],
    }
    server.will_answer(422, unknown)
    server.will_answer(201, stored())
    assert main([*PUSH, str(file)]) == 0
    assert server.asked[1][0] == "/api/v1/eval-runs?system=kf"
    told = capsys.readouterr().err
    assert "does not take ci-url of a run; posted without" in told
    assert "take name" not in told
    server.will_answer(422, unknown)
    assert main([*PUSH, str(file), "--commit", "4b1d46ee"]) == 3
    assert "Unknown commit" in capsys.readouterr().err
    assert len(server.asked) == 3


def test_of_its_own_run_the_file_counts_and_not_the_ci(
    server: Answering, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in GITHUB.items():
        monkeypatch.setenv(name, value)
    twice = {"in": "query", "path": "commit", "code": "said_twice", "message": "commit is 'x' in the file"}
    server.will_answer(422, {"code": "invalid_input", "errors": [twice]})
    server.will_answer(201, stored())
    assert main([*PUSH, str(file)]) == 0
    assert "commit=" not in server.asked[1][0]
    assert "ci_url=" in server.asked[1][0]
    assert "commit is said otherwise by the file, which counts" in capsys.readouterr().err
    missing = {"in": "query", "path": "suite", "code": "not_said", "message": "give suite (--suite)"}
    server.will_answer(422, {"code": "invalid_input", "errors": [twice, missing]})
    assert main([*PUSH, str(file)]) == 3
    assert "give suite (--suite)" in capsys.readouterr().err


def test_a_folder_that_is_one_run_is_posted_as_one_zip_and_the_same_each_time(
    server: Answering, tmp_path: Path
) -> None:
    helm = {"helm/run_spec.json": "{}", "helm/per_instance_stats.json": "[]", "helm/stats.json": "[]"}
    dated = {
        "lm/results_2026-11-25.json": "{}",
        "lm/samples_a_2026-11-25.jsonl": "{}\n",
        "lm/samples_b_2026-11-25.jsonl": "{}\n",
        "lm/results_2026-11-26.json": "{}",
    }
    for name, content in (helm | dated).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    for _ in range(6):
        server.will_answer(201, stored())
    for _ in range(2):
        assert main([*PUSH, str(tmp_path)]) == 0
    posted = [(path.rpartition("name=")[2], body) for path, _, body in server.asked]
    assert [name for name, _ in posted[:3]] == [
        "helm.zip",
        "results_2026-11-25.zip",
        "results_2026-11-26.json",
    ]
    assert posted[:3] == posted[3:]
    names = [zipfile.ZipFile(io.BytesIO(body)).namelist() for _, body in posted[:2]]
    assert names == [
        ["per_instance_stats.json", "run_spec.json", "stats.json"],
        ["results_2026-11-25.json", "samples_a_2026-11-25.jsonl", "samples_b_2026-11-25.jsonl"],
    ]


def test_what_the_server_remarks_and_what_else_the_file_brought_is_printed(
    server: Answering, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    totals = [
        {"metric": "grounded", "name": "mean", "stated": 0.9, "computed": 0.8, "differs": True},
        {"metric": "other", "name": "mean", "stated": 0.5, "computed": 0.5, "differs": False},
    ]
    remarks = [
        {"code": "edited", "detail": "scores were edited", "sample_id": None},
        {"code": "limited", "detail": "it was stopped", "sample_id": "fees-1#2"},
    ]
    server.will_answer(
        201, stored(totals=totals, remarks=remarks, same_file=[{"id": 4, "run_key": "ci-1/b"}])
    )
    assert main([*PUSH, str(file), "--outputs", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().out
    assert "remark: edited: scores were edited" in told
    assert "remark: limited: fees-1#2: it was stopped" in told
    assert "differs: the runner says 0.9 for mean of grounded, its samples say 0.8" in told
    assert "of other" not in told
    assert "the same file brought 1 more: ci-1/b" in told
    assert "runs=ci-1 ci-1/b" in (tmp_path / "out").read_text()


@pytest.mark.parametrize(
    ("bad", "code", "state"),
    [
        ({"status": "cancelled"}, 1, "run_cancelled"),
        ({"rejects": [{"code": "bad_row", "detail": "row 3 has no score"}]}, 1, "samples_missing"),
        ({"n_samples": 0, "n_scored": 0}, 1, "samples_missing"),
        ({"n_error": 2}, 1, "samples_errored"),
        ({"n_unscored": 2}, 0, ""),
        ({}, 0, ""),
    ],
)
def test_of_several_runs_in_a_file_the_worst_decides_and_each_is_shown(
    server: Answering,
    file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    bad: dict[str, Any],
    code: int,
    state: str,
) -> None:
    others = [stored("ci-1/b"), stored("ci-1/c", scores=[score(0.2, 0.1, 0.3)], **bad)]
    refs = [{"id": 4, "run_key": each["run_key"]} for each in others]
    for _ in range(2):
        server.will_answer(201, stored(same_file=refs, others=others))
    sarif = tmp_path / "s.sarif"
    assert main([*PUSH, str(file), "--sarif", str(sarif), "--outputs", str(tmp_path / "out")]) == code
    told = capsys.readouterr().out
    assert [line.split()[3] for line in told.splitlines() if ": eval run " in line] == [
        "ci-1",
        "ci-1/b",
        "ci-1/c",
    ]
    assert "0.1 to 0.3" in told
    assert ("missing: 2 values of metrics errored" in told) is ("n_error" in bad)
    assert "more:" not in told
    assert "runs=ci-1 ci-1/b ci-1/c" in (tmp_path / "out").read_text()
    results = json.loads(sarif.read_bytes())["runs"][0]["results"]
    assert [each["ruleId"] for each in results][:1] == ([state] if state else [])
    assert main([*PUSH, str(file), "--json"]) == code
    (told_of_file,) = json.loads(capsys.readouterr().out)["files"]
    assert [run["run_key"] for run in told_of_file["runs"]] == ["ci-1", "ci-1/b", "ci-1/c"]
    assert "others" not in told_of_file["run"]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, {}),
        (
            GITHUB,
            {
                "commit": Taken("4b1d46ee" * 5, "GITHUB_SHA, GitHub Actions"),
                "ci_url": Taken(
                    "https://github.com/bank/credit/actions/runs/77/attempts/2",
                    "GITHUB_RUN_ATTEMPT, GitHub Actions",
                ),
            },
        ),
        (
            {"GITLAB_CI": "true", "CI_COMMIT_SHA": "a" * 40, "CI_JOB_URL": "https://g/-/jobs/1"},
            {
                "commit": Taken("a" * 40, "CI_COMMIT_SHA, GitLab CI"),
                "ci_url": Taken("https://g/-/jobs/1", "CI_JOB_URL, GitLab CI"),
            },
        ),
        (
            {"JENKINS_URL": "https://j/", "GIT_COMMIT": "b" * 40, "BUILD_URL": "https://j/job/x/1/"},
            {
                "commit": Taken("b" * 40, "GIT_COMMIT, Jenkins"),
                "ci_url": Taken("https://j/job/x/1/", "BUILD_URL, Jenkins"),
            },
        ),
        (
            {
                "TF_BUILD": "True", "BUILD_SOURCEVERSION": "c" * 40, "BUILD_BUILDID": "9",
                "SYSTEM_TEAMFOUNDATIONCOLLECTIONURI": "https://dev.azure.com/bank/",
                "SYSTEM_TEAMPROJECT": "credit desk",
            },
            {
                "commit": Taken("c" * 40, "BUILD_SOURCEVERSION, Azure Pipelines"),
                "ci_url": Taken(
                    "https://dev.azure.com/bank/credit%20desk/_build/results?buildId=9",
                    "BUILD_BUILDID, Azure Pipelines",
                ),
            },
        ),
        (
            {"CIRCLECI": "true", "CIRCLE_SHA1": "d" * 40},
            {"commit": Taken("d" * 40, "CIRCLE_SHA1, CircleCI")},
        ),
        (
            {"BUILDKITE": "true", "BUILDKITE_COMMIT": "HEAD", "BUILDKITE_BUILD_URL": "https://b/1"},
            {"ci_url": Taken("https://b/1", "BUILDKITE_BUILD_URL, Buildkite")},
        ),
    ],
    ids=["none", "github", "gitlab", "jenkins", "azure", "circle", "buildkite"],
)  # fmt: skip
def test_each_ci_says_its_commit_and_address(environment: dict[str, str], expected: dict[str, Taken]) -> None:
    assert read_ci(environment) == expected


@pytest.mark.parametrize(
    ("head", "status", "dirty"),
    [("a" * 40, "", "false"), ("a" * 40, " M x.py\n", "true"), ("b" * 40, "", None), (None, "", None)],
)
def test_git_says_whether_files_differ_only_where_it_has_the_commit(
    head: str | None, status: str, dirty: str | None
) -> None:
    found = read_dirty("a" * 40, lambda *asked: head if "rev-parse" in asked else status)
    assert (found.value if found else None) == dirty
