"""Load a causal language model by the digest of its bytes, and a dead copy of it.

Nothing here reaches a network: `HF_HUB_OFFLINE` is set before transformers is imported, and every path is
local. A GGUF is de-quantised once (slow) into a safetensors copy beside it; the copy has its own recorded
digest and is verified before each load, as the GGUF is.
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Threads that spin while they wait starve their neighbours.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
import transformers

from interpret import model_store
from interpret.contracts import CPU
from interpret.errors import DigestMismatch, ProbeError
from interpret.probes.tokenization import check_tokenizer, cut_as_file_says

Attention = Literal["sdpa", "eager"]
# Any: transformers' own annotations stop short of its calls
AutoModel: Any = transformers.AutoModelForCausalLM
AutoTokenizer: Any = transformers.AutoTokenizer
CONVERTED = "converted"
RECORD = "converted.json"
CONVERSION = 2  # of the copies that are made here; from 2 on, text is cut as the file says
GGUF_LEFTOVERS = ("hf_quantizer", "is_quantized", "quantization_method")  # what makes save_pretrained refuse


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The sizes that name a site in the model."""

    architecture: str  # e.g. "llama"
    layers: int
    heads: int  # query heads a layer
    key_value_heads: int  # heads a layer that keys and values have
    head_width: int
    width: int  # of the residual stream
    vocabulary: int


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model in memory, in eval mode, in float32, and what it is."""

    model: Any  # a transformers PreTrainedModel, whose classes type checkers cannot see
    tokenizer: Any | None  # a PreTrainedTokenizer; None for models that tests build
    digest: str  # of the file or folder it came from; a dead copy names its model and seed
    shape: ModelShape
    versions: dict[str, str]  # library -> version

    @property
    def device(self) -> torch.device:
        """Return where it computes."""
        device: torch.device = next(self.model.parameters()).device
        return device


def load_causal_lm(
    store: Path, digest: str, *, attention: Attention = "sdpa", device: str = CPU
) -> LoadedModel:
    """Load the model kept in `store` under `digest`, after verifying every byte that is read.

    Args:
        attention: "eager" where attention patterns are wanted, "sdpa" (faster) where they are not.
        device: where it is put, as `devices.check_device` takes it.

    Raises:
        ModelMissing: the store holds nothing under `digest`, or it is a name and no digest.
        DigestMismatch: the file, or the safetensors copy made of it, has been changed.
        TokenizerUnknown: a GGUF names a way to cut text that is not known here.
        TokenizerMismatch: the tokenizer knows words that the model does not.
    """
    _silence_progress_bars()
    path = model_store.verify(store, digest)
    folder = path if path.is_dir() else _converted(path)
    model = (
        AutoModel.from_pretrained(
            folder,
            dtype=torch.float32,
            attn_implementation=attention,
            local_files_only=True,
            use_safetensors=True,
        )
        .eval()
        .to(device)
    )
    tokenizer, shape = AutoTokenizer.from_pretrained(folder, local_files_only=True), shape_of(model.config)
    check_tokenizer(tokenizer, shape.vocabulary)
    return LoadedModel(model, tokenizer, digest, shape, library_versions())


def dead_model(loaded: LoadedModel, seed: int) -> LoadedModel:
    """Return a copy with the entries of each weight shuffled inside it: the same numbers, and nothing learnt.

    The order is drawn on the CPU and the copy is where the model is, so that it is the same one on every device.

    Source: "Dead Salmons of AI Interpretability" (2025, arXiv 2512.18792). A randomly initialised model differs in
    scale from a trained one, so that a null of it is beaten by anything.
    """
    draws = torch.Generator().manual_seed(seed)
    model = copy.deepcopy(loaded.model)
    with torch.no_grad():
        for weight in model.parameters():  # one that is tied comes once
            order = torch.randperm(weight.numel(), generator=draws)
            weight.copy_(weight.flatten().index_select(0, order.to(weight.device)).reshape(weight.shape))
    name = f"dead:{loaded.digest}:{seed}"
    return LoadedModel(model.eval(), loaded.tokenizer, name, loaded.shape, loaded.versions)


def shape_of(config: Any) -> ModelShape:
    """Read the sizes off a transformers config.

    Raises:
        ProbeError: the config does not state them, so a layer or head could not be named.
    """
    try:
        heads = int(config.num_attention_heads)
        return ModelShape(
            architecture=str(config.model_type),
            layers=int(config.num_hidden_layers),
            heads=heads,
            key_value_heads=int(getattr(config, "num_key_value_heads", None) or heads),
            head_width=int(getattr(config, "head_dim", None) or config.hidden_size // heads),
            width=int(config.hidden_size),
            vocabulary=int(config.vocab_size),
        )
    except AttributeError as exc:
        raise ProbeError(f"the model's config lacks {exc.name}: its shape is unknown") from exc


def library_versions() -> dict[str, str]:
    """Versions of the libraries that touch the numbers."""
    return {name: version(name) for name in ("torch", "transformers", "safetensors", "gguf", "numpy")}


def _silence_progress_bars() -> None:
    logging: Any = transformers.utils.logging
    logging.disable_progress_bar()


def _converted(gguf: Path) -> Path:
    """Return the verified safetensors folder of `gguf`, converting on first use, and anew what was made differently.

    Raises:
        DigestMismatch: the copy on disk is not the one that was recorded when it was made.
        TokenizerUnknown: as `cut_as_file_says`.
    """
    folder, record = gguf.parent / CONVERTED, gguf.parent / RECORD
    if not _is_current(record):
        _convert(gguf, folder, record)
    expected = json.loads(record.read_text())["converted_digest"]
    found = model_store.digest_of_folder(folder)
    if found != expected:
        raise DigestMismatch(
            f"{folder} has digest {found}, recorded is {expected}: remove it and {record.name}"
        )
    return folder


def _convert(gguf: Path, folder: Path, record: Path) -> None:
    """De-quantise to float32, which holds every GGUF value exactly; the record is written last."""
    with tempfile.TemporaryDirectory(dir=gguf.parent, prefix=".convert-") as scratch:
        stage = Path(scratch) / CONVERTED
        with contextlib.redirect_stderr(io.StringIO()):  # its own progress bar; errors are raised
            model = AutoModel.from_pretrained(
                gguf.parent, gguf_file=gguf.name, dtype=torch.float32, local_files_only=True
            )
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name, local_files_only=True)
        cut_as_file_says(tokenizer, gguf)
        for name in GGUF_LEFTOVERS:
            vars(model).pop(name, None)
        if hasattr(model.config, "quantization_config"):
            del model.config.quantization_config
        model.save_pretrained(stage)
        tokenizer.save_pretrained(stage)
        made = {
            "conversion": CONVERSION,
            "source_digest": gguf.parent.name,
            "converted_digest": model_store.digest_of_folder(stage),
            "dtype": "float32",
            "versions": library_versions(),
        }
        note = Path(scratch) / RECORD
        note.write_text(json.dumps(made, indent=2, sort_keys=True) + "\n")
        if _is_current(record):  # another process was first: its copy is the recorded one
            return
        # Made differently, or left by a conversion that died before its record.
        shutil.rmtree(folder, ignore_errors=True)
        stage.rename(folder)
        note.rename(record)


def _is_current(record: Path) -> bool:
    return record.exists() and json.loads(record.read_text()).get("conversion") == CONVERSION
