"""What findings say that they do not show, in the language of the reader.

A finding stores the sentence that its probe wrote, in English. The probes have few of them: a page says each by its
translation, and of one that is not here, of an earlier or a later probe, the English that is stored.
"""

from __future__ import annotations

from typing import Final

from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from evidence.admin.frame import display

LIMITS: Final = frozenset({
    _(
        "That the model deceives, or that it is honest: it is no proof of either. The statements were put into "
        "its mouth, what misleads in them is false, so that it may be falsehood and no intent that is read, and "
        "nothing was changed: no answer need depend on it. Nor that it is so of other statements, domains or "
        "instructions, or that a hidden aim would show likewise."
    ),
    _(
        "What changed inside, whether answers are better or worse, or what either model does on other texts, such "
        "as ones with a trigger that these do not hold."
    ),
    _(
        "That anything it predicts changed: what is written in other coordinates may mean the same. Nor which "
        "part changed, whether what gives the same states inside a layer is the same, or what is so on other "
        "texts."
    ),
    _(
        "What any feature means, which of the models is the better for it, that the features are wholly one "
        "model's, or that there are no others: a larger crosscoder finds others, and so do other texts."
    ),
    _(
        "That less or more of it is better, or that what it says is right: a dead model is surer."
    ),
    _(
        "That the language causes it: the prompts differ in more than language, and tokens of the two scripts "
        "carry different amounts of text."
    ),
    _(
        "That the fact is stored there, that it could be edited there (where a fact is found says nothing of "
        "where it can be changed), or how facts are told that the model does not know."
    ),
    _(
        "That an answer is right or wrong, or that the model knows what it makes up: a claim that is not backed "
        "may be true, and what is read may be no more than that these words have not stood beside each other "
        "before, which a comparison of the texts tells as well or better. The claims were put into its mouth, and "
        "nothing was changed: no answer need depend on it. Nor that it is so of other claims, domains or lengths, "
        "or of answers it writes itself."
    ),
    _(
        "That an answer is right or wrong, or that the model knows what it makes up: a claim that is not backed "
        "may be true, and what is read may be no more than that these words have not stood there before, which a "
        "comparison of the texts tells as well or better. The claims were put into its mouth, and nothing was "
        "changed: no answer need depend on it. Nor that it is so of other claims, domains or lengths, or of "
        "answers it writes itself."
    ),
    _(
        "That the model's answers depend on this head, or that it behaves so on natural text: attention is not "
        "use."
    ),
    _(
        "That these heads copy, that no other head does the same, that anything on natural text runs through "
        "them, or that the sources of an answer were copied."
    ),
    _(
        "That the answer runs through these heads alone or that others do nothing, how they tell the two people "
        "apart (by who was named last would do), or that the same heads matter in other texts."
    ),
    _(
        "That an attribution is what a head does: it proposes, and only patching shows. What heads are given does "
        "not add up to the answer; only what lies at one place of the residual stream does."
    ),
    _(
        "That the model's answers depend on this head, that it does nothing else, or that it behaves so on other "
        "texts: attention is not use."
    ),
    _(
        "That it is by this pattern that the heads matter, that no other head does the same, or that anything on "
        "other texts runs through them."
    ),
    _(
        "That any answer depends on it: what can be read need not be used. Nor that it is the attribute and not "
        "something else that sets these words apart, that it is so in other texts, or what becomes of any person."
    ),
    _(
        "That no difference is left, that nothing else in the model carries it, or that the difference is large; "
        "nor that it is the attribute and not something else that sets these words apart, that it is so in other "
        "texts, or what becomes of any person."
    ),
    _(
        "That the answer itself changes, or that this direction is the only way to it; nor that it is the "
        "attribute and not something else that sets these words apart, that it is so in other texts, or what "
        "becomes of any person."
    ),
    _(
        "That any answer depends on it: what can be read need not be used."
    ),
    _(
        "That nothing else in the model makes it refuse, or that the answer itself changes."
    ),
    _(
        "That the answer itself changes, or that this is how the model comes to refuse."
    ),
    _(
        "That a context makes the model comply: what is read need not be used, and nothing was changed."
    ),
})  # fmt: skip
# What the probes of refusal say after a sentence of their own.
NO_PROOF: Final = _(
    "It is no proof that the model is safe or unsafe: nor that it refuses what it should, that this is the "
    "only direction of its kind, or that it is so with other requests."
)


def said_of_limits(stored: str) -> str:
    """Return a stored sentence in the reader's language; empty: there are no words for it."""
    own = stored.removesuffix(NO_PROOF).rstrip()
    if own not in LIMITS:
        return ""
    if own == stored:
        return gettext(own)
    return gettext("%(one)s %(another)s") % {"one": gettext(own), "another": gettext(NO_PROOF)}


def show_limits(stored: str) -> SafeString | str:
    """Return what a page shows of them: what they say to the reader, and beside it what is stored."""
    return display.beside(said_of_limits(stored), stored)
