"""The stylesheets: colours in one place, and each pair that meets on a page far enough apart to be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

FOLDER = Path(settings.BASE_DIR) / "config" / "static" / "tracebinder"
TOKENS = (FOLDER / "tokens.css").read_text()
COLOUR = re.compile(
    r"#[0-9a-fA-F]{3,8}\b|\b(?:rgb|hsl|hwb|lab|lch|oklab|oklch|color|color-mix)a?\(", re.IGNORECASE
)
NAMED = re.compile(
    r":[^;{]*\b(?:white|black|red|green|blue|yellow|orange|gr[ae]y|silver|gold|navy|teal|purple|pink|brown)\b",
    re.IGNORECASE,
)

# Words on a ground: at least 4.5 to 1 (WCAG 2.2, 1.4.3).
WORDS = [
    *((f"--tb-{tone}-fg", f"--tb-{tone}-bg") for tone in ("good", "warn", "bad", "plain", "lit")),
    *((f"--tb-{tone}-fg", "--body-bg") for tone in ("good", "warn", "bad", "plain")),
    *((fg, bg) for fg in ("--body-fg", "--body-quiet-color", "--body-medium-color", "--link-fg", "--link-hover-color")
      for bg in ("--body-bg", "--darkened-bg", "--selected-row", "--selected-bg")),
    ("--tb-rail-fg", "--tb-rail-bg"), ("--tb-rail-current-fg", "--tb-rail-current-bg"),
    ("--header-color", "--header-bg"), ("--header-link-color", "--header-bg"),
    ("--breadcrumbs-fg", "--breadcrumbs-bg"), ("--breadcrumbs-link-fg", "--breadcrumbs-bg"),
    ("--error-fg", "--body-bg"), ("--error-fg", "--darkened-bg"),
    *(("--body-fg", f"--message-{kind}-bg") for kind in ("success", "warning", "error")),
    *(("--button-fg", f"--{kind}-bg") for kind in (
        "button", "button-hover", "default-button", "default-button-hover", "close-button", "close-button-hover",
        "delete-button", "delete-button-hover",
    )),
]  # fmt: skip
# Lines and marks that carry meaning: at least 3 to 1 (1.4.11).
LINES = [
    *((f"--tb-{tone}-line", ground) for tone in ("good", "warn", "bad", "plain")
      for ground in ("--body-bg", f"--tb-{tone}-bg")),
    ("--border-color", "--body-bg"), ("--tb-focus", "--body-bg"), ("--tb-focus", "--tb-rail-bg"),
    ("--tb-focus", "--tb-rail-current-bg"), ("--tb-focus-on-header", "--header-bg"),
]  # fmt: skip


def colour_of(token: str, scheme: str) -> str:
    """Return the colour of a token in a scheme, as #rrggbb."""
    value = re.search(rf"^\s*{token}:\s*([^;]+);", TOKENS, re.MULTILINE)
    assert value, f"there is no token {token}"
    if named := re.fullmatch(r"var\((--[\w-]+)\)", value[1]):
        return colour_of(named[1], scheme)
    if pair := re.fullmatch(r"light-dark\((#\w{6}), (#\w{6})\)", value[1]):
        return pair[1 if scheme == "light" else 2]
    assert re.fullmatch(r"#\w{6}", value[1]), f"{token}: {value[1]}"
    return value[1]


def luminance(colour: str) -> float:
    """Return the relative luminance of #rrggbb (WCAG 2.2, definition)."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_contrast_formula_agrees_with_the_two_known_ends() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_can_be_read_and_lines_be_seen(scheme: str) -> None:
    faint = [
        f"{fg} on {bg}: {ratio:.2f}"
        for pairs, least in ((WORDS, 4.5), (LINES, 3.0))
        for fg, bg in pairs
        if (ratio := contrast(colour_of(fg, scheme), colour_of(bg, scheme))) < least
    ]
    assert not faint, faint


@pytest.mark.parametrize(
    "path", [path for path in sorted(FOLDER.glob("*.css")) if path.name != "tokens.css"], ids=lambda path: path.name
)  # fmt: skip
def test_colours_stand_among_the_tokens_only(path: Path) -> None:
    css = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
    found = [line.strip() for line in css.splitlines() if COLOUR.search(line) or NAMED.search(line)]
    assert not found, f"use a token of tokens.css in place of: {found}"


def test_each_token_a_stylesheet_uses_is_there() -> None:
    css = "\n".join(path.read_text() for path in FOLDER.glob("*.css"))
    used = set(re.findall(r"var\((--[\w-]+)", css))
    given = set(re.findall(r"^\s*(--[\w-]+):", css, re.MULTILINE))
    assert used
    assert not used - given
    assert not {token for token in given if token.startswith("--tb-")} - used, "tokens nobody uses"
