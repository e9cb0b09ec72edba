"""What the owner of the database changes, column by column, and whether the check of the rows finds it.

The mechanics are those of `tests/invariants/owner_attacks.py`, by which the suite tries one column of each table;
here it is every column, with the triggers off, so that nothing but the log is left to tell.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Final, TypeAlias

from django.db.models import Model

from tests.invariants.every_table import BOUND
from tests.invariants.owner_attacks import (
    Attack,
    as_owner,
    carry_out,
    change_each_column,
    delete_a_row,
    in_rounds,
    newest,
    put_an_older_row_in,
    swap_keys,
)
from tests.invariants.test_13_the_log_binds_every_row import find_faults

_WHOLE_ROWS: Final[tuple[Attack, ...]] = (delete_a_row, put_an_older_row_in, swap_keys)
_WHOLE_NAMES: Final = {attack.__name__ for attack in _WHOLE_ROWS}


@dataclass
class Tampered:
    """What became of tamperings with rows."""

    tables: int = 0
    columns: int = 0  # changed, one at a time
    whole_rows: int = 0  # deleted, inserted or renumbered
    refused: list[str] = field(default_factory=list)  # columns that the table itself takes no other value in
    missed: list[str] = field(default_factory=list)


def tamper(*, most: int | None = None) -> Tampered:
    """Try each column of each table, and each table's rows as wholes; each is undone.

    Args:
        most: how many tamperings are tried, at random among those with several tables at once; all by default.
    """
    found, before = Tampered(tables=len(BOUND)), find_faults()
    rows: dict[type[Model], str] = {model: newest(model) for model in BOUND}
    steps = [step for models in in_rounds(rows) for step in _steps(models)]
    if most is not None:
        steps = random.sample([step for step in steps if len(step) > 3], most)
    for step in steps:
        _try(found, before, step)
    return found


# Of each table: the transaction of its newest row, what is done, and the statement that does it.
Step: TypeAlias = list[tuple[type[Model], int, str, str]]


def _steps(models: list[tuple[type[Model], int]]) -> Iterator[Step]:
    """Yield tamperings with several tables at once, of which no two are with rows of one transaction."""
    by_column = [
        [
            (model, number, str(field.column), statement)
            for field, statement in zip(
                model._meta.concrete_fields, change_each_column(model, newest(model)), strict=True
            )
        ]
        for model, number in models
    ]
    for step in zip_longest(*by_column):
        yield [one for one in step if one is not None]
    for attack in _WHOLE_ROWS:
        yield [
            (model, number, attack.__name__, next(attack(model, newest(model)))) for model, number in models
        ]


def _try(found: Tampered, before: set[str], step: Step) -> None:
    with as_owner() as cursor:
        done = [one for one in step if carry_out(cursor, iter([one[3]]), one[0])]
        told = " ".join(find_faults() - before)
    taken = {(model, what) for model, _, what, _ in done}
    found.whole_rows += sum(what in _WHOLE_NAMES for _, _, what, _ in done)
    found.columns += sum(what not in _WHOLE_NAMES for _, _, what, _ in done)
    found.refused += [
        f"{model._meta.label}.{what}" for model, _, what, _ in step if (model, what) not in taken
    ]
    found.missed += [
        f"{model._meta.label}: {what}"
        for model, number, what, _ in done
        if f"transaction {number}" not in told
    ]
