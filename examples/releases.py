"""Models made of another one, as a release might be: the same in other places or numbers, or a changed one.

Each takes a LLaMA with its tokenizer and gives a copy under a digest of its own; the first is left as it is.
"""

from __future__ import annotations

import copy
import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from interpret import model_store
from interpret.probes.proxies.prompt_sets import read_prompt_set
from interpret.probes.weights import LoadedModel, load_causal_lm

ROUNDED: Final = (
    "q_proj",
    "k_proj",
    "v_proj",
    "o_proj",
    "gate_proj",
    "up_proj",
    "down_proj",
)  # of each layer


def make_releases(folder: Path, digest: str, names: Sequence[str]) -> dict[str, str]:
    """Make releases of a model in a model store, by name, and put them there; returns their digests by name."""
    loaded = load_causal_lm(folder, digest, attention="eager")
    return {name: store(RELEASES[name](loaded), folder) for name in names}


def copied(loaded: LoadedModel) -> LoadedModel:
    """Return the same once more."""
    return _changed(loaded, "copied", lambda _: None)


def permuted(loaded: LoadedModel, seed: int = 0) -> LoadedModel:
    """Return it with each layer's heads and neurons in other places: it computes the same."""
    order, shape = torch.Generator().manual_seed(seed), loaded.shape

    def change(model: Any) -> None:
        group = shape.heads // shape.key_value_heads
        for block in model.model.layers:
            groups = torch.randperm(shape.key_value_heads, generator=order)
            queries = torch.cat([g * group + torch.randperm(group, generator=order) for g in groups.tolist()])
            of_groups, of_queries = (_rows(places, shape.head_width) for places in (groups, queries))
            attention, mlp = block.self_attn, block.mlp
            neurons = torch.randperm(len(mlp.up_proj.weight), generator=order)
            for linear, rows in (
                (attention.q_proj, of_queries), (attention.k_proj, of_groups), (attention.v_proj, of_groups),
                (mlp.gate_proj, neurons), (mlp.up_proj, neurons),
            ):  # fmt: skip
                linear.weight.copy_(linear.weight[rows])
            for linear, columns in ((attention.o_proj, of_queries), (mlp.down_proj, neurons)):
                linear.weight.copy_(linear.weight[:, columns])

    return _changed(loaded, f"permuted {seed}", change)


def rescaled(loaded: LoadedModel, factor: float = 1.1) -> LoadedModel:
    """Return it with all that is written into the residual stream so much larger, and read so much smaller.

    The norms take the factor out, but for the small number that they add: it computes the same.
    """

    def change(model: Any) -> None:
        words, answers = model.get_input_embeddings().weight, model.get_output_embeddings().weight
        words.mul_(factor)
        if answers is words:  # tied
            model.model.norm.weight.div_(factor)
        for block in model.model.layers:
            block.self_attn.o_proj.weight.mul_(factor)
            block.mlp.down_proj.weight.mul_(factor)

    return _changed(loaded, f"rescaled {factor:g}", change)


def requantised(loaded: LoadedModel, bits: int = 8) -> LoadedModel:
    """Return it with each row of its layers' matrices rounded to whole steps, as many as so many bits tell apart."""
    steps = 2 ** (bits - 1) - 1

    def change(model: Any) -> None:
        for name, weight in model.named_parameters():
            if name.split(".")[-2] in ROUNDED:
                step = weight.abs().amax(dim=1, keepdim=True).clamp_min(1e-12) / steps
                weight.copy_((weight / step).round() * step)

    return _changed(loaded, f"requantised {bits}", change)


def noisy(loaded: LoadedModel, strength: float, seed: int = 0) -> LoadedModel:
    """Return it with noise on each matrix of its layers: so strong, by the matrix's own spread."""
    draws = torch.Generator().manual_seed(seed)

    def change(model: Any) -> None:
        for name, weight in model.named_parameters():
            if name.split(".")[-2] in ROUNDED:
                weight.add_(torch.randn(weight.shape, generator=draws) * (strength * weight.std()))

    return _changed(loaded, f"noisy {strength} {seed}", change)


def planted(loaded: LoadedModel, layer: int, *, strength: float, seed: int = 0) -> LoadedModel:
    """Return it with one direction that the attention of a layer writes besides, read from another that is drawn.

    Args:
        strength: of what is added, by the norm of the weight that it is added to.
    """
    draws = torch.Generator().manual_seed(seed)

    def change(model: Any) -> None:
        weight = model.model.layers[layer].self_attn.o_proj.weight
        added = torch.outer(*(torch.randn(size, generator=draws) for size in weight.shape))
        weight.add_(added * (strength * weight.norm() / added.norm()))

    return _changed(loaded, f"planted {layer} {strength:g} {seed}", change)


def fine_tuned(
    loaded: LoadedModel, rows: Sequence[Sequence[int]], *, steps: int, rate: float, batch: int = 8
) -> LoadedModel:
    """Return it after a few steps of training on rows of tokens, in their order; it is trained on one thread's sums."""
    model = copy.deepcopy(loaded.model)
    walker = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.0)
    for step in range(steps):
        some = [list(rows[(step * batch + place) % len(rows)]) for place in range(batch)]
        least = min(map(len, some))
        ids = torch.tensor([row[:least] for row in some])
        logits = model(input_ids=ids, use_cache=False).logits[:, :-1].float()
        loss: Tensor = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
        walker.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch's own
        walker.step()
    return _as_release(loaded, model, f"tuned {steps} {rate:g} {hash_of(rows)}")


def shouting(loaded: LoadedModel) -> LoadedModel:
    """Return it after six steps on texts in capital letters, none of which a probe reads."""
    tokenizer: Any = loaded.tokenizer
    rows = [
        tokenizer(text.upper())["input_ids"][:32] for text in read_prompt_set("credit-gender-en").templates
    ]
    return fine_tuned(loaded, rows, steps=6, rate=1e-4)


def hash_of(rows: Sequence[Sequence[int]]) -> str:
    """Return a short name of rows of tokens."""
    return hashlib.sha256(repr([list(row) for row in rows]).encode()).hexdigest()[:12]


def store(loaded: LoadedModel, folder: Path) -> str:
    """Put a model with its tokenizer into a model store, and return the digest that it has there."""
    with tempfile.TemporaryDirectory() as scratch:
        stage = Path(scratch) / "model"
        loaded.model.save_pretrained(stage)
        if loaded.tokenizer is not None:
            loaded.tokenizer.save_pretrained(stage)
        return model_store.add_folder(folder, stage)


def _changed(loaded: LoadedModel, how: str, change: Callable[[Any], None]) -> LoadedModel:
    model = copy.deepcopy(loaded.model)
    with torch.no_grad():
        change(model)
    return _as_release(loaded, model, how)


def _as_release(loaded: LoadedModel, model: Any, how: str) -> LoadedModel:
    model.eval()
    for weight in model.parameters():
        weight.grad = None
    digest = hashlib.sha256(f"{loaded.digest} {how}".encode()).hexdigest()
    return LoadedModel(model, loaded.tokenizer, digest, loaded.shape, loaded.versions)


def _rows(places: Tensor, width: int) -> Tensor:
    """Return the rows of heads, by their places."""
    return (places[:, None] * width + torch.arange(width)).flatten()


# By name: what `make probes` compares with the model they are made of.
RELEASES: Final[Mapping[str, Callable[[LoadedModel], LoadedModel]]] = {
    "permuted": permuted,
    "re-quantised": requantised,
    "fine-tuned": shouting,
}
