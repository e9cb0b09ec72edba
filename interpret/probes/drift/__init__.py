"""Drift between two releases of a model: do they predict otherwise, and are their inner states others?

The model that is probed is the newer release; the earlier one is told by its digest. What lies between the two is held
against what lies between the earlier one and itself in other numbers, its weights rounded to float16: the A/A. It is
taken on the same texts, on the same tokens in another order, without words, and in a dead copy; of each text the larger
of two counts, so that no null is below the A/A on that text.

After: S. Kullback and R. Leibler, "On Information and Sufficiency" (1951); S. Kornblith et al., "Similarity of Neural
Network Representations Revisited" (2019, arXiv 1905.00414), on what a comparison of states is invariant to; M. Sun et
al., "Massive Activations in Large Language Models" (2024, arXiv 2402.17762).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from interpret.contracts import Measurement, ProbeSpecification
from interpret.errors import BadSpecification
from interpret.probes.drift.features import FeatureStudy
from interpret.probes.drift.material import Texts, read_texts
from interpret.probes.drift.study import Study
from interpret.probes.drift.writing import Numbers, write_all
from interpret.probes.session import ModelSession
from interpret.registry import fill_choices, fill_models, fill_parameters

__all__ = ["ModelDrift"]

KEY: Final = "model.drift"
RELEASES, ITSELF = "the two releases", "the earlier beside itself"
DEAD: Final = "a dead model beside itself"
FEATURES: Final = ("first seed: features", "second seed: features")


class ModelDrift:
    """Compare two releases on the same texts, and the earlier one with itself."""

    code_version = "1"

    def check(self, specification: ProbeSpecification) -> None:
        """Raise `BadSpecification` where a parameter does not fit, no earlier model is told, or inputs are given."""
        given = fill_parameters(KEY, specification.parameters)
        _texts(specification)
        _against(specification)
        if given["active"] > given["features"]:
            raise BadSpecification(
                f"{KEY}: {given['active']} of {given['features']} features cannot be active"
            )
        if specification.inputs:
            raise BadSpecification(f"{KEY} reads texts of its own, and no prompts")

    def parts(self, specification: ProbeSpecification) -> tuple[str, ...]:
        """Return the two releases, the earlier one beside itself, a dead copy likewise, and each seed's features."""
        return (RELEASES, ITSELF, DEAD, *(FEATURES if _compared(specification) == "all" else ()))

    def measure(self, specification: ProbeSpecification, models: ModelSession, part: str) -> dict[str, Any]:
        """Compare two models on all texts.

        Raises:
            ModelMissing: one of them is not in the store.
            ModelsUnlike: they cut texts differently, or have unlike shapes.
            StructureUntold: the tokenizer does not know the texts.
            ProbeUnavailable: features are compared, and sae-lens is not installed here.
        """
        given = fill_parameters(KEY, specification.parameters)
        study = Study(
            _texts(specification),
            models,
            specification,
            given,
            against=_against(specification),
            states=_compared(specification) != "outputs",
        )
        if part == RELEASES:
            return study.releases()
        if part == ITSELF:
            return study.itself()
        if part == DEAD:
            return study.dead()
        return FeatureStudy(study, models, specification, given, again=FEATURES.index(part)).measure()

    def report(
        self, specification: ProbeSpecification, measured: Mapping[str, Mapping[str, Any]]
    ) -> tuple[Measurement, ...]:
        """Return a measurement of what is predicted and, where they are compared, one of inner states and of features.

        Raises:
            TooCoarse: where nothing changed, one of the first two moves by more than half of what is to be told.
        """
        first, second = (
            Numbers(
                measured[RELEASES],
                {**measured[ITSELF], **measured[DEAD]},
                again,
                features=measured.get(FEATURES[again]),
            )
            for again in (0, 1)
        )
        given = fill_parameters(KEY, specification.parameters)
        return write_all(
            specification, _texts(specification), given, first, second, against=_against(specification)
        )


def _texts(specification: ProbeSpecification) -> Texts:
    return read_texts(fill_choices(KEY, specification.parameters)["language"])


def _compared(specification: ProbeSpecification) -> str:
    return fill_choices(KEY, specification.parameters)["compared"]


def _against(specification: ProbeSpecification) -> str:
    return fill_models(KEY, specification.parameters, probed=specification.model_digest)["against"]
