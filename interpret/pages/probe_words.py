"""What each probe asks, in words that take no knowledge of models, and its parameters in the reader's language.

A question says no more than `interpret.plain_words` says of what may be found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from interpret.registry import describe

QUESTIONS: Final[dict[str, StrOrPromise]] = {
    "induction.heads": _(
        "On made-up texts that repeat: does part of the model look at what followed the last time, and does it predict"
        " the repetition worse with that part switched off?"
    ),
    "attention.patterns": _(
        "On made-up texts: does part of the model look at the word before, at the same word, at the bracket that is"
        " closed or at the subject of a verb, and what is missed with that part switched off?"
    ),
    "attribute.proxies": _(
        "On made-up texts: does part of the model differ by an attribute of the person or the case, more than the words"
        " do, and do answers differ less with that taken out?"
    ),
    "model.drift": _(
        "On made-up texts: does the model predict the next word otherwise than an earlier model did, and are its inner"
        " numbers others, by as much as matters?"
    ),
    "refusal.direction": _(
        "On made-up requests: does part of the model differ between what a policy forbids and what is near it and"
        " allowed, does it lean less to refusing with that taken out, and what does pressing do to it?"
    ),
    "deception.signs": _(
        "On made-up statements: does part of the model differ between misleading and truthful ones, also on another"
        " subject and without the instruction to mislead?"
    ),
    "hallucination.signs": _(
        "On made-up answers that quote a source: does part of the model differ between quotes that stand in the source"
        " and quotes that do not, more than the model's surprise or the words do?"
    ),
    "answer.path": _(
        "In made-up sentences about two people: does the model lean to the other person's name when part of its inside"
        " is exchanged for that of a sentence in which that person comes next?"
    ),
    "fact.tracing": _(
        "Of general facts that the model knows, with another subject in the sentence: does it lean back to the fact"
        " when part of its inside at the subject is exchanged for that of the true sentence?"
    ),
    "entropy.next_token": _(
        "How sure is the model of the next word after the prompts that were asked? A number; nothing is claimed of it."
    ),
}

# Of parameters, as the registry has them.
_WORDS: Final = frozenset(
    {
        gettext_noop("token sequences, half to find heads, half to report on"),
        gettext_noop("tokens a sequence"),
        gettext_noop("how many of the best heads are reported and ablated"),
        gettext_noop("random sets of as many heads, ablated as control"),
        gettext_noop("share of attention beyond each null that matters"),
        gettext_noop("nats a token beyond each null that matter"),
        gettext_noop("permutations behind each p-value"),
        gettext_noop("texts a pattern, half to find heads, half of other templates to report on"),
        gettext_noop("tokens a text of random tokens; others are as long as they are"),
        gettext_noop("how many of a pattern's best heads are reported and ablated"),
        gettext_noop("pairs of texts, half to fit on, half of other templates to report on"),
        gettext_noop("after which layer the model is read, as a share of its depth"),
        gettext_noop("random directions along which as much is changed"),
        gettext_noop("probability beyond each null that matters"),
        gettext_noop("log-odds beyond each null that matter"),
        gettext_noop("exchanges of the sides behind the p-value of reading"),
        gettext_noop("whose copilot's texts, which attribute, in which language"),
        gettext_noop("texts, half for each of the two seeds to report on"),
        gettext_noop("tokens of a text that are read, from its beginning"),
        gettext_noop("nats beyond each null that matter"),
        gettext_noop("of how far inner states lie apart, beyond each null, that matters"),
        gettext_noop("of what features write, beyond each null, that matters"),
        gettext_noop("features of a crosscoder"),
        gettext_noop("of them, those that may be active on a token"),
        gettext_noop("tokens that its training is shown, the same ones again"),
        gettext_noop("in which language the texts are"),
        gettext_noop("layers: without features; outputs: those alone, whatever the shapes"),
        gettext_noop("the earlier model, which the one that is probed is held against"),
        gettext_noop("pairs of requests, half to fit on, half of other templates to report on"),
        gettext_noop("exchanges of the sides behind the p-values of reading"),
        gettext_noop("whose copilot's requests, in which language"),
        gettext_noop("statements, half of one domain to fit on, half of another to report on"),
        gettext_noop("exchanges of the sides behind the p-value"),
        gettext_noop("statements in which language"),
        gettext_noop("facts, half of one domain to fit on, half of another to report on"),
        gettext_noop("sign flips of what each fact gains, behind the p-value"),
        gettext_noop(
            "sources and answers in which language, and whether the source says the other thing too"
        ),
        gettext_noop("pairs of sentences, half to find heads, half of other templates to report on"),
        gettext_noop("how many of the best heads are proposed and patched"),
        gettext_noop("random sets of as many heads, patched as control"),
        gettext_noop("heads patched one by one beside their attribution, the proposed among them"),
        gettext_noop("of the sentences"),
        gettext_noop("known facts at most, a quarter to find layers, the rest to report on"),
        gettext_noop("layers one after the other through which the state is restored"),
        gettext_noop("random places and layers as control"),
        gettext_noop("of the statements"),
        gettext_noop("1: each prompt is put into the model's chat template, as a user's turn"),
        gettext_noop("tokens of a prompt that are kept, from its end"),
        gettext_noop("shuffles of the labels that the language gap stands beside"),
    }
)


@dataclass(frozen=True, slots=True)
class Worded:
    """Words, and the language they are in where it is not the reader's."""

    text: StrOrPromise
    language: str = ""


def question_of(probe: str) -> Worded:
    """Return what a probe asks; of somebody else's, its title, which is in English.

    Raises:
        UnknownProbe: there is no such probe.
    """
    return Worded(QUESTIONS[probe]) if probe in QUESTIONS else Worded(describe(probe).title, "en")


def word_of(words: str) -> Worded:
    """Return what a parameter is, in the reader's language; of somebody else's probe, in English."""
    return Worded(gettext(words)) if words in _WORDS else Worded(words, "en")
