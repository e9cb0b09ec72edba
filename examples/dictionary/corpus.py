"""The texts the dictionary is trained on and measured by: `python -m examples.dictionary.corpus` draws them anew.

None can be fetched, so they are of three kinds: what the model itself writes about topics of ours, pages and sources of
this repository, and the documents of the examples. They are kept in one file, so that the command that trains gives the
same figures after the pages have changed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import torch

from examples.dictionary.topics import FORMS, TOPICS
from interpret.model_store import SMOLLM2
from interpret.probes.weights import LoadedModel, load_causal_lm

ROOT: Final = Path(__file__).parents[2]
FILE: Final = Path(__file__).parent / "corpus.jsonl.xz"
PAGE: Final = 1500  # characters taken of a page
SOURCE: Final = 1000  # and of a source file
WRITTEN: Final = 128  # tokens the model writes of a topic
TOGETHER: Final = 35  # topics it writes of at once


@dataclass(frozen=True, slots=True)
class Text:
    """One text: what is independent, when figures get their intervals.

    Attributes:
        kind: "written by the model", "page", "source" or "example".
        held_out: whether it is measured on and not trained on; told by the digest of the text.
    """

    name: str
    kind: str
    text: str

    @property
    def held_out(self) -> bool:
        """Return it for one text in five."""
        return hashlib.sha256(self.text.encode()).digest()[0] < 256 // 5


def read(file: Path = FILE) -> list[Text]:
    """Return the texts that are kept."""
    with lzma.open(file, "rt", encoding="utf-8") as lines:
        return [Text(**json.loads(line)) for line in lines]


def draw(loaded: LoadedModel, seed: int) -> list[Text]:
    """Return texts as they are now; what the model writes differs a little between machines."""
    return [*_of_repository(), *_written(loaded, seed)]


def _of_repository() -> Iterator[Text]:
    pages = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])
    sources = sorted((ROOT / "evidence").rglob("*.py"))[::12]
    examples = sorted(
        path
        for copilot in ("aml_copilot", "credit_assistant", "customer_service")
        for suffix in ("md", "yaml")
        for path in (ROOT / "examples" / copilot).rglob(f"*.{suffix}")
    )
    for kind, paths, most in (
        ("page", pages, PAGE),
        ("source", sources, SOURCE),
        ("example", examples, PAGE),
    ):
        for path in paths:
            text = path.read_text(encoding="utf-8")[:most]
            if text.strip():
                yield Text(path.relative_to(ROOT).as_posix(), kind, text)


def _written(loaded: LoadedModel, seed: int) -> Iterator[Text]:
    asked = [(topic, FORMS[number % len(FORMS)]) for number, topic in enumerate(TOPICS)]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for start in range(0, len(asked), TOGETHER):
            some = asked[start : start + TOGETHER]
            print(f"{start}/{len(asked)}", flush=True)
            for (topic, form), text in zip(some, _write(loaded, some), strict=True):
                yield Text(f"{form.format(topic)}", "written by the model", text)


@torch.inference_mode()
def _write(loaded: LoadedModel, asked: list[tuple[str, str]]) -> list[str]:
    """Return what the model writes, sampled from its own distribution."""
    tokenizer: Any = loaded.tokenizer
    chats = [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": form.format(topic)}], tokenize=False, add_generation_prompt=True
        )
        for topic, form in asked
    ]
    tokenizer.padding_side = "left"
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    given = tokenizer(chats, return_tensors="pt", padding=True, add_special_tokens=False)
    out = loaded.model.generate(
        **given, max_new_tokens=WRITTEN, do_sample=True, temperature=0.9, top_k=50, top_p=1.0
    )
    texts: list[str] = tokenizer.batch_decode(out[:, given["input_ids"].shape[1] :], skip_special_tokens=True)
    return texts


def main() -> None:
    """Draw the texts and keep them."""
    parser = argparse.ArgumentParser(prog="python -m examples.dictionary.corpus", description=__doc__)
    parser.add_argument("--store", type=Path, default=ROOT / "var" / "models")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    texts = draw(load_causal_lm(options.store, SMOLLM2.digest), options.seed)
    with lzma.open(FILE, "wt", encoding="utf-8", preset=9) as lines:
        lines.writelines(json.dumps(asdict(each), ensure_ascii=False) + "\n" for each in texts)


if __name__ == "__main__":
    main()
