"""Drawings as inline SVG: pure functions from numbers and words to markup, the same bytes for the same input.

They know no Django, no language and no colour: words come from the caller, colours from the classes of
`components.css`, so a drawing follows light, dark and print, and carries no style or script of its own.
"""

from evidence.drawings.bullet import bullet
from evidence.drawings.doses import Dose, doses
from evidence.drawings.heat import heat
from evidence.drawings.icons import ICONS, icon
from evidence.drawings.layers import Edge, Node, layers
from evidence.drawings.series import Bar, bars, sparkline
from evidence.drawings.span_bar import span_bar
from evidence.drawings.strip import Dot, strip
from evidence.drawings.svg import DrawingError
from evidence.drawings.whiskers import Band, Reference, Whisker, whiskers

__all__ = [
    "ICONS",
    "Band",
    "Bar",
    "Dose",
    "Dot",
    "DrawingError",
    "Edge",
    "Node",
    "Reference",
    "Whisker",
    "bars",
    "bullet",
    "doses",
    "heat",
    "icon",
    "layers",
    "span_bar",
    "sparkline",
    "strip",
    "whiskers",
]
