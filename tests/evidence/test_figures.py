"""Numbers are written as people read them, by one rule wherever a page shows one."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils.translation import override

from evidence.admin.frame.display import figure
from evidence.figures import in_figures
from tests.factories import World
from tests.invariants.walk import REPOSITORY

OF_PAGES = ("evidence/admin", "evidence/pages", "evidence/drawings", "requirements/admin", "requirements/pages",
            "interpret/admin", "interpret/pages", "evidence/templatetags")  # fmt: skip


@pytest.mark.parametrize(
    ("value", "digits", "written"),
    [
        (0.0, 4, "0"), (-0.0, 4, "0"), (1.0, 4, "1"), (0.5, 3, "0.5"), (0.82, 4, "0.82"), (1 / 3, 4, "0.3333"),
        (7.77e-05, 3, "0.000078"), (-7.77e-05, 3, "-0.000078"), (0.000123456, 3, "0.000123"), (1e-06, 3, "1 × 10⁻⁶"),
        (3.14e-09, 3, "3.14 × 10⁻⁹"), (-2e-12, 4, "-2 × 10⁻¹²"), (99.96, 3, "100"), (9999.6, 4, "10,000"),
        (10, 4, "10"), (12345.6, 4, "12,346"), (1234567, 3, "1,234,567"), (4e14, 3, "4 × 10¹⁴"),
        (1.49e-06, 3, "1.49 × 10⁻⁶"), (15_400_000, 3, "1.54 × 10⁷"), (14_600_000, 4, "1.46 × 10⁷"),
        (float("inf"), 4, "inf"),
    ],
)  # fmt: skip
def test_a_number_is_written_as_people_read_it(value: float, digits: int, written: str) -> None:
    assert in_figures(value, digits) == written


@pytest.mark.parametrize(
    ("value", "threshold", "written"),
    [
        (0.949996, 0.95, "0.949996"), (0.95, 0.95, "0.95"), (0.9500004, 0.95, "0.9500004"), (0.9, 0.95, "0.9"),
        (0.99999999, 1.0, "0.99999999"), (9_999.96, 10_000, "9,999.96"), (0.99995e-6, 1e-6, "9.9995 × 10⁻⁷"),
        (15_000_001.0, 15_000_000, "1.5000001 × 10⁷"),
    ],
)  # fmt: skip
def test_a_number_is_written_on_its_own_side_of_a_threshold(
    value: float, threshold: float, written: str
) -> None:
    """Rounded onto it, what was not met would read as met."""
    assert in_figures(value, beside=threshold) == written


def test_what_misses_its_threshold_by_little_does_not_read_as_met() -> None:
    with override("en"):
        shown = figure(
            value=0.949996, unit="share", low=0.9496, high=0.96, bound_confidence=0.975, threshold=0.95
        )
    assert shown == "0.949996 share [0.9496, 0.96], each bound at 97.5% one-sided"


def test_an_interval_is_written_by_the_rule() -> None:
    with override("en"):
        shown = figure(value=0.0002, unit="share", low=7.77e-05, high=0.12, n=40)
    assert shown == "0.0002 share [0.000078, 0.12], n 40"


def test_no_page_writes_a_number_in_another_way() -> None:
    """`:.3g` writes 0.00008 as 8e-05, and 123,456 as 1.23e+05."""
    files = [path for room in OF_PAGES for path in (REPOSITORY / room).rglob("*.py")]
    assert len(files) > 100
    found = [path for path in files if re.search(r":(\.[1-8]?[ge]|g|\.0%)\}", path.read_text())]
    assert not found


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_counts_have_their_thousands_apart(world: World, language: str) -> None:
    client = Client(headers={"accept-language": language})
    client.force_login(world.people["operator"])
    assert "10,000" in client.get("/admin/readings/again/").content.decode()
    assert "5,000" in client.get("/admin/retention/").content.decode()
