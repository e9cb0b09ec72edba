"""Drawings: well-formed and inside their box whatever they are given, refused where there is nothing honest to draw."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.drawings import (
    ICONS,
    Bar,
    DrawingError,
    Edge,
    Node,
    Reference,
    Whisker,
    bars,
    bullet,
    icon,
    layers,
    sparkline,
    whiskers,
)
from evidence.drawings.svg import TONES, element

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</text><script>alert('1')</script> \"&\" \u202eto the left\u202c \u0627\u0644\u0633\u0639\u0631 年利率\r\n\t"
NOT_IN_XML = "".join(map(chr, [*range(9), 0x0B, 0x0C, *range(0x0E, 0x20), 0xFFFE, 0xFFFF]))

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=NOT_IN_XML)) | st.just(HOSTILE)
numbers = st.floats(allow_nan=False, allow_infinity=False)
tones = st.sampled_from(sorted(TONES))
intervals = st.tuples(numbers, numbers).map(sorted)


@st.composite
def rows(draw: st.DrawFn) -> Whisker:
    low, high = draw(intervals)
    return Whisker(draw(texts), draw(numbers), low, high, draw(tones), draw(texts))


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Node], list[Edge]]:
    labels = draw(st.lists(texts, min_size=1, max_size=9))
    nodes = [Node(str(at), label, draw(texts), draw(tones)) for at, label in enumerate(labels)]
    forward = st.tuples(st.integers(0, len(nodes) - 1), st.integers(0, len(nodes) - 1)).filter(
        lambda e: e[0] < e[1]
    )
    edges = draw(st.lists(forward, max_size=14)) if len(nodes) > 1 else []
    return nodes, [Edge(str(start), str(end)) for start, end in edges]


def check(drawing: str) -> ET.Element:
    """Fail where a drawing is no XML, carries style or script, or leaves its box; return its root."""
    root = ET.fromstring(drawing)
    assert root.tag == f"{SVG}svg"
    assert root[0].tag == f"{SVG}title"
    assert root[1].tag == f"{SVG}desc"
    width, height = (float(part) for part in root.attrib["viewBox"].split()[2:])
    for each in root.iter():
        assert each.tag.removeprefix(SVG) in {
            "svg",
            "title",
            "desc",
            "g",
            "line",
            "rect",
            "path",
            "circle",
            "text",
            "a",
        }
        for name, value in each.attrib.items():
            assert name != "style"
            assert not name.startswith("on")
            if name in {"x", "x1", "x2", "cx", "width"}:
                assert -0.01 <= float(value) <= width + 0.01, f"{each.tag} {name}={value} of {width}"
            if name in {"y", "y1", "y2", "cy", "r", "rx", "height"}:
                assert -0.01 <= float(value) <= height + 0.01, f"{each.tag} {name}={value} of {height}"
            if name == "d":
                assert all(
                    math.isfinite(float(number)) for number in re.findall(r"-?[\d.]+(?:e[+-]?\d+)?", value)
                )
                assert not re.search("nan|inf", value)
    return root


def twice(draw: Callable[[], str]) -> ET.Element:
    """Draw the same twice: the bytes are the same."""
    first = draw()
    assert draw().encode() == first.encode()
    return check(first)


def whole_words(root: ET.Element) -> set[str]:
    """Return each text of a drawing, uncut."""
    found = set()
    for text in root.iter(f"{SVG}text"):
        title = text.find(f"{SVG}title")
        found.add((text.text if title is None else title.text) or "")
    return found


def as_read(text: str) -> str:
    """Return a text with the line ends an XML reader gives."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


@given(
    st.lists(rows(), min_size=1, max_size=5), texts, texts, st.none() | st.builds(Reference, numbers, texts)
)
def test_whiskers_are_drawn_whatever_the_numbers_and_words(
    given_rows: Any, title: str, unit: str, reference: Any
) -> None:
    root = twice(lambda: whiskers(given_rows, title=title, unit=unit, reference=reference))
    assert root[0].text in {as_read(title), None}
    assert {as_read(row.label) for row in given_rows} <= whole_words(root)
    lines = [each for each in root.iter(f"{SVG}line") if "tb-draw-interval" in each.attrib["class"]]
    assert len(lines) == 3 * len(given_rows)  # each with its two ends
    assert all(190 <= float(line.attrib[name]) <= 570 for line in lines for name in ("x1", "x2"))


@given(numbers, st.none() | intervals, numbers, st.booleans(), texts, tones, texts, texts)
def test_a_bullet_is_drawn_whatever_the_numbers_and_words(
    value: Any, interval: Any, threshold: Any, at_least: Any,
    unit: Any, tone: Any, label: Any, caption: Any,
) -> None:  # fmt: skip
    low, high = interval or (None, None)
    root = twice(
        lambda: bullet(value=value, low=low, high=high, threshold=threshold, at_least=at_least, unit=unit, tone=tone,
                       title=label, threshold_label=label, caption=caption)
    )  # fmt: skip
    assert as_read(label) in whole_words(root)
    assert root.findtext(f"{SVG}desc") == as_read(f"{caption}; {label}")
    zone = next(each for each in root.iter(f"{SVG}rect") if each.attrib["class"] == "tb-draw-zone")
    reference = next(each for each in root.iter(f"{SVG}line") if each.attrib["class"] == "tb-draw-reference")
    edge = float(zone.attrib["x"]) + (0 if at_least else float(zone.attrib["width"]))
    assert edge == pytest.approx(float(reference.attrib["x1"]), abs=0.02)


@given(
    st.lists(st.none() | numbers, min_size=1, max_size=30).filter(
        lambda each: any(v is not None for v in each)
    )
)
def test_a_sparkline_has_a_run_for_each_stretch_without_gaps(values: Any) -> None:
    root = twice(lambda: sparkline(values, title="trend"))
    stretches = sum(
        value is not None and (at == 0 or values[at - 1] is None) for at, value in enumerate(values)
    )
    assert len(list(root.iter(f"{SVG}path"))) == stretches


@given(st.lists(st.builds(Bar, texts, numbers, tones), min_size=1, max_size=6), texts)
def test_bars_are_drawn_whatever_the_numbers_and_words(given_rows: Any, unit: str) -> None:
    root = twice(lambda: bars(given_rows, title="amounts", unit=unit))
    assert len(list(root.iter(f"{SVG}rect"))) == len(given_rows)


@given(graphs(), texts)
def test_a_graph_reads_from_left_to_right(graph: Any, title: str) -> None:
    nodes, edges = graph
    root = twice(lambda: layers(nodes, edges, title=title))
    boxes = list(root.iter(f"{SVG}rect"))
    assert len(boxes) == len(nodes)
    left = {node.key: float(box.attrib["x"]) for node, box in zip(nodes, boxes, strict=True)}
    assert all(left[edge.start] < left[edge.end] for edge in edges)
    corners = {(box.attrib["x"], box.attrib["y"]) for box in boxes}
    assert len(corners) == len(boxes), "two nodes stand in one place"
    assert {as_read(node.label) for node in nodes} <= whole_words(root)


def test_a_line_that_skips_a_layer_passes_no_node() -> None:
    nodes = [Node(key, key) for key in ("start", "middle", "end")]
    edges = [Edge("start", "middle"), Edge("middle", "end"), Edge("start", "end")]
    root = check(layers(nodes, edges, title="a chain"))
    middle = list(root.iter(f"{SVG}rect"))[1]
    top, bottom = float(middle.attrib["y"]), float(middle.attrib["y"]) + float(middle.attrib["height"])
    skipping = next(each.attrib["d"] for each in root.iter(f"{SVG}path") if "H" in each.attrib["d"])
    height = float(re.findall(r"[\d.]+(?=H)", skipping)[0])  # of the stretch beside the node
    assert not top <= height <= bottom


def test_nodes_with_addresses_are_links_and_the_drawing_no_longer_one_image() -> None:
    root = check(layers([Node("a", "release r1", address="/admin/evidence/release/1/")], [], title="chain"))
    assert root.attrib["role"] == "group"
    assert [link.attrib["href"] for link in root.iter(f"{SVG}a")] == ["/admin/evidence/release/1/"]
    assert check(layers([Node("a", "b")], [], title="chain")).attrib["role"] == "img"


def test_a_drawing_tells_those_who_do_not_see_it() -> None:
    root = check(
        whiskers([Whisker("shuffled", 0.1, 0.05, 0.2, note="n 40")], title="Induction", unit="share",
                 reference=Reference(0.5, "smallest effect"))
    )  # fmt: skip
    assert root[0].text == "Induction"
    assert root[1].text == "shuffled: 0.1 [0.05, 0.2], n 40; smallest effect: 0.5 (share)"


def test_a_tone_has_a_shape_of_its_own() -> None:
    def shape(tone: str) -> str:
        root = check(whiskers([Whisker("x", 0.5, 0.4, 0.6, tone)], title="t", unit="u"))
        mark = next(each for each in root.iter() if "tb-draw-point" in each.attrib.get("class", ""))
        strokes = re.sub("[^a-z]", "", mark.attrib.get("d", ""))
        return f"{mark.tag} {strokes} {'tb-draw-ring' in mark.attrib['class']}"

    assert len({shape(tone) for tone in TONES}) == len(TONES)


def test_a_share_is_shown_on_the_whole_of_its_scale() -> None:
    root = check(
        bullet(value=0.9, low=0.85, high=0.95, threshold=0.8, at_least=True, unit="share", tone="good", title="t",
               threshold_label="at least 0.8", caption="c", least=(0, 1))
    )  # fmt: skip
    assert {"0", "0.2", "0.4", "0.6", "0.8", "1"} <= whole_words(root)


@pytest.mark.parametrize(
    ("draw", "says"),
    [
        (lambda: whiskers([], title="t", unit="u"), "nothing to draw"),
        (lambda: whiskers([], title="t", unit="share", least=(0, 1)), "nothing to draw"),
        (lambda: bars([], title="t", unit="u"), "nothing to draw"),
        (lambda: layers([], [], title="t"), "nothing to draw"),
        (lambda: sparkline([None, None], title="t"), "nothing to draw"),
        (lambda: sparkline([math.nan], title="t"), "not finite"),
        (lambda: bars([Bar("x", math.inf)], title="t", unit="u"), "not finite"),
        (lambda: whiskers([Whisker("x", 0.5, 0.9, 0.1)], title="t", unit="u"), "from 0.9 down to 0.1"),
        (lambda: whiskers([Whisker("x", 0.5, 0.1, 0.9, "green")], title="t", unit="u"), "no tone"),
        (lambda: whiskers([Whisker("a\0b", 0.5, 0.1, 0.9)], title="t", unit="u"), "U+0000"),
        (lambda: layers([Node("a", "x\ud800")], [], title="t"), "U+D800"),
        (lambda: layers([Node("a", "x"), Node("a", "y")], [], title="t"), "same key"),
        (lambda: layers([Node("a", "x")], [Edge("a", "b")], title="t"), "'b', which is no node"),
        (lambda: layers([Node("a", "x")], [Edge("a", "a")], title="t"), "in a circle"),
        (lambda: layers([Node("a", "x", address="javascript:alert(1)")], [], title="t"), "this server only"),
        (lambda: layers([Node("a", "x", address="//evil.example/")], [], title="t"), "this server only"),
        (lambda: element("script"), "no <script>"),
        (lambda: element("line", style="fill: red"), "no attribute 'style'"),
        (lambda: element("line", onclick="alert(1)"), "no attribute 'onclick'"),
        (lambda: icon("unicorn"), "no icon 'unicorn'"),
    ],
)
def test_what_cannot_be_drawn_honestly_is_refused_with_its_reason(
    draw: Callable[[], object], says: str
) -> None:
    with pytest.raises(DrawingError, match=re.escape(says)):
        draw()


@pytest.mark.parametrize("name", sorted(ICONS))
def test_an_icon_is_hidden_from_those_who_hear_the_words_beside_it(name: str) -> None:
    root = ET.fromstring(icon(name))
    assert root.attrib["aria-hidden"] == "true"
    assert len(root) == 1
