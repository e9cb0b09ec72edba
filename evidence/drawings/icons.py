"""The signs of the navigation: drawn by hand in strokes, 24 by 24, in the colour of the words beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from evidence.drawings.svg import DrawingError, element

ICONS: Final[Mapping[str, str]] = {
    "answer": "M4 5h16v11H10l-4 4v-4H4zM8 9h8M8 12h5",
    "assessment": "M4 19V5M4 19h16M8 12h9M8 10v4M17 10v4M12.5 12h.01M15 7v10",
    "baseline": "M5 20h14M5 16h14M7 12h10M9 8h6M12 4v4",
    "binder": "M6 4h12v16H6zM9 4v16M12 9h3M12 12h3",
    "evidence": "M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h4",
    "finding": "M3 17l5-6 4 3 5-8 4 4M8 11v.01M12 14v.01M17 6v.01",
    "gate": "M4 20V8M20 20V8M4 11h16M4 15h16M4 8l8-4 8 4",
    "hold": "M7 11V8a5 5 0 0 1 10 0v3M5 11h14v9H5zM12 14v3",
    "home": "M4 11l8-7 8 7M6 10v10h12V10M10 20v-6h4v6",
    "judgement": "M5 5h14v14H5zM8 12l3 3 5-6",
    "link": "M9 15l6-6M8 12l-2 2a3 3 0 0 0 4 4l2-2M12 8l2-2a3 3 0 0 1 4 4l-2 2",
    "log": "M5 5h4v4H5zM5 15h4v4H5zM15 10h4v4h-4zM9 7h3v10H9M12 12h3",
    "membership": "M9 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM3 20a6 6 0 0 1 12 0M18 8v6M15 11h6",
    "person": "M12 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21a8 8 0 0 1 16 0",
    "probe": "M14 4l6 6M16 6l-9 9-3 5 5-3 9-9M11 11l2 2",
    "queue": "M4 6h3M4 12h3M4 18h3M10 6h10M10 12h10M10 18h6",
    "records": "M4 5h7v6H4zM13 5h7v6h-7zM4 13h7v6H4zM13 13h7v6h-7z",
    "release": "M12 3l8 4.5v9L12 21l-8-4.5v-9zM4 7.5l8 4.5 8-4.5M12 12v9",
    "requirement": "M6 3h12v18H6zM9 8l1.5 1.5L13 7M9 14l1.5 1.5L13 13M15 9h0M15 15h0",
    "run": "M5 5h14v14H5zM10 9l5 3-5 3z",
    "settled": "M12 4v16M5 20h14M5 8h14M5 8l-2.5 6h5zM19 8l-2.5 6h5z",
    "source": "M5 4h9a3 3 0 0 1 3 3v13H8a3 3 0 0 1-3-3zM5 17a3 3 0 0 1 3-3h9M9 8h4",
    "system": "M4 5h16v6H4zM4 13h16v6H4zM7 8h.01M7 16h.01M11 8h6M11 16h6",
    "token": "M8 15a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 11h9M18 11v4M15 11v3",
    "waiver": "M12 3l8 3v6c0 5-4 8-8 9-4-1-8-4-8-9V6zM9 9l6 6",
}


def icon(name: str) -> str:
    """Return a sign as SVG. It says nothing by itself: the words stand beside it.

    Raises:
        DrawingError: there is no sign of that name.
    """
    if name not in ICONS:
        raise DrawingError(f"there is no icon {name!r}; there are {', '.join(ICONS)}")
    path = element("path", d=ICONS[name])
    return element(
        "svg", path, xmlns="http://www.w3.org/2000/svg", class_="tb-icon", viewBox="0 0 24 24", width=24, height=24,
        aria_hidden="true", focusable="false",
    ).render()  # fmt: skip
