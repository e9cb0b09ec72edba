"""What is read of a promptfoo file: its rows go to their columns as they come."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from evidence.evals.contracts import EvalFileError, RunStatus, VersionClaim
from evidence.evals.foreign.collected import Collected
from evidence.evals.foreign.json_reader import fault_of
from evidence.evals.foreign.texts import (
    count_in,
    moment_in,
    number_in,
    object_in,
    short_name,
    text_in,
)
from evidence.evals.formats.promptfoo.columns import SCORE, SUCCESS, Column
from evidence.evals.formats.promptfoo.rows import read_row
from evidence.evals.measurements import Said

_MAX_COLUMNS: Final = 200
_MAX_REFUSED: Final = 10_000  # rows that cannot be read


class Run:
    """What is read of a file: its rows go to their columns as they come."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.columns: dict[tuple[int | None, str, str], Column] = {}
        self.prompts: list[Any] = []
        self.head: dict[str, Any] = {}  # of the file: evalId, metadata, config, timestamp, stats
        self.is_finished = False
        self._rows = 0
        self._refused: list[tuple[int, str, Any]] = []

    @property
    def repeat(self) -> int | None:
        """How often each test was to run, where the file says it."""
        told = object_in(self.head.get("runtimeOptions")).get("repeat")
        options = object_in(object_in(self.head.get("config")).get("evaluateOptions"))
        return count_in(told) or count_in(options.get("repeat"))

    def add(self, row: Any, place: str = "") -> None:
        """Read one row.

        Args:
            place: where it stands, if not by its number.
        """
        index, self._rows = self._rows, self._rows + 1
        if fault := fault_of(row):
            self.refuse(index, f"{place or f'row {index}'} {fault}", row)
        else:
            read_row(row, self._column_of(row))

    def refuse(self, index: int, why: str, row: object = None) -> None:
        """Keep that a row could not be read: whose it was is not known, so that it counts against each column."""
        if len(self._refused) >= _MAX_REFUSED:
            raise EvalFileError(
                [f"more than {_MAX_REFUSED:,} rows cannot be read, the last because it {why}"]
            )
        self._refused.append((index, why, row))

    def add_refused(self) -> None:
        """Count the rows that could not be read against each column."""
        for column in self.columns.values():
            for index, why, row in self._refused:
                column.collected.reject(index, "bad_row", why, row)

    def add_prompts(self) -> None:
        """Take what the file says of its columns; one without rows is a measurement without samples."""
        for at, prompt in enumerate(self.prompts[:_MAX_COLUMNS]):
            told = object_in(prompt)
            mine = [column for (number, _, _), column in self.columns.items() if number == at]
            for column in mine or [
                self._column_at(at, short_name(told.get("provider")), short_name(told.get("label")))
            ]:
                column.stated = object_in(told.get("metrics"))
                column.prompt = short_name(told.get("label")) or column.prompt

    def name_columns(self) -> dict[tuple[int | None, str, str], str]:
        """Return what each column is called: its provider where that says which, with its prompt where not."""
        if len(self.columns) == 1:
            return dict.fromkeys(self.columns, "")
        names = {
            at: column.provider or f"column {number}"
            for number, (at, column) in enumerate(self.columns.items())
        }
        if len(set(names.values())) < len(names):
            names = {at: short_name(f"{name} | {self.columns[at].prompt}") for at, name in names.items()}
        if len(set(names.values())) < len(names):
            names = {at: f"{name} | {number}" for number, (at, name) in enumerate(names.items())}
        return names

    def said(self, column: Column) -> Said:
        """Return what the file says of the run and of the model of one column."""
        metadata = object_in(self.head.get("metadata"))
        begun = moment_in(self.head.get("timestamp")) or moment_in(metadata.get("evaluationCreatedAt"))
        took = number_in(object_in(self.head.get("stats")).get("durationMs"))
        ended = (
            begun + timedelta(milliseconds=took) if begun and took is not None and 0 <= took < 1e11 else None
        )
        version = text_in(metadata.get("promptfooVersion"))
        return Said(
            run_key=short_name(self.head.get("evalId")) or None,
            model=VersionClaim(column.provider, None, None) if column.provider else None,
            evaluator=VersionClaim("promptfoo", version, None) if version else None,
            status=RunStatus.SUCCESS if self.is_finished else None,
            observed_from=begun,
            observed_to=ended,
            collected_at=moment_in(metadata.get("exportedAt")),
        )

    def _column_of(self, row: Mapping[str, Any]) -> Column:
        provider, number = row.get("provider"), count_in(row.get("promptIdx"))
        told = object_in(provider)
        name = short_name(
            told.get("label") or told.get("id") or (provider if isinstance(provider, str) else "")
        )
        return self._column_at(number, name, short_name(object_in(row.get("prompt")).get("label")))

    def _column_at(self, number: int | None, provider: str, prompt: str) -> Column:
        at = (number, provider, prompt if number is None else "")
        if at not in self.columns:
            if len(self.columns) >= _MAX_COLUMNS:
                raise EvalFileError([f"more than {_MAX_COLUMNS} providers and prompts: post fewer at once"])
            collected = Collected("", self.version)
            collected.declare(SUCCESS, proportion=True)
            collected.declare(SCORE, share=True)
            self.columns[at] = Column(provider, prompt, collected)
        return self.columns[at]
