from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from interpret import model_store
from interpret.errors import DigestMismatch, ModelMissing, TokenizerMismatch
from interpret.probes import weights
from tests.probes.store import LAYERS, WORDS, write_folder, write_gguf


def test_a_folder_comes_in_by_its_digest_and_loads_by_it(tmp_path: Path) -> None:
    digest = model_store.add_folder(tmp_path / "store", write_folder(tmp_path / "snapshot"))
    loaded = weights.load_causal_lm(tmp_path / "store", digest, attention="eager")
    assert loaded.digest == digest
    assert (loaded.shape.layers, loaded.shape.vocabulary) == (LAYERS, len(WORDS))
    assert loaded.tokenizer is not None
    assert loaded.tokenizer.encode("ab", add_special_tokens=False) == [WORDS.index("a"), WORDS.index("b")]
    assert not loaded.model.training


def test_another_models_tokenizer_is_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "snapshot")
    file = folder / "tokenizer.json"
    tokenizer = json.loads(file.read_text())
    tokenizer["model"]["vocab"]["of another model"] = len(WORDS)
    file.write_text(json.dumps(tokenizer))
    digest = model_store.add_folder(tmp_path / "store", folder)
    said = f"the tokenizer knows a token {len(WORDS)}, the model has {len(WORDS)} from 0"
    with pytest.raises(TokenizerMismatch, match=said):
        weights.load_causal_lm(tmp_path / "store", digest)


def test_a_gguf_is_converted_once_and_loads_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = model_store.add_gguf(tmp_path / "store", write_gguf(tmp_path / "tiny.gguf"))
    ids = torch.arange(8)[None]
    first = weights.load_causal_lm(tmp_path / "store", digest).model(ids).logits
    record = json.loads((tmp_path / "store" / digest / "converted.json").read_text())
    assert record["source_digest"] == digest
    monkeypatch.setattr(weights, "_convert", lambda *_: pytest.fail("converted again"))
    second = weights.load_causal_lm(tmp_path / "store", digest).model(ids).logits
    assert torch.equal(first, second)


def test_a_changed_conversion_is_refused(tmp_path: Path) -> None:
    digest = model_store.add_gguf(tmp_path, write_gguf(tmp_path / "tiny.gguf"))
    weights.load_causal_lm(tmp_path, digest)
    changed = tmp_path / digest / "converted" / "model.safetensors"
    data = bytearray(changed.read_bytes())
    data[-1] ^= 1
    changed.write_bytes(bytes(data))
    with pytest.raises(DigestMismatch, match="recorded"):
        weights.load_causal_lm(tmp_path, digest)


def test_a_changed_model_is_refused(tmp_path: Path) -> None:
    digest = model_store.add_gguf(tmp_path, write_gguf(tmp_path / "tiny.gguf"))
    path = tmp_path / digest / "model.gguf"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(DigestMismatch, match="fetch it again"):
        weights.load_causal_lm(tmp_path, digest)


@pytest.mark.parametrize("name", ["smollm2", "HuggingFaceTB/SmolLM2-135M", "../../etc", "0" * 64])
def test_a_model_is_never_loaded_by_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelMissing):
        weights.load_causal_lm(tmp_path, name)


def test_a_dead_model_has_the_numbers_of_each_weight_and_none_of_what_was_learnt(tmp_path: Path) -> None:
    digest = model_store.add_folder(tmp_path / "store", write_folder(tmp_path / "snapshot"))
    loaded = weights.load_causal_lm(tmp_path / "store", digest)
    state = torch.random.get_rng_state()
    first, again, other = (weights.dead_model(loaded, seed) for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert len({loaded.digest, first.digest, other.digest}) == 3
    assert first.shape == loaded.shape
    ids = torch.arange(8)[None]
    logits = [each.model(ids).logits for each in (first, again, other, loaded)]
    assert torch.equal(logits[0], logits[1])
    assert not torch.allclose(logits[0], logits[2])
    assert not torch.allclose(logits[0], logits[3])
    for living, shuffled in zip(loaded.model.parameters(), first.model.parameters(), strict=True):
        assert torch.equal(living.flatten().sort().values, shuffled.flatten().sort().values)
