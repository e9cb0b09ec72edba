"""Drawings of what a probe found: bands, piles of dots, doses and squares, whatever they are given."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.drawings import Band, Dose, Dot, DrawingError, Reference, Whisker, doses, heat, strip, whiskers
from tests.evidence.test_drawings import SVG, as_read, intervals, numbers, rows, texts, twice, whole_words


def of_class(root: Any, tag: str, kind: str) -> list[Any]:
    return [each for each in root.iter(f"{SVG}{tag}") if kind in each.attrib.get("class", "").split()]


@given(st.lists(rows(), min_size=1, max_size=5), texts, intervals, st.booleans())
def test_a_band_lies_behind_the_rows_beside_or_above_their_names(
    given_rows: Any, words: str, ends: Any, stacked: bool
) -> None:
    band = Band(ends[0], ends[1], words)
    root = twice(
        lambda: whiskers(
            given_rows, title="t", unit="u", band=band, stacked=stacked, width=330 if stacked else 760
        )
    )
    assert {as_read(words), *(as_read(row.label) for row in given_rows)} <= whole_words(root)
    (drawn,) = of_class(root, "rect", "tb-draw-band")
    assert float(drawn.attrib["width"]) >= 0


def test_a_band_is_drawn_where_its_values_are_and_dots_under_their_row() -> None:
    row = Whisker("control", 0.5, 0.0, 1.0, dots=(0.25, 0.75))
    root = twice(lambda: whiskers([row], title="t", unit="u", band=Band(0.25, 0.75, "b"), least=(0.0, 1.0)))
    (band,) = of_class(root, "rect", "tb-draw-band")
    left, right = (float(each.attrib["cx"]) for each in of_class(root, "circle", "tb-draw-dot"))
    assert float(band.attrib["x"]) == pytest.approx(left)
    assert float(band.attrib["width"]) == pytest.approx(right - left)


@given(
    st.lists(st.builds(Dot, texts, numbers), min_size=1, max_size=40),
    st.none() | st.builds(Reference, numbers, texts),
)
def test_each_item_is_a_dot_that_says_which_it_is(items: Any, reference: Any) -> None:
    root = twice(lambda: strip(items, title="t", unit="u", reference=reference))
    assert len(of_class(root, "circle", "tb-draw-dot")) == len(items)


def test_the_least_and_the_greatest_item_are_named() -> None:
    root = twice(lambda: strip([Dot("b", 2), Dot("a", 1), Dot("c", 3)], title="t", unit="u"))
    assert {"a: 1", "c: 3"} <= whole_words(root)


@st.composite
def responses(draw: st.DrawFn) -> list[Dose]:
    found = []
    for dose in draw(st.lists(numbers, min_size=2, max_size=6, unique=True)):
        low, high = draw(intervals)
        control = draw(st.none() | intervals)
        ends = () if control is None else (draw(numbers), *draw(st.just(control) | st.just((None, None))))
        found.append(Dose(dose, draw(numbers), low, high, *ends))
    return found


@given(responses(), texts)
def test_doses_are_drawn_whatever_the_numbers(given_doses: Any, words: str) -> None:
    root = twice(lambda: doses(given_doses, title=words, unit=words, dose=words, control=words))
    assert len(of_class(root, "circle", "tb-draw-point")) == len(given_doses)
    crosses = of_class(root, "path", "tb-draw-cross")
    assert len(crosses) == sum(each.control is not None for each in given_doses)


@pytest.mark.parametrize(
    "refused",
    [
        [Dose(1, 1, 0, 2)],
        [Dose(1, 1, 0, 2), Dose(1, 2, 0, 3)],
        [Dose(1, 1, 2, 0), Dose(2, 1, 0, 2)],
        [Dose(1, 1, 0, 2), Dose(2, 1, 0, 2, 1, 3, 0)],
    ],
)
def test_what_is_no_response_to_doses_is_refused(refused: Any) -> None:
    with pytest.raises(DrawingError):
        doses(refused, title="t", unit="u", dose="d", control="c")


@given(st.integers(1, 5), st.integers(1, 12), st.data())
def test_each_cell_says_what_it_is(n_rows: int, n_columns: int, data: st.DataObject) -> None:
    cells = st.lists(numbers, min_size=n_columns, max_size=n_columns)
    values = data.draw(st.lists(cells, min_size=n_rows, max_size=n_rows))
    root = twice(
        lambda: heat(values, rows=[str(i) for i in range(n_rows)], columns=[data_name(i) for i in range(n_columns)],
                     row="layer", column="head", unit="u", title="t")
    )  # fmt: skip
    told = [each.text for each in root.iter(f"{SVG}title")]
    assert sum((text or "").startswith("layer ") for text in told) == n_rows * n_columns


def data_name(number: int) -> str:
    return f"head number {number}" if number % 2 else str(number)


@pytest.mark.parametrize("value", [-4.85119297685217e-144, 1.7976931348623157e308, -123_456_789.0, 0.0])
def test_the_legend_says_whole_amounts_within_the_drawing(value: float) -> None:
    root = twice(
        lambda: heat([[value]], rows=["0"], columns=["a"], row="layer", column="head", unit="u", title="t")
    )
    assert not [each.text for each in root.iter(f"{SVG}text") if "…" in (each.text or "")]


def test_the_area_of_a_square_is_the_amount_and_below_zero_it_is_hollow() -> None:
    root = twice(
        lambda: heat([[4.0, 1.0, -1.0]], rows=["0"], columns=["a", "b", "c"], row="layer", column="head", unit="u",
                     title="t")
    )  # fmt: skip
    big, small, below = of_class(root, "rect", "tb-draw-cell")[:3]
    assert float(big.attrib["width"]) == pytest.approx(2 * float(small.attrib["width"]))
    assert below.attrib["width"] == small.attrib["width"]
    assert "tb-draw-cell--below" in below.attrib["class"]
    assert "tb-draw-cell--below" not in small.attrib["class"]


@pytest.mark.parametrize("values", [[], [[1.0]], [[1.0, float("nan")]], [[1.0, 2.0], [3.0, 4.0]]])
def test_what_is_no_table_is_refused(values: Any) -> None:
    with pytest.raises(DrawingError):
        heat(values, rows=["0"], columns=["a", "b"], row="r", column="c", unit="u", title="t")
