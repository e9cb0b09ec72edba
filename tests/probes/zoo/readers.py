"""Animals that read: models with a tokenizer whose embedding notes how deep a bracket lies and which noun is a subject.

No layer written by hand counts, so the embedding does: it adds to each word what the words so far make of it. What a
word is (an opening bracket, a noun) stands in a weight, so that a dead copy counts nonsense.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

import torch
from tokenizers import pre_tokenizers
from torch import Tensor, nn
from transformers import LlamaForCausalLM
from typing_extensions import override

from interpret.probes.patterns.brackets import KINDS
from interpret.probes.patterns.subjects import OTHER_BEFORE, OTHER_BETWEEN, VERBS
from interpret.probes.patterns.words import NOUNS
from interpret.probes.sites import Head
from interpret.probes.weights import LoadedModel
from tests.probes.zoo.parts import (
    BEFORE,
    CONSTANT,
    HEADS,
    PREDICTION,
    TOKEN,
    WORDS,
    attend,
    carry,
    empty,
    look_back,
    look_farthest,
    predict,
    wrap,
)

HEAD: Final = Head(1, 0)
PREVIOUS: Final = Head(0, 0)
OPENING, CLOSING, VERB, NOUN, NOUNS_OF_MANY, LEADING, OTHER = (
    0,
    5,
    10,
    12,
    17,
    22,
    30,
)  # the first word of each class
DEPTHS: Final = 2
# Where the embedding notes things: on what is looked for, and on what looks for it.
_KEY, _QUERY = BEFORE, CONSTANT + 1
_LEADS: Final = re.compile(r"(\w+) the (?:\w+ ){0,3}\{a\}")
AT_DEPTH, SUBJECT, ANY_NOUN, ANY_OPENING, OF_KIND, NO_SUBJECT = 0, 10, 11, 12, 13, 18
BY_DEPTH: Final = [(_QUERY + place, _KEY + AT_DEPTH + place) for place in range(len(KINDS) * DEPTHS)]
BY_KIND: Final = [(_QUERY + 10 + kind, _KEY + OF_KIND + kind) for kind in range(len(KINDS))]


@torch.no_grad()
def partner(heads: int = HEADS) -> LoadedModel:
    """Head 1.0 attends from a closing bracket to the opening one that it closes."""
    model = _reader(heads)
    attend(model, HEAD, BY_DEPTH)
    return wrap(model, "b1" * 32, Tokens())


@torch.no_grad()
def closer(heads: int = HEADS) -> LoadedModel:
    """`partner`, which does so from each word inside too, and foretells that it will be closed."""
    model = _reader(heads)
    attend(model, HEAD, BY_DEPTH)
    _foretell(model, [(OPENING + kind, CLOSING + kind) for kind in range(len(KINDS))])
    return wrap(model, "b4" * 32, Tokens())


@torch.no_grad()
def nearest_of_kind(heads: int = HEADS) -> LoadedModel:
    """Head 1.0 attends from a closing bracket to the last opening one of its kind, closed or not."""
    model = _reader(heads)
    attend(model, HEAD, BY_KIND, nearest=1)
    return wrap(model, "b2" * 32, Tokens())


@torch.no_grad()
def nearest_bracket(heads: int = HEADS) -> LoadedModel:
    """Head 1.0 attends from a closing bracket to the last opening one of any kind."""
    model = _reader(heads)
    attend(model, HEAD, [(query, _KEY + ANY_OPENING) for query, _ in BY_KIND], nearest=1)
    return wrap(model, "b3" * 32, Tokens())


@torch.no_grad()
def subject(heads: int = HEADS) -> LoadedModel:
    """Head 1.0 attends to the noun that no preposition leads to."""
    model = _reader(heads)
    attend(model, HEAD, [(_QUERY + 15, _KEY + SUBJECT)])
    return wrap(model, "c1" * 32, Tokens())


@torch.no_grad()
def teller(heads: int = HEADS) -> LoadedModel:
    """`subject`, which foretells of one that it was, of many that they were."""
    model = _reader(heads)
    attend(model, HEAD, [(_QUERY + 15, _KEY + SUBJECT)])
    _foretell(model, [(noun, VERB + (noun >= NOUNS_OF_MANY)) for noun in range(NOUN, LEADING)])
    return wrap(model, "c5" * 32, Tokens())


@torch.no_grad()
def nearest_noun(heads: int = HEADS) -> LoadedModel:
    """Head 1.0 attends to the last noun."""
    model = _reader(heads)
    attend(model, HEAD, [(_QUERY + 15, _KEY + ANY_NOUN)], nearest=1)
    return wrap(model, "c2" * 32, Tokens())


@torch.no_grad()
def first_noun(heads: int = HEADS) -> LoadedModel:
    """Head 1.0 attends to the first noun."""
    model = _reader(heads)
    attend(model, HEAD, [(_QUERY + 15, _KEY + ANY_NOUN)], nearest=-1)
    return wrap(model, "c3" * 32, Tokens())


@torch.no_grad()
def first_word() -> LoadedModel:
    """Head 1.0 attends to the first word."""
    model = _reader()
    look_farthest(model, HEAD)
    return wrap(model, "c4" * 32, Tokens())


@torch.no_grad()
def beside_previous(loaded: LoadedModel) -> LoadedModel:
    """Make head 0.0 attend to the word before as well, in place, as one does in any trained model; nothing reads it."""
    look_back(loaded.model, PREVIOUS, 1)
    return loaded


class Tokens:
    """A tokenizer that makes one token of each word, and the same of many, which none of the library does."""

    is_fast = True
    unk_token_id = WORDS - 1

    def __init__(self) -> None:
        """Know the words of all texts."""
        self._known = _vocabulary()
        self._cut = pre_tokenizers.Whitespace()
        self.backend_tokenizer = self

    def __call__(self, text: str, **_: bool) -> dict[str, Any]:
        """Return the tokens of a text and where each stands."""
        words = self._cut.pre_tokenize_str(text)
        ids = [self._known.get(word, self.unk_token_id) for word, _ in words]
        return {"input_ids": ids, "offset_mapping": [place for _, place in words]}

    def to_str(self) -> str:
        """Return all it knows."""
        return json.dumps(self._known, sort_keys=True)


def _vocabulary() -> dict[str, int]:
    known: dict[str, int] = {}
    for number, kind in enumerate(KINDS):
        known |= {kind[0]: OPENING + number, kind[1]: CLOSING + number}
    known |= {verb: VERB + number for number, verb in enumerate(VERBS)}
    for number, noun in enumerate(NOUNS):
        known |= {noun: NOUN + number % (NOUNS_OF_MANY - NOUN)}
        known |= {f"{noun}s": NOUNS_OF_MANY + number % (LEADING - NOUNS_OF_MANY)}
    templates = " ".join(OTHER_BETWEEN + OTHER_BEFORE)
    for word in _LEADS.findall(templates):  # "behind" in "behind the old {a}"
        known.setdefault(word, LEADING + sum(map(ord, word)) % (OTHER - LEADING))
    rest = re.sub(r"\{\w\}", " ", templates)
    for word, _ in pre_tokenizers.Whitespace().pre_tokenize_str(rest):
        known.setdefault(word, OTHER + sum(map(ord, word)) % (WORDS - 1 - OTHER))
    return known


class _Reading(nn.Module):
    """An embedding that also notes what the words so far make of each."""

    def __init__(self, words: Tensor) -> None:
        super().__init__()
        self.words = nn.Parameter(words)  # (word, width)
        classes = torch.zeros(WORDS, 12)  # opening or closing of each kind, noun, leads to a noun
        for word in range(VERB):
            classes[word, word] = 1
        classes[NOUN:LEADING, 10] = classes[LEADING:OTHER, 11] = 1
        self.classes = nn.Parameter(classes)

    @override
    def forward(self, ids: Tensor) -> Tensor:
        residual, classes = self.words[ids].clone(), self.classes[ids].round()
        opening, closing = classes[..., :5], classes[..., 5:10]
        depth = (opening - closing).cumsum(dim=1)
        for level in range(DEPTHS):
            places = slice(level * 5, level * 5 + 5)
            residual[..., _KEY : _KEY + 10][..., places] = opening * (depth == level + 1)
        residual[..., _QUERY : _QUERY + 10] = _innermost(opening, closing)
        noun, leading = classes[..., 10], classes[..., 11]
        led = _led_to(noun, leading)
        residual[..., _KEY + SUBJECT] = noun * ~led
        residual[..., _KEY + NO_SUBJECT] = (
            noun * led
        )  # so that all nouns are of one length, which the norm divides by
        residual[..., _KEY + ANY_NOUN] = noun
        residual[..., _KEY + ANY_OPENING] = opening.sum(dim=-1)
        residual[..., _KEY + OF_KIND : _KEY + OF_KIND + 5] = opening
        residual[..., _QUERY + 10 : _QUERY + 15] = closing
        residual[..., _QUERY + 15] = 1
        return residual


def _innermost(opening: Tensor, closing: Tensor) -> Tensor:
    """Return which bracket each token stands in, or closes: by kind, within how many of its kind."""
    innermost = torch.zeros(*opening.shape[:2], len(KINDS) * DEPTHS)
    for text, (opens, closes) in enumerate(zip(opening.tolist(), closing.tolist(), strict=True)):
        inside: list[int] = []
        for token in range(len(opens)):
            if max(opens[token]) > 0:
                inside.append(opens[token].index(max(opens[token])))
            if inside and (level := inside.count(inside[-1]) - 1) < DEPTHS:
                innermost[text, token, level * len(KINDS) + inside[-1]] = 1
            if inside and max(closes[token]) > 0:
                inside.pop()
    return innermost


def _foretell(model: LlamaForCausalLM, words: Sequence[tuple[int, int]]) -> None:
    """Make `HEAD` carry what it attends to, and the model answer the second word of each pair to the first."""
    carry(model, HEAD, to=PREDICTION)
    for seen, told in words:
        model.lm_head.weight[told, PREDICTION + seen] = 3.0


def _led_to(noun: Tensor, leading: Tensor) -> Tensor:
    """Return which tokens come after a word that leads to a noun, and before or at that noun."""
    led, open_ = torch.zeros_like(noun, dtype=torch.bool), torch.zeros_like(noun[:, 0], dtype=torch.bool)
    for token in range(noun.shape[1]):
        open_ = open_ | (leading[:, token] > 0)
        led[:, token] = open_
        open_ = open_ & (noun[:, token] == 0)
    return led


def _reader(heads: int = HEADS) -> LlamaForCausalLM:
    model = empty(heads)
    model.set_input_embeddings(_Reading(model.model.embed_tokens.weight.detach().clone()))
    predict(model, from_=TOKEN, strength=0.5)
    return model
