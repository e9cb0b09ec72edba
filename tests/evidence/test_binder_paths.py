"""A binder's paths unpack to the same place everywhere, whatever named them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.binder.errors import UnsafePath
from evidence.binder.paths import check_path, file_stem, fold_path


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("", "empty or dotted parts"),
        ("/etc/passwd", "empty or dotted parts"),
        ("a//b", "empty or dotted parts"),
        ("a/../../b", "empty or dotted parts"),
        ("./a", "empty or dotted parts"),
        ("a\\b", "no control characters"),
        ("c:a", "no control characters"),
        ("a\nb", "no control characters"),
        ("a%2fb", "no control characters"),
        ("e\u0301.json", "no control characters"),  # decomposed: another name on another file system
        ("版" * 81, "at most 240 bytes"),
    ],
)
def test_a_path_that_could_land_elsewhere_is_refused(path: str, told: str) -> None:
    with pytest.raises(UnsafePath, match=told):
        check_path(path)


def test_paths_that_collide_on_some_file_system_fold_to_one() -> None:
    assert fold_path("Straße.json") == fold_path("STRASSE.json")
    assert fold_path("\u00e9.json") == fold_path("e\u0301.json")


@given(st.text(max_size=300))
def test_any_name_makes_a_file_name(name: str) -> None:
    stem = file_stem(name)
    assert check_path(f"data/{stem}.json") == f"data/{stem}.json"
