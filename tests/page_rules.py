"""What the Content-Security-Policy would refuse in a page, found by reading its HTML."""

from __future__ import annotations

import re
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any, Final

from config.content_policy import DIRECTIVES, HEADER

_LOADS: Final = {
    ("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src"), ("form", "action"), ("use", "href"),
}  # fmt: skip
_OPENING: Final = re.compile("<[a-zA-Z]")
_TAG: Final = re.compile(r"""<[a-zA-Z](?:[^"'>]|"[^"]*"|'[^']*')*>""")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        here = f"<{tag}> in line {self.getpos()[0]}"
        if tag == "style":
            self.faults.append(f"{here} styles inline")
        if tag == "script" and "src" not in given and given.get("type") != "application/json":
            self.faults.append(f"{here} runs inline")
        for name, value in given.items():
            if name == "style":
                self.faults.append(f"{here} has a style attribute: {value}")
            if name.startswith("on"):
                self.faults.append(f"{here} has a handler inline: {name}")
            if (value or "").strip().lower().startswith("javascript:"):
                self.faults.append(f"{here} has a script for an address: {value}")
            if (tag, name) in _LOADS and not _is_of_this_server(value or ""):
                self.faults.append(f"{here} loads {value}")


def find_faults(html: str) -> list[str]:
    """Return what a browser would refuse in a page, in words."""
    reader = _Reader()
    reader.feed(html)
    return reader.faults


@lru_cache(maxsize=100_000)
def _is_harmless(tag: str) -> bool:
    """Whether a tag alone has no fault. Pages share most of theirs: to read each page as a whole takes much longer."""
    return not find_faults(tag)


def _may_have_faults(html: str) -> bool:
    tags = _TAG.findall(html)
    return len(tags) != len(_OPENING.findall(html)) or not all(map(_is_harmless, set(tags)))


_SCROLLS: Final = frozenset(
    {"tb-pane", "tb-scroll", "tb-wrapped", "results"}
)  # classes of what a wide table scrolls in
_VOID: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
)


class _Tables(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self._open: list[
            tuple[str, bool]
        ] = []  # the elements around here, and whether each lets a table scroll
        self.loose: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table" and not any(scrolls for _, scrolls in self._open):
            self.loose.append(f"<table> in line {self.getpos()[0]}")
        if tag not in _VOID:
            self._open.append((tag, not _SCROLLS.isdisjoint((dict(attrs).get("class") or "").split())))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass


def find_loose_tables(html: str) -> list[str]:
    """Return the tables that would make the page scroll sideways where they are too wide for it."""
    reader = _Tables()
    reader.feed(html)
    return reader.loose


def check_answer(response: Any, path: str) -> None:
    """Fail where an answer has no strict policy, or where it is a page that the policy would break."""
    policy = read_policy(response[HEADER]) if HEADER in response else {}
    images = policy.get("img-src", "").removesuffix(" data:")
    assert policy | {"img-src": images} == DIRECTIVES, f"{path} loosens the policy: {policy}"
    if not response.get("Content-Type", "").startswith("text/html") or response.streaming:
        return
    html = response.content.decode()
    faults = find_faults(html) if _may_have_faults(html) else []
    assert not faults, f"{path}: {'; '.join(faults)}"


def check_not_kept(response: Any, path: str) -> None:
    """Fail where a browser or proxy may keep an answer; what is the same for everybody, or digests alone, it may."""
    may_be_kept = path.startswith(("/static/", "/log/", "/favicon.ico"))
    assert may_be_kept or "no-store" in response.get("Cache-Control", ""), f"{path} may be kept in a cache"


def read_policy(header: str) -> dict[str, str]:
    """Return the directives of a policy."""
    return dict(part.strip().split(" ", 1) for part in header.split(";"))


def _is_of_this_server(address: str) -> bool:
    return not address or (address[0] in "/?#." and not address.startswith("//"))
