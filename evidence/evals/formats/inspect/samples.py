"""One sample of an Inspect log, whatever shape it was written in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from evidence.evals.contracts import MetricSpec, ParsedSample, SampleReject, SampleScore, ScoreStatus
from evidence.evals.formats.inspect.container import BrokenSample, RawSample
from evidence.evals.formats.inspect.head import by_whom, unsettled
from evidence.evals.formats.inspect.scores import read_scores
from evidence.evals.measurements import Remark, RemarkCode
from evidence.evals.observations import item_of
from evidence.evals.slices import read_slice, requirements_in, slice_of_requirements

_ATTACHMENT: Final = re.compile(r"attachment://([0-9a-f]+)")
_TRACE_ID: Final = re.compile(r"[0-9a-f]{32}")
_UNCHANGED: Final = "UNCHANGED"
_FALLBACK: Final = "score"  # of a task without a scorer: its samples have none


class SampleReader:
    """Reads the samples of one log, and learns of its metrics as it does."""

    def __init__(self, head: dict[str, Any], metrics: dict[str, MetricSpec], remarks: list[Remark]) -> None:
        self._eval: dict[str, Any] = head["eval"]
        config = self._eval.get("config")
        epochs = config.get("epochs") if isinstance(config, dict) else None
        self._has_epochs = isinstance(epochs, int) and epochs > 1
        self._metrics = metrics
        self._bounded = dict.fromkeys(metrics, True)  # whether each value so far lies in [0, 1]
        self._remarks = remarks

    def read(self, index: int, given: RawSample | BrokenSample) -> ParsedSample | SampleReject:
        """Return one sample, or why it is refused."""
        if isinstance(given, BrokenSample):
            return SampleReject(index, None, "unreadable", str(given), None)
        sample_id = self._name(given)
        if sample_id is None:
            return SampleReject(
                index, None, "no_id", "id and epoch: must be a text or number, and a number", None
            )
        text = _Texts(given["attachments"])
        told = given.get("metadata")
        metadata: dict[str, Any] = told if isinstance(told, dict) else {}
        trace = str(metadata.get("trace_id", "")).lower().replace("-", "")
        scores = tuple(self._scores(sample_id, given, text))
        self._remark(sample_id, given, scored=any(each.status is ScoreStatus.SCORED for each in scores))
        return ParsedSample(
            sample_id=sample_id,
            slice={**read_slice(metadata), **slice_of_requirements(requirements_in(metadata))},
            input=text.of(given.get("input")),
            output=text.of_output(given.get("output")),
            target=text.of_target(given.get("target")),
            trace_id=trace if _TRACE_ID.fullmatch(trace) and trace.strip("0") else None,
            scores=scores,
        )

    def settle_metrics(self) -> None:
        """Say of each metric whose values stayed in [0, 1], now that all were read, that it is a share."""
        for name, spec in list(self._metrics.items()):
            if self._bounded[name]:
                self._metrics[name] = replace(spec, kind="proportion", unit="share")

    def _name(self, given: RawSample) -> str | None:
        item, epoch = given.get("id"), given.get("epoch")
        if (
            isinstance(item, bool)
            or not isinstance(item, str | int)
            or not isinstance(epoch, int)
            or item == ""
        ):
            return None
        name = str(item)
        is_attempt = self._has_epochs or epoch > 1 or item_of(name) != name
        return f"{name}#{epoch}" if is_attempt else name

    def _scores(self, sample_id: str, given: RawSample, text: _Texts) -> Iterator[SampleScore]:
        found = {each.metric: each for each in self._given_scores(sample_id, given, text)}
        error = given.get("error")
        if isinstance(error, dict):
            message = str(error.get("message", ""))[:2000]
            for name in list(self._metrics) or [_FALLBACK]:
                found.setdefault(name, SampleScore(name, ScoreStatus.ERROR, None, message))
        if not found and not self._metrics:
            found[_FALLBACK] = SampleScore(_FALLBACK, ScoreStatus.UNSCORED, None, "no scorer scored it")
        if isinstance(given.get("invalidation"), dict):
            why = f"invalidated {by_whom(given['invalidation'])}"
            found = {name: _taken_back(each, why) for name, each in found.items()}
        for each in found.values():
            self._learn(each)
            yield each

    def _given_scores(self, sample_id: str, given: RawSample, text: _Texts) -> Iterator[SampleScore]:
        listed = given.get("scores")
        for scorer, score in listed.items() if isinstance(listed, dict) else ():
            if isinstance(score, dict):
                self._remark_edits(sample_id, scorer, score)
                yield from read_scores(scorer, score.get("value"), text.of(score.get("explanation")))

    def _learn(self, score: SampleScore) -> None:
        if score.metric not in self._metrics:
            self._metrics[score.metric] = unsettled(score.metric, self._eval)
            self._bounded[score.metric] = True
        if score.value is not None and not 0 <= score.value <= 1:
            self._bounded[score.metric] = False

    def _remark(self, sample_id: str, given: RawSample, *, scored: bool) -> None:
        error, limit = given.get("error"), given.get("limit")
        if isinstance(error, dict) and scored:
            detail = (
                f"it ended in an error and was scored all the same: {str(error.get('message', ''))[:300]}"
            )
            self._add(RemarkCode.ERRORED, detail, sample_id)
        if isinstance(given.get("invalidation"), dict):
            self._add(RemarkCode.INVALIDATED, f"invalidated {by_whom(given['invalidation'])}", sample_id)
        if isinstance(limit, dict):
            self._add(
                RemarkCode.LIMITED,
                f"it was stopped at its {limit.get('type')} limit of {_plainly(limit.get('limit'))}",
                sample_id,
            )
        if retries := given.get("error_retries"):
            many = len(retries) if isinstance(retries, list) else 1
            often = "once" if many == 1 else f"{many} times"
            self._add(RemarkCode.FLAKY, f"it ended in an error {often} before and was run again", sample_id)

    def _remark_edits(self, sample_id: str, scorer: str, score: dict[str, Any]) -> None:
        """Say which value a person put in place of which; `UNCHANGED` stands for what an edit left as it was."""
        history = score.get("history")
        before: object = None
        for entry in history if isinstance(history, list) else ():
            if not isinstance(entry, dict):
                continue
            after = entry.get("value")
            after = before if after == _UNCHANGED else after
            if isinstance(entry.get("provenance"), dict):
                what = f"{scorer}: {_shown(before)} became {_shown(after)}, {by_whom(entry['provenance'])}"
                self._add(RemarkCode.EDITED, what, sample_id)
            before = after

    def _add(self, code: RemarkCode, detail: str, sample_id: str) -> None:
        self._remarks.append(Remark(code, detail, sample_id))


class _Texts:
    """What people and models wrote, with the attachments in place of the references to them."""

    def __init__(self, attachments: dict[str, str]) -> None:
        self._attachments = attachments

    def of(self, value: object) -> str:
        """Return a text, or the messages of a conversation, each after its role."""
        if isinstance(value, list):
            return "\n".join(self._message(each) for each in value if isinstance(each, dict))
        return self._whole(value) if isinstance(value, str) else ""

    def of_output(self, output: object) -> str:
        """Return what the model answered."""
        if not isinstance(output, dict):
            return ""
        if isinstance(output.get("completion"), str) and output["completion"]:
            return self._whole(output["completion"])
        choices = output.get("choices")
        first = choices[0] if isinstance(choices, list) and choices else None
        message = first.get("message") if isinstance(first, dict) else None
        return self._content(message.get("content")) if isinstance(message, dict) else ""

    def of_target(self, target: object) -> str | None:
        """Return what was expected; several, a line each."""
        if isinstance(target, list):
            return "\n".join(self._whole(each) for each in target if isinstance(each, str))
        return self._whole(target) if isinstance(target, str) else None

    def _message(self, message: dict[str, Any]) -> str:
        return f"{message.get('role', '')}: {self._content(message.get('content'))}"

    def _content(self, content: object) -> str:
        if isinstance(content, list):
            parts = [each.get("text") for each in content if isinstance(each, dict)]
            return "\n".join(self._whole(part) for part in parts if isinstance(part, str))
        return self._whole(content) if isinstance(content, str) else ""

    def _whole(self, text: str) -> str:
        if "attachment://" not in text:
            return text
        return _ATTACHMENT.sub(lambda found: self._attachments.get(found[1], found[0]), text)


def _taken_back(score: SampleScore, why: str) -> SampleScore:
    """Return a score as one that is not to be used: it counts as missing, and so against a pass."""
    if score.status is not ScoreStatus.SCORED:
        return score
    return SampleScore(
        score.metric,
        ScoreStatus.UNSCORED,
        None,
        f"{why} (it was {score.value:g}) {score.explanation}".strip(),
    )


def _plainly(number: object) -> object:
    """Return a number as people write it: Inspect keeps a limit of five tokens as 5.0."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _shown(value: object) -> str:
    return "nothing" if value is None else str(value)[:100]
