"""What a dictionary says of itself: where it was trained, how, and what it was worth. Free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from interpret.errors import DictionaryMisfit, DictionaryUnreadable


@dataclass(frozen=True, slots=True)
class Site:
    """Where activations are read: the residual stream after a layer of a model.

    Attributes:
        model: digest of its bytes, as the model store has it.
        layer: from 0.
        width: of the residual stream.
    """

    model: str
    layer: int
    width: int


@dataclass(frozen=True, slots=True)
class About:
    """What lies beside the weights of a dictionary, as `about.json`.

    Attributes:
        architecture: as sae-lens names it.
        features: how many.
        l0: mean number of features that are not zero on a token, on tokens held out of the training and before the
            dictionary was stored; None where another trained it and did not say.
        training: how it was trained: settings, seed, versions; empty where another trained it.
        texts: digests and sources of what it was trained on.
    """

    site: Site
    architecture: str
    features: int
    l0: float | None = None
    training: Mapping[str, Any] = field(default_factory=dict)
    texts: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, told: object) -> Self:
        """Read what `as_json` gave.

        Raises:
            DictionaryUnreadable: a field lacks, is of another type, or is not known here.
        """
        if not isinstance(told, dict) or not isinstance(told.get("site"), dict):
            raise DictionaryUnreadable("about.json holds no object with a site")
        unknown = told.keys() - {each.name for each in fields(cls)}
        if unknown:
            raise DictionaryUnreadable(f"about.json has fields that are not known here: {sorted(unknown)}")
        try:
            about = cls(**{**told, "site": Site(**told["site"])})
        except TypeError as exc:
            raise DictionaryUnreadable(f"about.json: {exc}") from exc
        kinds = (
            (about.site.model, str), (about.site.layer, int), (about.site.width, int),
            (about.architecture, str), (about.features, int), (about.l0, (int, float, type(None))),
        )  # fmt: skip
        if any(isinstance(value, bool) or not isinstance(value, kind) for value, kind in kinds):
            raise DictionaryUnreadable("about.json: a field is of another type than it should be")
        return about


def check_site(has: Site, wanted: Site) -> None:
    """Refuse a dictionary that was trained elsewhere: its features would be numbers that mean nothing.

    Raises:
        DictionaryMisfit: naming what differs: the model, the layer or the width.
    """
    differing = [name for name in ("model", "layer", "width") if getattr(has, name) != getattr(wanted, name)]
    if differing:
        said = "; ".join(
            f"its {name} is {getattr(has, name)}, not {getattr(wanted, name)}" for name in differing
        )
        raise DictionaryMisfit(f"the dictionary was trained on other activations: {said}")
