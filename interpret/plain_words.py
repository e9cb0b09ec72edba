"""What each statistic says in words that take no knowledge of models, and never more than was tested."""

from __future__ import annotations

from typing import Final, TypeAlias

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from interpret.contracts import ClaimLevel

Words: TypeAlias = str | Promise

# By statistic. A word here is what a model reads at a time: a word, or a piece of one.
CLAIMS: Final[dict[str, Words]] = {
    "induction.prefix_match": _(
        "On made-up texts that repeat, part of the model looks at what followed when the same word stood there before."
    ),
    "induction.ablation_cost": _(
        "On made-up texts that repeat, the model predicts the repetition worse with part of it switched off."
    ),
    "patterns.previous_token": _("On made-up texts, part of the model looks at the word just before."),
    "patterns.previous_token_cost": _(
        "With the part switched off that looks most at the word just before, the model predicts made-up texts that"
        " repeat worse."
    ),
    "patterns.duplicate_token": _(
        "On made-up texts, part of the model looks at where the same word stood before."
    ),
    "patterns.bracket_match": _(
        "In made-up texts, part of the model looks from a closing bracket or quotation mark to the one that opened it."
    ),
    "patterns.bracket_match_cost": _(
        "With the part switched off that looks most at what a bracket or quotation mark closes, the model predicts"
        " closing ones in made-up texts worse."
    ),
    "patterns.sentence_subject": _(
        "In made-up English sentences, part of the model looks from the verb to its subject."
    ),
    "patterns.sentence_subject_cost": _(
        "With the part switched off that looks most from verbs to their subjects, the model predicts was and were worse"
        " in made-up English sentences where a noun of the other number stands between."
    ),
    "path.patching": _(
        "In made-up sentences about two people, the model leans to the other person's name when part of its inside is"
        " exchanged for that of a sentence in which that person comes next."
    ),
    "fact.restoring": _(
        "In made-up sentences where another subject stands in a general fact, the model leans back to the fact when"
        " part of its inside at the subject is exchanged for that of the true sentence."
    ),
    "proxies.decodable": _(
        "On made-up texts, part of the model differs by an attribute of the person or the case, more than the words do."
    ),
    "proxies.removal": _(
        "With what differs by an attribute of the person or the case taken out, the model's answers to made-up texts"
        " differ less by it."
    ),
    "proxies.reinjection": _(
        "With what differs by an attribute of the person or the case exchanged between two made-up texts, the model"
        " leans to the other text's answer."
    ),
    "drift.output": _(
        "On made-up texts, the model predicts the next word otherwise than an earlier model did."
    ),
    "drift.layers": _(
        "On made-up texts, the inner numbers of the model are others than those of an earlier model."
    ),
    "drift.features": _(
        "On made-up texts, part of what the model and an earlier one hold is more in one of them than in the other."
    ),
    "refusal.decodable": _(
        "On made-up requests, part of the model differs between what a policy forbids and what is near it and allowed,"
        " more than the words do."
    ),
    "refusal.ablation": _(
        "With what differs between forbidden and allowed requests taken out, the model leans less to refusing made-up"
        " forbidden ones."
    ),
    "refusal.addition": _(
        "With what differs between forbidden and allowed requests put in, the model leans more to refusing made-up"
        " allowed ones."
    ),
    "refusal.context": _(
        "On made-up requests that a policy forbids, part of the model is nearer to what it is on allowed ones when what"
        " is said after them presses for them than when as much is said that does not."
    ),
    "deception.signs": _(
        "On made-up statements, part of the model differs between misleading ones, which are false, and truthful ones:"
        " also on another subject than where this was fitted, and without the instruction to mislead."
    ),
    "hallucination.signs": _(
        "On made-up answers that quote a source, part of the model differs between quotes that stand in the source and"
        " quotes that do not, more than the model's surprise or the words do, also on another subject than where this"
        " was fitted."
    ),
}
ANOTHER: Final = _("Something inside the model was measured of which there are no plain words.")
ABSENT: Final = _("Looked for, and not there to an extent that matters: %(claim)s")
ANOTHER_ABSENT: Final = _(
    "Something inside the model was looked for of which there are no plain words, and is not there to an extent that"
    " matters."
)

TESTED: Final[dict[str, Words]] = {
    ClaimLevel.ASSOCIATIONAL: _(
        "Seen, more than in comparisons made for that. Nothing was changed to test it."
    ),
    ClaimLevel.INTERVENTIONAL: _(
        "Tested by changing the model, against changes of the same size made at random, once."
    ),
    ClaimLevel.REPLICATED: _(
        "Tested by changing the model, against changes of the same size made at random, and again on newly drawn texts."
    ),
}
ABSENT_UNCHANGED: Final = _("Held against comparisons made for that. Nothing was changed to test it.")

# Of what was put forward before `interpret.verdicts`.
BEFORE: Final = _("By a rule that has been replaced: %(claim)s")
ABSENT_BEFORE: Final = _("Looked for, and not found, by a rule that has been replaced: %(claim)s")
TESTED_BEFORE: Final = _("Its probe judged it itself. How often that was wrong is not known.")

DOES_NOT_SHOW: Final = _(
    "That an answer is right, fair or safe, or why it was given. It meets no requirement, passes no gate and replaces"
    " no review."
)
NOT_USE: Final = _("That the model uses what was seen, or that it is so on other texts.")
NOT_ALONE: Final = _(
    "That the part matters by what it looks at, that no other part does the same, or that anything on other texts runs"
    " through it."
)
NOT_ELSEWHERE: Final = _("That there is nothing of the kind elsewhere in the model, or on other texts.")
