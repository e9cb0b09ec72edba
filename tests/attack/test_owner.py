"""A part of `make attack`: some columns of some tables; `make soak` tries every column of every table."""

from __future__ import annotations

import pytest

from tests.attack.owner import tamper
from tests.invariants.every_table import fill_every_table


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("most", [4, pytest.param(None, marks=pytest.mark.soak)])
def test_no_column_of_any_table_changes_unnoticed(most: int | None) -> None:
    fill_every_table()
    found = tamper(most=most)
    assert found.missed == []
    assert found.columns + found.whole_rows >= 10
