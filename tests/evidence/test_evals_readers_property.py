"""Whatever bytes are posted, a reader gives samples, refusals of samples, or one refusal that says where and why."""

from __future__ import annotations

import io
import json
import math
import re
import zipfile
from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evidence.evals.contracts import EvalFileError, ParsedSample, SampleReject
from evidence.evals.measurements import Said
from evidence.evals.registry import EVAL_FORMATS
from evidence.evals.sources import Source
from tests.evidence.eval_readers import DATA, folder

OURS = ("promptfoo", "junit", "lm-eval", "deepeval", "helm", "otel", "mlflow", "langfuse")
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
TO_DO = re.compile(r"\b(post|export|write|pack|say|raise|give|see)\b")  # what whoever posted it is to do
LONGEST = 128  # characters of a sample's id and of a metric's name
NUMBERS: list[object] = [0, -1, 2.5, 10**30, math.nan, math.inf, 1e300]
TEXTS: list[object] = ["", "\x00", "\ud800", "x" * 5_000, "#1", "a=b, c", "NaN"]
ODD: st.SearchStrategy[object] = st.sampled_from([None, True, *NUMBERS, *TEXTS, [], {}, [[]], {"": 0}])
JSON_VALUES = st.recursive(
    ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def good(name: str) -> bytes:
    (path,) = DATA.glob(f"{name}.*")
    return path.read_bytes()


def check(name: str, raw: bytes) -> None:
    """See that reading ends well, whatever is in the file, and gives only what can be stored."""
    reader = import_module(EVAL_FORMATS[name].module)
    source = Source.of_bytes(raw, "posted")
    try:
        reader.sniff(source.head(), "posted")
        for measurement in reader.open_measurements(source, Said()):
            seen: set[str] = set()
            for given_ in measurement.samples:
                check_sample(given_, set(measurement.metrics), seen)
            told = [*measurement.metrics, measurement.key, *(one.detail for one in measurement.remarks)]
            assert not any(map(UNSTORABLE.search, told))
            assert all(len(one) <= LONGEST for one in measurement.metrics)
    except EvalFileError as refused:
        told = refused.problems
        silent = [one for one in told if not TO_DO.search(one)]
        assert told
        assert not silent


def check_sample(sample: ParsedSample | SampleReject, metrics: set[str], seen: set[str]) -> None:
    if isinstance(sample, SampleReject):
        assert sample.code
        assert sample.detail
        return
    assert sample.sample_id not in seen
    assert 0 < len(sample.sample_id) <= LONGEST
    seen.add(sample.sample_id)
    texts = [
        sample.sample_id,
        sample.input,
        sample.output,
        sample.target or "",
        *sample.slice,
        *sample.slice.values(),
    ]
    assert not any(UNSTORABLE.search(text) for text in texts)
    assert {one.metric for one in sample.scores} <= metrics
    assert len({one.metric for one in sample.scores}) == len(sample.scores)
    for one in sample.scores:
        assert (one.value is not None) == (one.status == "scored")
        assert one.value is None or math.isfinite(one.value)
        assert not UNSTORABLE.search(one.explanation)


def paths_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where a value can be replaced."""
    yield path
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        yield from paths_in(child, (*path, key))


def replaced(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    if not path:
        return by
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], by)
    return copy


def mutate_json(text: bytes, data: st.DataObject) -> bytes:
    """Return a JSON text in which one value is another."""
    value = json.loads(text)
    path = data.draw(st.sampled_from(list(paths_in(value))))
    return json.dumps(replaced(value, path, data.draw(JSON_VALUES))).encode()


def mutate_text(text: bytes, data: st.DataObject) -> bytes:
    """Return a JSON text, or lines of it, in which one value is another."""
    try:
        return mutate_json(text, data)
    except ValueError:
        lines = text.splitlines()
        at = data.draw(st.integers(0, len(lines) - 1))
        return b"\n".join([*lines[:at], mutate_json(lines[at], data), *lines[at + 1 :]])


def mutate(raw: bytes, data: st.DataObject) -> bytes:
    """Return a good file with one thing in it changed, so that it still is JSON, XML or a ZIP."""
    if raw.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        name = data.draw(st.sampled_from(sorted(files)))
        return folder({**files, name: mutate_text(files[name], data)})
    if raw.startswith(b"<"):
        words = re.split(rb"([\w.:-]+)", raw)
        at = data.draw(st.integers(0, len(words) - 1))
        odd = data.draw(
            st.sampled_from(
                [b"", b"testcase", b"failure", b"&#0;", b"99", b"\xff", b"<testcase/>", b"name", b"-"]
            )
        )
        return b"".join([*words[:at], odd, *words[at + 1 :]])
    return mutate_text(raw, data)


@pytest.mark.parametrize("name", OURS)
@given(data=st.data())
@settings(
    max_examples=12, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None
)
def test_a_good_file_with_one_value_changed(name: str, data: st.DataObject) -> None:
    check(name, mutate(good(name), data))


MISPLACED: Final[tuple[Any, ...]] = ([], {}, "", None)  # of another kind than any reader looks for


def each_odd(text: bytes) -> Iterator[bytes]:
    """Yield a JSON text, or lines of it, with each of its values replaced by each odd one."""
    lines = [text] if is_json(text) else text.splitlines()
    for at, line in enumerate(lines):
        value = json.loads(line)
        for path in paths_in(value):
            for odd in MISPLACED:
                changed = json.dumps(replaced(value, path, odd)).encode()
                yield b"\n".join([*lines[:at], changed, *lines[at + 1 :]])


def is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def each_changed(raw: bytes) -> Iterator[bytes]:
    """Yield a good file with each value of it odd; none where it is no JSON."""
    if raw.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        for name, text in files.items():
            yield from (folder({**files, name: changed}) for changed in each_odd(text))
    elif raw.startswith((b"{", b"[")):
        yield from each_odd(raw)


@pytest.mark.soak
@pytest.mark.parametrize("name", OURS)
def test_a_good_file_with_any_one_value_odd(name: str) -> None:
    for raw in each_changed(good(name)):
        check(name, raw)


@pytest.mark.parametrize(
    ("file", "path", "odd"),
    [
        (
            "results_2026-11-25T22-55-59.349773.json",
            ("configs", "fees_mc", "metric_list", 1, "aggregation"),
            [],
        ),
        ("samples_fees_mc_2026-11-25T22-55-59.349773.jsonl", ("doc_id",), ""),
    ],
)
def test_what_stands_in_a_log_of_lm_eval_in_place_of_a_name(
    file: str, path: tuple[Any, ...], odd: Any
) -> None:
    with zipfile.ZipFile(io.BytesIO(good("lm-eval"))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    (name,) = (each for each in files if each.endswith(file))
    lines = files[name].splitlines() if name.endswith("l") else [files[name]]
    lines[0] = json.dumps(replaced(json.loads(lines[0]), path, odd)).encode()
    check("lm-eval", folder({**files, name: b"\n".join(lines)}))


@pytest.mark.parametrize("name", OURS)
@given(data=st.data())
@settings(max_examples=8, deadline=None)
def test_a_good_file_cut_short_or_with_a_byte_changed(name: str, data: st.DataObject) -> None:
    raw = good(name)
    at = data.draw(st.integers(0, len(raw) - 1))
    check(name, raw[:at])
    check(name, raw[:at] + data.draw(st.binary(max_size=3)) + raw[at + 1 :])


@pytest.mark.parametrize("name", OURS)
@given(
    raw=st.binary(max_size=200)
    | st.sampled_from([b"", b"{}", b"[]", b"null", b"[{}]", b"<a/>", b"{}\n{}", b"\x00" * 9, b"PK\x03\x04"])
)
@settings(max_examples=12, deadline=None)
def test_any_bytes(name: str, raw: bytes) -> None:
    check(name, raw)
