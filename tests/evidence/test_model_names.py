"""One model has one key, whatever a library calls it; two models never share one."""

from __future__ import annotations

import pytest

from evidence.semconv.mapping import map_trace
from evidence.semconv.model_names import ModelName, read_model_name
from tests.evidence.semconv_spans import make_span

SAME = {
    "gpt-4o": ("gpt-4o", "openai/gpt-4o", "openrouter/openai/gpt-4o"),
    "claude-3-5-sonnet": (
        "claude-3-5-sonnet-20241022",
        "claude-3-5-sonnet@20240620",
        "us.anthropic.claude-3-5-sonnet-20241022-v2:0",
        "bedrock/anthropic.claude-3-5-sonnet-20241022-v2:0",
    ),
    "gemini-1.5-pro": ("gemini-1.5-pro", "models/gemini-1.5-pro", "vertex_ai/gemini-1.5-pro"),
}
DIFFERENT = (
    "gpt-4o", "gpt-4o-mini", "gpt-4", "gpt-4-0613", "gpt-4-1106-preview", "chatgpt-4o-latest",
    "ft:gpt-4o-2024-08-06", "ft:gpt-4o-mini-2024-07-18:acme::1", "azure/gpt-4o", "acme/gpt-4o",
    "meta-llama/Llama-3.1-8B", "acme/Llama-3.1-8B", "llama3.1:8b", "llama3.1:70b", "gpt-4o-2024-13-40",
)  # fmt: skip


@pytest.mark.parametrize(("key", "name"), [(key, name) for key, names in SAME.items() for name in names])
def test_a_model_has_one_key(key: str, name: str) -> None:
    assert read_model_name(name).key == key


def test_models_that_differ_keep_their_keys() -> None:
    assert len({read_model_name(name).key for name in DIFFERENT}) == len(DIFFERENT)


def test_a_dated_name_is_the_snapshot() -> None:
    assert read_model_name("openai/gpt-4o-2024-08-06") == ModelName("gpt-4o", "gpt-4o-2024-08-06")
    assert read_model_name("gpt-4o") == ModelName("gpt-4o", "")


@pytest.mark.parametrize("name", ["2024-08-06", "20240806", "openai/", "/", "-2024-08-06"])
def test_what_is_left_of_a_name_is_never_nothing(name: str) -> None:
    assert read_model_name(name).key


@pytest.mark.parametrize(
    ("requested", "answered"),
    [
        ("gpt-4o", "gpt-4o-2024-08-06"),
        ("openai/gpt-4o", "gpt-4o-2024-08-06"),
        ("gpt-4o-2024-08-06", "gpt-4o-2024-08-06"),
        ("gpt-4o-2024-08-06", ""),
        ("", "gpt-4o-2024-08-06"),
    ],
)
def test_one_call_names_one_version_however_it_is_written(requested: str, answered: str) -> None:
    named = {"gen_ai.request.model": requested, "gen_ai.response.model": answered}
    span = make_span("00000000000000a1", parent="", attributes={"gen_ai.operation.name": "chat", **named})
    (model,) = [ref for ref in map_trace([span]).versions if ref.kind == "model"]
    assert (model.key, model.label) == ("gpt-4o", "gpt-4o-2024-08-06")


def test_a_router_keeps_the_name_it_was_asked_by() -> None:
    named = {"gen_ai.request.model": "best", "gen_ai.response.model": "gpt-4o-2024-08-06"}
    span = make_span("00000000000000a1", parent="", attributes={"gen_ai.operation.name": "chat", **named})
    (model,) = [ref for ref in map_trace([span]).versions if ref.kind == "model"]
    assert (model.key, model.label) == ("best", "gpt-4o-2024-08-06")
