"""How text becomes tokens: a model sees other words than it was trained on where this is a little wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from interpret import model_store
from interpret.errors import TokenizerUnknown
from interpret.probes import weights
from interpret.probes.tokenization import CUTS
from tests.probes.store import write_gguf

# Made with a byte-pair encoder of our own over the file's vocabulary and merges, cut by llama.cpp's two expressions.
GOLDEN = json.loads((Path(__file__).parent / "data" / "smollm2_tokens.json").read_text(encoding="utf-8"))


def tokens(store: Path, text: str, pre: str) -> list[str]:
    digest = model_store.add_gguf(store, write_gguf(store / f"{pre}.gguf", pre=pre))
    tokenizer: Any = weights.load_causal_lm(store, digest).tokenizer
    return list(tokenizer.convert_ids_to_tokens(tokenizer.encode(text, add_special_tokens=False)))


@pytest.mark.parametrize(
    ("pre", "found"),
    [
        ("gpt-2", ["a", "Ċ", "Ċ", "24", "Ġ", "Ġ", "24"]),
        ("smollm", ["a", "ĊĊ", "2", "4", "ĠĠ", "2", "4"]),
        ("qwen2", ["a", "ĊĊ", "2", "4", "Ġ", "Ġ", "2", "4"]),
    ],
)
def test_text_is_cut_as_the_file_says(tmp_path: Path, pre: str, found: list[str]) -> None:
    assert tokens(tmp_path, "a\n\n24  24", pre) == found


@pytest.mark.parametrize("pre", ["", "default", "llama-bpe"])
def test_a_way_to_cut_that_nobody_knows_is_refused_by_its_name(tmp_path: Path, pre: str) -> None:
    with pytest.raises(TokenizerUnknown, match=f"says '{pre}'" if pre else "does not say") as refused:
        tokens(tmp_path, "a", pre)
    assert ", ".join(sorted(CUTS)) in str(refused.value)
    assert not list(tmp_path.glob("*/converted*"))


def test_a_copy_of_before_is_made_anew(tmp_path: Path) -> None:
    """It holds a tokenizer that cuts text in another way than the file says."""
    digest = model_store.add_gguf(tmp_path, write_gguf(tmp_path / "tiny.gguf", pre="smollm"))
    weights.load_causal_lm(tmp_path, digest)
    record = tmp_path / digest / "converted.json"
    written = json.loads(record.read_text())
    left = tmp_path / digest / "converted" / "left.txt"
    left.write_text("of before")
    old = {name: value for name, value in written.items() if name != "conversion"}
    record.write_text(json.dumps({**old, "converted_digest": model_store.digest_of_folder(left.parent)}))
    weights.load_causal_lm(tmp_path, digest)
    assert json.loads(record.read_text()) == written
    assert not left.exists()


@pytest.mark.soak
def test_the_real_model_reads_the_words_it_was_trained_on(tmp_path: Path) -> None:
    tokenizer: Any = weights.load_causal_lm(tmp_path, model_store.fetch_smollm2(tmp_path)).tokenizer
    assert {text: tokenizer.encode(text, add_special_tokens=False) for text in GOLDEN} == GOLDEN
