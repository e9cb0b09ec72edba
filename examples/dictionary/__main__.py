"""Train the dictionary that ships, measure it and its rivals, write card and page: `make dictionary`. On one core."""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import torch

from examples.dictionary import corpus
from interpret.dictionaries import card, features, files, page, storing
from interpret.dictionaries.training import Training
from interpret.errors import InterpretError
from interpret.model_store import fetch_smollm2
from interpret.probes.weights import dead_model, load_causal_lm

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "reference" / "dictionaries.md"
LIMITS: Final = (
    "few texts, mostly English, of few subjects: pages and sources of this repository, and documents of its examples."
    " Other texts were not measured; what is rare here has no feature"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0; 1 where it could not be made, or `--check` finds other figures."""
    options = _parse(arguments)
    torch.set_num_threads(1)
    began = time.perf_counter()

    def say(what: str) -> None:
        print(f"{time.perf_counter() - began:5.0f} s  {what}", flush=True)

    try:
        if options.check:
            with tempfile.TemporaryDirectory(prefix="dictionary-") as scratch:
                return _compare(options, Path(scratch), _make(options, Path(scratch), say), say)
        if options.describe:
            return _describe_kept(options, say)
        digest = _make(options, options.out, say)
        _describe(options, digest, say)
    except InterpretError as exc:
        print(f"{exc.code}: {exc}", file=sys.stderr)
        return 1
    _remove_older(options.out, digest)
    options.page.write_text(page.render(options.out), encoding="utf-8")
    say(f"{digest}, {options.page}")
    return 0


def _make(options: argparse.Namespace, store: Path, say: card.Say) -> str:
    texts = corpus.read()[: options.texts]
    learnt = [each.text for each in texts if not each.held_out]
    held_out = [each.text for each in texts if each.held_out]
    loaded = load_causal_lm(options.store, options.model or fetch_smollm2(options.store))
    layer = loaded.shape.layers // 2 if options.layer is None else options.layer
    say("reading texts with the model")
    alive = card.gather(loaded, layer, learnt, held_out)
    say("reading texts with the dead model")
    dead = card.gather(dead_model(loaded, options.seed), layer, learnt, held_out)
    training = Training(
        features=options.features, active=options.active, samples=options.samples, seed=options.seed
    )
    about: dict[str, Any] = {
        "digest": hashlib.sha256("\0".join(each.text for each in texts).encode()).hexdigest(),
        "kinds": dict(sorted(Counter(each.kind for each in texts).items())),
        "learnt": len(learnt),
        "held_out": len(held_out),
        "limits": LIMITS,
    }
    return card.make(alive, dead, training, store, about, say)


def _describe_kept(options: argparse.Namespace, say: card.Say) -> int:
    """Describe the features of each dictionary that is kept and of the model; the dictionaries stay as they are."""
    for digest in files.stored(options.out):
        _describe(options, digest, say)
    options.page.write_text(page.render(options.out), encoding="utf-8")
    return 0


def _describe(options: argparse.Namespace, digest: str, say: card.Say) -> None:
    """Write what the features of a dictionary do on the texts that were held out."""
    say("describing features")
    held_out = [each.text for each in corpus.read()[: options.texts] if each.held_out]
    loaded = load_causal_lm(options.store, options.model or fetch_smollm2(options.store))
    site = files.about_of(options.out / digest / files.FOLDER).site
    told = features.describe(loaded, storing.load(options.out, digest, site), held_out, options.seed)
    files.write_features(options.out, digest, told)
    say(f"{len(told['described'])} of {told['features']} features fire on {told['tokens']} tokens")


def _compare(options: argparse.Namespace, made_in: Path, digest: str, say: card.Say) -> int:
    """Compare what was just made with the one dictionary that is kept."""
    before = files.stored(options.out)
    if len(before) != 1:
        print(
            f"{options.out} holds {len(before)} dictionaries: there is not one to compare with",
            file=sys.stderr,
        )
        return 1
    say("the same bytes" if before == [digest] else f"other bytes: {digest}, kept is {before[0]}")
    found = card.differing(files.card_of(options.out, before[0]), files.card_of(made_in, digest))
    for line in found:
        print(f"differs: {line}", file=sys.stderr)
    say(f"{len(found)} figures differ by more than they may")
    return 1 if found else 0


def _remove_older(store: Path, digest: str) -> None:
    """Leave one dictionary of a place: the newest."""
    site = files.about_of(store / digest / files.FOLDER).site
    for other in files.stored(store):
        if other != digest and files.about_of(store / other / files.FOLDER).site == site:
            shutil.rmtree(store / other)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m examples.dictionary", description=__doc__)
    parser.add_argument("--check", action="store_true", help="make it anew and compare with what is kept")
    parser.add_argument("--describe", action="store_true", help="only describe the features of what is kept")
    parser.add_argument("--features", type=int, default=2048)
    parser.add_argument("--active", type=int, default=32, help="features that may fire on a token")
    parser.add_argument("--samples", type=int, default=Training().samples, help="tokens shown in training")
    parser.add_argument("--layer", type=int, help="from 0; the middle one without it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--texts", type=int, help="the first so many alone")
    parser.add_argument("--model", help="digest of a model in the store, instead of SmolLM2's")
    parser.add_argument("--store", type=Path, default=ROOT / "var" / "models", help="the model store")
    parser.add_argument("--out", type=Path, default=files.SHIPPED, help="where dictionaries are kept")
    parser.add_argument("--page", type=Path, default=PAGE)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
