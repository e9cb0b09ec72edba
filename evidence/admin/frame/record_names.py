"""What a record is called, in the language of the reader. What services and interfaces call it stays English: a model's
`__str__` also stands in refusals and in what is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Final

from django.db.models import Model
from django.utils.translation import pgettext_lazy
from django_stubs_ext import StrOrPromise

from evidence.admin.frame.labels import noun_of
from evidence.admin.frame.words import WORDS, in_words

_CODES: Final = frozenset({"verdict", "kind", "outcome", "state"})  # attributes whose values are codes

# By model: the name, and where each part of it stands. A model that is not here is called as its `__str__` says, and
# one without a `__str__` by its noun and key.
_NAMES: Final[Mapping[str, tuple[StrOrPromise, Mapping[str, str]]]] = {
    "evidence.samplingplan": (pgettext_lazy("record", "sampling plan %(pk)s"), {"pk": "pk"}),
    "evidence.frozenpopulation": (
        pgettext_lazy("record", "population of sampling plan %(plan)s"),
        {"plan": "plan_id"},
    ),
    "evidence.secondfactor": (pgettext_lazy("record", "second factor of account %(pk)s"), {"pk": "pk"}),
    "evidence.defeater": (pgettext_lazy("record", "doubt %(pk)s"), {"pk": "pk"}),
    "evidence.defeateranswer": (
        pgettext_lazy("record", "%(kind)s: doubt %(doubt)s"),
        {"kind": "kind", "doubt": "defeater_id"},
    ),
    "evidence.goldanswer": (pgettext_lazy("record", "gold answer %(pk)s"), {"pk": "pk"}),
    "evidence.golddraw": (pgettext_lazy("record", "gold draw %(pk)s"), {"pk": "pk"}),
    "evidence.gatedecision": (
        pgettext_lazy("record", "decision %(pk)s: %(verdict)s"),
        {"pk": "pk", "verdict": "verdict"},
    ),
    "evidence.legalhold": (
        pgettext_lazy("record", "hold %(pk)s: %(reason)s"),
        {"pk": "pk", "reason": "reason"},
    ),
    "evidence.labelset": (
        pgettext_lazy("record", "labels %(pk)s of %(run)s"),
        {"pk": "pk", "run": "run.run_key"},
    ),
    "evidence.deployment": (
        pgettext_lazy("record", "%(release)s in %(environment)s"),
        {"release": "release.name", "environment": "environment"},
    ),
    "evidence.signinbinding": (pgettext_lazy("record", "sign-in binding %(pk)s"), {"pk": "pk"}),
    "evidence.binderrequest": (
        pgettext_lazy("record", "binder %(uuid)s (%(state)s)"),
        {"uuid": "binder_uuid", "state": "state"},
    ),
    "evidence.admission": ("%(gate)s: %(verdict)s", {"gate": "gate_version", "verdict": "verdict"}),
    "requirements.linkreview": ("%(link)s: %(outcome)s", {"link": "link", "outcome": "outcome"}),
    "requirements.retirementrequest": (
        pgettext_lazy("record", "retirement of %(version)s"),
        {"version": "version"},
    ),
    "requirements.baselinesignoff": (
        pgettext_lazy("record", "%(baseline)s, signed off"),
        {"baseline": "baseline"},
    ),
    "requirements.tracelink": (
        pgettext_lazy("record", "%(upstream)s > %(downstream)s (%(kind)s)"),
        {"upstream": "upstream.key", "downstream": "downstream.key", "kind": "kind"},
    ),
    "interpret.probespec": (
        pgettext_lazy("record", "%(probe)s, seed %(seed)s"),
        {"probe": "probe", "seed": "seed"},
    ),
    "interpret.proberun": (pgettext_lazy("record", "probe run %(pk)s"), {"pk": "pk"}),
    "interpret.dictionary": (
        pgettext_lazy("record", "dictionary %(digest)s of layer %(layer)s"),
        {"digest": "artefact_version.digest", "layer": "layer"},
    ),
    "interpret.feature": (pgettext_lazy("record", "feature %(number)s"), {"number": "number"}),
}
_LONGEST: Final = {"reason": 60, "digest": 12}  # characters of a part, as `__str__` cuts it


def is_named_here(model: type[Model]) -> bool:
    """Whether rows of a model are called otherwise on pages than their `__str__` says."""
    return model._meta.label_lower in _NAMES or model.__str__ is Model.__str__


def name_of(record: object) -> str:
    """Return what a record is called; what is no record, and any other, as it says itself."""
    if not isinstance(record, Model):
        return str(record)
    known = _NAMES.get(record._meta.label_lower)
    if known is not None:
        text, parts = known
        return str(text) % {part: _part(record, part, path) for part, path in parts.items()}
    if type(record).__str__ is Model.__str__:
        return f"{noun_of(record._meta)} {record.pk}"
    return str(record)


def _part(record: Model, part: str, path: str) -> str:
    value = attrgetter(path)(record)
    if part in _CODES and value in WORDS:
        return str(in_words(value))
    text = name_of(value)
    return text[: _LONGEST[part]] if part in _LONGEST else text
