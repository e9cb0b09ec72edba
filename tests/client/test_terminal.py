"""What a terminal gets: widths, colours, encodings, and a command that somebody stops."""

from __future__ import annotations

import io
import json
import os
from typing import Any

import pytest

from tests.client.answering import Answering
from tests.client.test_reports import GATE, HOSTILE, decision, reason
from tracebinder.cli import table
from tracebinder.cli.main import main
from tracebinder.cli.table import print_table
from tracebinder.http import Server

RED = "\x1b[31m"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the output be a terminal of 100 columns that takes colours."""
    monkeypatch.setattr(table, "is_terminal", lambda: True)
    for name, value in {"COLUMNS": "100", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)


def shown_width(line: str) -> int:
    return sum(2 if "一" <= c <= "鿿" else 1 for c in line)


@pytest.mark.parametrize("columns", [40, 60, 100])
def test_a_table_fits_the_terminal_and_nothing_is_cut_off(
    terminal: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    words = "the bound over forty independent units misses what was asked"
    rows = [
        ("来源必须说明的要求", "requirement/criterion-with-a-long-key", words, "0.61"),
        ("b", "c", "d", "e"),
    ]
    print_table(("requirement", "criterion", "why", "value"), rows)
    printed = capsys.readouterr().out
    assert max(map(shown_width, printed.splitlines())) <= columns
    letters = "".join(sorted(printed.replace(" ", "").replace("\n", "")))
    for cell in rows[0]:
        assert all(letters.count(c) >= cell.count(c) for c in cell.replace(" ", ""))


def test_columns_are_aligned_where_characters_are_two_wide(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("key", "n"), [("来源", "1"), ("abcd", "2")])
    first, second = capsys.readouterr().out.splitlines()[2:]
    assert shown_width(first[: first.index("1")]) == shown_width(second[: second.index("2")])


def test_the_worst_stands_first_and_at_most_ten_are_printed(
    server: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    reasons = [reason(f"r/met-{k}", "met", "met") for k in range(30)]
    reasons += [reason("r/open", "insufficient", "no_run"), reason("r/bad", "not_met", "not_met")]
    server.will_answer(201, decision(reasons=reasons))
    main(GATE)
    told = capsys.readouterr().out
    assert told.index("r/bad") < told.index("r/open") < told.index("r/met-0")
    assert "and 22 more criteria (--all)" in told
    assert told.rstrip().endswith(f"{server.url}/admin/evidence/gatedecision/7/change/")
    server.will_answer(201, decision(reasons=reasons))
    main([*GATE, "--all"])
    assert "r/met-29" in capsys.readouterr().out


def test_verdicts_are_coloured_in_a_terminal_alone(
    server: Answering, terminal: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(4):
        server.will_answer(201, decision())
    main(GATE)
    told = capsys.readouterr().out
    assert f"{RED}fail\x1b[0m" in told.splitlines()[0]
    assert HOSTILE.split("::")[0] not in told
    monkeypatch.setenv("NO_COLOR", "1")
    main(GATE)
    assert "\x1b" not in capsys.readouterr().out
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    main(GATE)
    assert "\x1b" not in capsys.readouterr().out
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(table, "is_terminal", lambda: False)
    main(GATE)
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp932", "utf-16"])
def test_an_encoding_that_lacks_characters_ends_nothing_and_json_stays_json(
    server: Answering, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    written = []
    reasons = [reason("来源/é😀", "not_met", "not_met")]
    for options in ([], ["--json"]):
        target = io.BytesIO()
        stream = io.TextIOWrapper(target, encoding=encoding)
        monkeypatch.setattr("sys.stdout", stream)
        server.will_answer(201, decision(reasons=reasons))
        assert main([*GATE, *options]) == 1
        stream.flush()
        written.append(target.getvalue())
    assert b"not_met" in written[0] or encoding == "utf-16"
    assert json.loads(written[1].decode(encoding))["reasons"][0]["criterion"] == "来源/é😀"


def test_ctrl_c_says_what_may_have_happened_and_no_traceback(
    server: Answering, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Server, "post", stop)
    assert main(GATE) == 130
    assert "send it again, nothing is stored twice" in capsys.readouterr().err


def test_whoever_reads_only_the_head_gets_no_traceback(
    server: Answering, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    stream = os.fdopen(writer, "w")
    monkeypatch.setattr("sys.stdout", stream)
    server.will_answer(201, decision())
    assert main([*GATE, "--all"]) == 3
    stream.close()
    assert capsys.readouterr().err == ""


def test_a_gate_is_asked_again_while_it_may_still_pass(
    server: Answering, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("tracebinder.cli.gate.sleep", waited.append)
    for verdict in ("insufficient", "insufficient", "pass"):
        server.will_answer(201, decision(verdict, []))
    assert main([*GATE, "--wait"]) == 0
    assert waited == [10, 20]
    assert "asking again in 10 s, for up to 10 min 00 s" in capsys.readouterr().err
    server.will_answer(201, decision("fail", []))
    assert main([*GATE, "--wait", "30m"]) == 1
    server.will_answer(201, decision("insufficient", []))
    assert main(GATE) == 2
    assert main(["gate", "--wait", "release", "--system", "k", "--release", "r"]) == 3
    assert "'release' is no time: write 90s, 5m or 1h" in capsys.readouterr().err
