"""A part of `make attack`: a column of each table; `make soak` runs every column of every table."""

from __future__ import annotations

import random

import pytest

from tests.attack.filling import fill_every_table
from tests.attack.owner import tamper


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("share", [0.02, pytest.param(1.0, marks=pytest.mark.soak)])
def test_no_column_of_any_table_changes_unnoticed(share: float) -> None:
    fill_every_table()
    found = tamper(share, random.Random("owner"))
    assert found.missed == []
    assert found.columns >= 10
    assert not [column for column in found.refused if column.endswith(".xact_id")]
