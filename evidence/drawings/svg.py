"""The few SVG elements our drawings are made of, escaped and checked where they are written out."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from html import escape
from typing import Final

from evidence.figures import in_figures

Attribute = str | float | int

TAGS: Final = frozenset({"svg", "g", "title", "desc", "text", "rect", "line", "path", "circle", "a"})
_GEOMETRY: Final = frozenset(
    {"x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "width", "height", "viewBox", "d"}
)
_OTHER: Final = frozenset(
    {
        "class",
        "role",
        "text-anchor",
        "href",
        "xmlns",
        "preserveAspectRatio",
        "aria-hidden",
        "aria-current",
        "focusable",
    }
)
# XML 1.0, section 2.2: these cannot be written in a document, not even as a reference. Surrogates cannot be encoded.
_NOT_IN_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
TONES: Final = frozenset({"good", "warn", "bad", "plain"})
EM: Final = 12.0  # user units: the size of the words in a drawing


class DrawingError(ValueError):
    """What was asked for cannot be drawn: a text that is none, a number that is none, a graph in a circle."""


@dataclass(frozen=True, slots=True)
class Element:
    """An element with its attributes, in the order they are written, and what is inside."""

    tag: str
    attributes: tuple[tuple[str, str], ...]
    children: tuple[Element | str, ...]

    def render(self) -> str:
        """Return the markup."""
        attributes = "".join(f' {name}="{value}"' for name, value in self.attributes)
        inside = "".join(
            escape(child, quote=True) if isinstance(child, str) else child.render() for child in self.children
        )
        return f"<{self.tag}{attributes}>{inside}</{self.tag}>"


def element(tag: str, *children: Element | str, **attributes: Attribute) -> Element:
    """Make an element: `element("line", x1=0, class_="tb-draw-axis")`. A final underscore of a name is dropped.

    Raises:
        DrawingError: a tag or an attribute that drawings do not use (`style` and handlers among them), a coordinate
            that is not finite, an address that leads elsewhere, or a text that no XML can hold.
    """
    if tag not in TAGS:
        raise DrawingError(f"drawings have no <{tag}>")
    for child in children:
        if isinstance(child, str):
            check_text(child)
    written = tuple((_name(name), _value(_name(name), value)) for name, value in attributes.items())
    return Element(tag, written, children)


def picture(
    *children: Element, width: float, height: float, title: str, description: str, role: str = "img"
) -> str:
    """Return a whole drawing. `title` names it and `description` reads it out, for those who do not see it."""
    return element(
        "svg", element("title", title), element("desc", description), *children,
        xmlns="http://www.w3.org/2000/svg", class_="tb-drawing", role=role,
        viewBox=f"0 0 {coordinate(width)} {coordinate(height)}", width=width, height=height,
    ).render()  # fmt: skip


def words(
    x: float, y: float, text: str, *, room: float, anchor: str = "start", class_: str = "tb-draw-words"
) -> Element:
    """Return a line of text cut to the room there is, in user units; the whole is then its title."""
    shown = cut_to(text, room)
    inside = (shown,) if shown == text else (element("title", text), shown)
    return element("text", *inside, x=x, y=y, text_anchor=anchor, class_=class_)


def cut_to(text: str, room: float) -> str:
    """Return as much of a text as fits into `room` user units, with an ellipsis where it was cut."""
    if width_of(text) <= room:
        return text
    kept, used = "", EM
    for char in text:
        used += width_of(char)
        if used > room:
            break
        kept += char
    return f"{kept.rstrip()}…"


def width_of(text: str) -> float:
    """Return about how wide a text is, in user units: an em for a wide character, somewhat over half for another."""
    return sum(EM if unicodedata.east_asian_width(char) in "WF" else 0.55 * EM for char in text)


def check_text(text: str) -> None:
    """Refuse what no XML document can hold.

    Raises:
        DrawingError: with the first such character, by its code.
    """
    found = _NOT_IN_XML.search(text)
    if found:
        raise DrawingError(
            f"a drawing cannot hold the character U+{ord(found[0]):04X}; leave it out of the text"
        )


def check_tone(tone: str) -> str:
    """Return the tone if it is one.

    Raises:
        DrawingError: it is none of `good`, `warn`, `bad`, `plain`.
    """
    if tone not in TONES:
        raise DrawingError(f"{tone!r} is no tone; there are {', '.join(sorted(TONES))}")
    return tone


def coordinate(value: float) -> str:
    """Return a coordinate in hundredths of a user unit.

    Raises:
        DrawingError: it is not finite.
    """
    if not math.isfinite(value):
        raise DrawingError(f"{value} is no place in a drawing")
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def amount(value: float) -> str:
    """Return a measured value as people read it: three significant digits."""
    return in_figures(value, 3)


def _name(name: str) -> str:
    return name.removesuffix("_").replace("_", "-")


def _value(name: str, value: Attribute) -> str:
    if name not in _GEOMETRY | _OTHER:
        raise DrawingError(f"drawings have no attribute {name!r}")
    if not isinstance(value, str):
        return coordinate(value)
    check_text(value)
    if name == "href" and (not value.startswith("/") or value.startswith(("//", "/\\"))):
        raise DrawingError(f"a drawing leads to pages of this server only, not to {value!r}")
    return escape(value, quote=True)
