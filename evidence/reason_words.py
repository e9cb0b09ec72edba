"""What each code of a reason means, and what would settle it, in words that a page says in its reader's language.

The English of these words is what decisions store, digests and all: a text that is released does not change. A page
puts the same parts together again in another language (`say_settling`), and of a stored text that these words do not
give, an older one, it says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from itertools import product
from typing import Final

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

_RUN_AGAIN: Final = _("run the suite on this release again and post what it gives")
_REGISTER: Final = _("have an approver register the version, or run the suite with one that is registered")
_ASK_AGAIN: Final = _("ask the gate about the runs that decide, or post the run that you mean and ask again")
PUT_RIGHT: Final = _("put right what the reason names")
REGISTER_PIN: Final = _(
    "register the version that the release pins"
)  # of one pin, where a gate says it by itself


@dataclass(frozen=True, slots=True)
class ReasonWords:
    """What a code means, and what to do about what more observations alone do not change; in English, as stored."""

    title: str
    settles: str


# Of an eval run that was looked at, by the code of its `RunNote`: what the stored sentence says beside names.
OF_RUN: Final[Mapping[str, str]] = {
    "decides": _("no run of the suite on this release was received later"),
    "earlier": _("another run was received later, and the newest run decides"),
    "retracted": _("it was retracted"),
    "empty": _("it holds no sample and none is missing, so it says nothing"),
}

# Of a criterion that is not met; docs/reference/gate-reasons.md shows what settles each.
OF_CRITERION: Final[Mapping[str, ReasonWords]] = {
    "no_run": ReasonWords(
        _("no run of the suite is on record"), _("run the suite on this release and post what it gives")
    ),
    "all_retracted": ReasonWords(_("each run was retracted"), _RUN_AGAIN),
    "file_refused": ReasonWords(
        _("the newest file was refused"), _("put the file right, as the answer to it says, and post it again")
    ),
    "run_invalidated": ReasonWords(
        _("the newest run is not to be used"),
        _("run the suite again: the runner's own people said that this run is not to be used"),
    ),
    "run_not_ended": ReasonWords(
        _("the newest run did not succeed"),
        _("run the suite again until it ends, or have this run retracted by two people"),
    ),
    "metric_absent": ReasonWords(
        _("the newest run has no such metric"),
        _("post a run of the suite that has the metric, or have this run retracted by two people"),
    ),
    "suite_unregistered": ReasonWords(_("the version of the suite is not registered"), _REGISTER),
    "evaluator_unregistered": ReasonWords(_("the version of the evaluator is not registered"), _REGISTER),
    "judge_unregistered": ReasonWords(_("the version of the judge is not registered"), _REGISTER),
    "dataset_unregistered": ReasonWords(_("the version of the dataset is not registered"), _REGISTER),
    "suite_differs": ReasonWords(
        _("another version of the suite was run"), _("run the suite in the version that the criterion names")
    ),
    "evaluator_differs": ReasonWords(
        _("another evaluator was used"), _("run the suite with the evaluator that the criterion names")
    ),
    "judge_differs": ReasonWords(
        _("another judge was used"), _("run the suite with the judge that the criterion names")
    ),
    "judge_absent": ReasonWords(
        _("the run does not say which judge gave the metric"),
        _("say in the file which judge gave the metric (`judge`), and post the run under a new run key"),
    ),
    "judge_uncorrectable": ReasonWords(
        _("labels cannot correct what the judge gave"),
        _(
            "have the criterion changed, or more samples scored: only a mean of values in [0, 1] is "
            "corrected by labels, of which no more is missing than is there"
        ),
    ),
    "judge_uncalibrated": ReasonWords(
        _("nobody has labelled what the judge scored"),
        _("have people label answers of the run, in the order in which they are drawn"),
    ),
    "too_few_labels": ReasonWords(
        _("people have labelled too little"),
        _("have people label more answers of the run, in the order in which they are drawn"),
    ),
    "agreement_too_low": ReasonWords(
        _("the judge agrees too little with people"),
        _("have the judge improved, and run the suite with it again"),
    ),
    "dataset_differs": ReasonWords(
        _("another dataset was used"), _("run the suite on the dataset that the criterion names")
    ),
    "no_model_pinned": ReasonWords(_("the release pins no model"), _("freeze a release that pins its model")),
    "model_differs": ReasonWords(
        _("the run is of another model than the release pins"),
        _("run the suite on the model that the release pins"),
    ),
    "run_expired": ReasonWords(_("the newest run is no longer valid"), _RUN_AGAIN),
    "beyond_plan": ReasonWords(
        _("more runs than were planned"),
        _("have a new version of the requirement approved whose `planned_runs` counts the runs so far too"),
    ),
    "posted_by_builder": ReasonWords(
        _("who built the release posted the run"),
        _("have somebody who did not build the release run the suite and post it"),
    ),
    "dataset_by_builder": ReasonWords(
        _("who built the release registered the dataset"),
        _("have somebody who did not build the release register a dataset, and run the suite on it"),
    ),
    "order_unclear": ReasonWords(_("it is not clear which run is the newest"), _RUN_AGAIN),
    "run_empty": ReasonWords(_("the run holds no sample"), _RUN_AGAIN),
    "all_rejected": ReasonWords(
        _("each sample was rejected"),
        _("put the samples right, as the answer to the file says, and post them under a new run key"),
    ),
    "nothing_scored": ReasonWords(
        _("no sample was scored"), _("see to it that the evaluator ends, and run the suite again")
    ),
    "samples_missing": ReasonWords(
        _("too many samples have no score"),
        _("see to it that each sample is scored, and run the suite again"),
    ),
    "dataset_smaller": ReasonWords(
        _("fewer items were run than before"),
        _("run the suite on the whole dataset, or have the run with more items retracted by two people"),
    ),
    "dataset_larger": ReasonWords(
        _("more samples than the dataset has"),
        _(
            "name attempts at one item ITEM#ATTEMPT, or say how many samples the dataset has "
            "(`dataset.samples`), and post the run under a new run key"
        ),
    ),
    "dataset_unsized": ReasonWords(
        _("the size of the dataset is not known"),
        _("say in the file how many samples the dataset has (`dataset.samples`), and post it again"),
    ),
    "dimension_absent": ReasonWords(
        _("no sample states the dimension"), _("run the suite with samples that state the dimension")
    ),
    "slice_absent": ReasonWords(
        _("a slice has no sample"), _("run the suite with samples of each value that the criterion expects")
    ),
    "slice_too_small": ReasonWords(
        _("a slice has too few samples"), _("run the suite with more samples of that slice")
    ),
    "too_many_slices": ReasonWords(
        _("the dimension has too many values"),
        _("have the criterion changed: a dimension with so many values is no slice"),
    ),
    "no_baseline": ReasonWords(
        _("there is no baseline to compare with"),
        _("have the criterion changed: it names no other release of the system"),
    ),
    "not_comparable": ReasonWords(
        _("the two runs cannot be compared"),
        _("run the suite on both releases with the same evaluator, dataset and judge"),
    ),
    "ratings_all_alike": ReasonWords(
        _("all judgements are the same"),
        _("have advice judged of which some is wrong: where all is alike, agreement shows nothing"),
    ),
    "mean_doubtful": ReasonWords(
        _("the bounds of the mean are in doubt"),
        _("see to it that each sample is scored, or ask for a percentile or a share instead of the mean"),
    ),
    "pin_unregistered": ReasonWords(
        _("what the release pins is not registered"), _("register the versions that the release pins")
    ),
    "unit_differs": ReasonWords(
        _("the unit is another than asked"),
        _("have the criterion changed: it asks in another unit than the metric has"),
    ),
    "direction_differs": ReasonWords(
        _("the direction is another than asked"),
        _("have the criterion changed: it asks for the other direction than the metric has"),
    ),
    "too_old": ReasonWords(
        _("what was observed is too old"), _("measure again: what was observed is too old")
    ),
    "recently_worse": ReasonWords(
        _("the recent observations speak against it"),
        _("find what changed: the recent observations alone show that it is not met"),
    ),
    "not_approved": ReasonWords(
        _("the requirement version is not approved"), _("have the requirement version approved")
    ),
    "unresolved": ReasonWords(
        _("what the gate names is not found"), _("have the gate changed, or what it names put on record")
    ),
    "bad_parameters": ReasonWords(
        _("the check does not take the parameters"),
        _("have a new version of the requirement approved whose parameters the check takes"),
    ),
    "no_check": ReasonWords(
        _("there is no such check"), _("install a version of the product that has the check")
    ),
    "not_met": ReasonWords(
        _("it is shown that the criterion is not met"),
        _("make a release that meets it, or have a second person waive it"),
    ),
    "too_few_observations": ReasonWords(
        _("fewer observations than are needed"), _("more observations: the reason says how many")
    ),
    "too_few_to_tell": ReasonWords(
        _("too few observations to tell"), _("more observations: about how many, the reason says")
    ),
    "no_interval": ReasonWords(_("the observations allow no interval"), _("more observations than one")),
    "beyond_numbers": ReasonWords(
        _("the values are too large to compute with"),
        _("state the metric in a larger unit, and post the run under a new run key"),
    ),
    "cannot_count": ReasonWords(_("it cannot count as a pass"), PUT_RIGHT),
}
# Of a run or a commit that a decision was bound to (`evidence.services.gates.binding`).
OF_BINDING: Final[Mapping[str, ReasonWords]] = {
    "run_unknown": ReasonWords(_("no run of that key is on record"), _ASK_AGAIN),
    "run_of_other_release": ReasonWords(_("the run is of another release, or of none"), _ASK_AGAIN),
    "run_not_asked_for": ReasonWords(_("no criterion of the gate asks for the suite of the run"), _ASK_AGAIN),
    "run_passed_over": ReasonWords(
        _("the run was passed over: a newer one decides, or it was retracted"), _ASK_AGAIN
    ),
    "commit_differs": ReasonWords(_("a run that decides is of another commit, or names none"), _ASK_AGAIN),
    "no_run_decides": ReasonWords(_("no eval run decides that could be of the commit"), _ASK_AGAIN),
}
_MET: Final = ReasonWords(_("it is shown that the criterion is met"), "")  # nothing is left to settle
WORDS: Final[Mapping[str, ReasonWords]] = {"met": _MET, **OF_CRITERION, **OF_BINDING}


class Shows(Enum):
    """What more of the same would show; the value is how it is said of `%(more)s`."""

    ENOUGH = "%(more)s"
    NOT_MET = _("%(more)s, which would show that it is not met")
    NOTHING = _("%(more)s do not settle it: see to it that each sample is scored")


@dataclass(frozen=True, slots=True)
class Settles:
    """What would settle a reason, in the parts that its text is put together from."""

    code: str
    more_units: int | None = None
    by_labels: bool = False  # whether people's labels decide, so that more of those help
    shows: Shows = Shows.ENOUGH
    beyond_plan: bool = False  # whether a further look has to be planned first


def in_english(settles: Settles) -> str:
    """Return the text as decisions store it."""
    return _put(settles, str)


def say_run(code: str) -> str:
    """Return why an eval run decides or was passed over, in the reader's language; empty where it is no such code."""
    return gettext(OF_RUN[code]) if code in OF_RUN else ""


def say_title(code: str) -> str:
    """Return what a code means, in the reader's language; empty where it is none of these."""
    words = WORDS.get(code)
    return gettext(words.title) if words else ""


def say_settling(code: str, more_units: int | None, stored: str) -> str:
    """Return what would settle a reason, in the reader's language.

    Args:
        stored: the text that the decision holds.

    Returns:
        Empty where this version would not say the stored text of such a code and number.
    """
    if code == "pin_unregistered" and stored == REGISTER_PIN:
        return gettext(REGISTER_PIN)
    found = next((each for each in _ways(code, more_units) if in_english(each) == stored), None)
    return _put(found, gettext) if found else ""


def _ways(code: str, more_units: int | None) -> Iterator[Settles]:
    if code not in WORDS or code == "met":
        return
    for by_labels, shows, beyond in product((False, True), Shows, (False, True)):
        yield replace(Settles(code, more_units), by_labels=by_labels, shows=shows, beyond_plan=beyond)


def _put(settles: Settles, say: Callable[[str], str]) -> str:
    """Put the parts together in the language that `say` speaks."""
    said = say(settles.shows.value) % {"more": _say_more(settles, say)}
    if not settles.beyond_plan:
        return said
    further = (
        _("%(settles)s; for more labels or a run more than planned, first %(plan)s")
        if settles.by_labels
        else _("%(settles)s; for a run more than planned, first %(plan)s")
    )
    return say(further) % {"settles": said, "plan": say(OF_CRITERION["beyond_plan"].settles)}


def _say_more(settles: Settles, say: Callable[[str], str]) -> str:
    """Say how many more observations help, or what to do where the number of them is not it."""
    more = settles.more_units
    if settles.code == "too_few_observations" and more is not None:
        return say(_("at least %(n)s more observations")) % {"n": more}
    if settles.code != "too_few_to_tell":
        words = WORDS.get(settles.code)
        return say(words.settles if words and words.settles else PUT_RIGHT)
    if more:
        like = (
            _("about %(n)s more labelled units like these")
            if settles.by_labels
            else _("about %(n)s more units like these")
        )
        return say(like) % {"n": f"{more:,}"}
    return say(_("more labels") if settles.by_labels else _("more observations"))
