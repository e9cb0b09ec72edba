"""A whole run takes an hour: what can be said at its start is said there, and no part ends the others."""

from __future__ import annotations

import argparse
from contextlib import nullcontext

import pytest

from tests.attack import run


def test_a_part_that_fails_is_a_fault_and_the_others_are_carried_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object, __: argparse.Namespace) -> run.Outcome:
        raise RuntimeError("the copy was gone")

    def find_nothing(_: object, __: argparse.Namespace) -> run.Outcome:
        return run.Outcome(["all was tried"], [])

    monkeypatch.setattr(run, "running_copy", nullcontext)
    monkeypatch.setattr(run, "PARTS", {**run.PARTS, "matrix": fail, "bombs": find_nothing})
    assert run.main(["matrix", "bombs", "--no-page"]) == 1
    told = capsys.readouterr().out
    assert "FOUND matrix: it was not carried out to its end: RuntimeError('the copy was gone')" in told
    assert "all was tried" in told


def test_without_node_a_run_that_needs_it_ends_before_it_begins(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def begin() -> None:
        raise AssertionError("a copy was started")

    monkeypatch.setattr(run, "running_copy", begin)
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(SystemExit):
        run.main([])
    assert "Node 20 or newer" in capsys.readouterr().err


def test_all_parts_are_carried_out_where_none_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def find_nothing(_: object, __: argparse.Namespace) -> run.Outcome:
        return run.Outcome([], [])

    monkeypatch.setattr(run, "running_copy", nullcontext)
    monkeypatch.setattr(run, "PARTS", dict.fromkeys(run.PARTS, find_nothing))
    assert run.main(["--no-page"]) == 0
    told = capsys.readouterr().out
    assert all(f"== {part}" in told for part in run.PARTS)
    with pytest.raises(SystemExit):
        run.main(["matrics"])
    assert "the parts are matrix, writes" in capsys.readouterr().err
