"""Each word of the glossary stands there once, where it says it lives it does, and no noun is missing."""

from __future__ import annotations

import re
from importlib import import_module

from django.apps import apps
from django.db.models import TextChoices

from config.noun_uses import OUR_APPS, our_models
from tests.docs.references import DOCS, is_there

GLOSSARY = DOCS / "reference" / "glossary.md"
LABEL = re.compile(rf"(?:{'|'.join(OUR_APPS)})(?:\.\w+)+")


def rows() -> list[tuple[str, list[str]]]:
    """Each term with what its third column names."""
    text = GLOSSARY.read_text(encoding="utf-8").partition("## Two meanings")[0]
    cells = re.findall(r"^\| ([^|]+) \| [^|]+ \| ([^|]+) \|$", text, re.MULTILINE)
    return [(term, re.findall(r"`([^`]+)`", code)) for term, code in cells if term != "term"]


def named() -> set[str]:
    return {name for _, names in rows() for name in names if LABEL.fullmatch(name)}


def exists(label: str) -> bool:
    """Whether a model or an enumeration of this label is there: `evidence.Trace`, `evidence.Trace.Status`."""
    app, *path = label.split(".")
    found: object = import_module(f"{app}.models")
    for name in path:
        found = getattr(found, name, None)
    return isinstance(found, type)


def enumerations() -> set[str]:
    """The label of every enumeration that a field of ours chooses from."""
    found = set()
    for app in OUR_APPS:
        owners = {"": import_module(f"{app}.models")} | {
            model.__name__: model for model in apps.get_app_config(app).get_models()
        }
        for owner, holder in owners.items():
            members = vars(holder).values()
            for each in members:
                if (
                    isinstance(each, type)
                    and issubclass(each, TextChoices)
                    and each.__module__.startswith(f"{app}.")
                ):
                    found.add(".".join(filter(None, (app, owner, each.__name__))))
    return found


def test_each_word_stands_there_once() -> None:
    terms = [term.lower() for term, _ in rows()]
    assert len(terms) > 90
    assert sorted(term for term in set(terms) if terms.count(term) > 1) == []


def test_each_word_lives_where_it_says() -> None:
    lost = [
        f"{term}: {name}"
        for term, names in rows()
        for name in names
        if not (exists(name) if LABEL.fullmatch(name) else is_there(name))
    ]
    assert not lost, "\n".join(lost)
    assert [term for term, names in rows() if not names] == [], "say where it lives"


def test_no_noun_and_no_enumeration_is_missing() -> None:
    known = {model._meta.label for model in our_models()} | enumerations()
    assert len(known) > 60
    assert sorted(known - named()) == []
