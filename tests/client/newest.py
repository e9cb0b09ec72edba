"""A binder of today's version with something in every section that the older ones, kept for ever, have not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Final

from evidence.binder.files import BinderFile, json_file, json_lines_file
from evidence.binder.statement import PRODUCER_VERSION
from evidence.digests import canonical_json
from tests.client.binders import DIGEST, Built, build, criterion, facts, finding, requirement, review

ANA: Final = "person:aaaaaaaaaaaaaaaaaaaa"
WEI: Final = "person:bbbbbbbbbbbbbbbbbbbb"
CI: Final = "token:cccccccccccc"
TRACE: Final = "4f" * 16
DOCUMENT: Final = "The rate is five percent. 利率为百分之五。"


def build_newest() -> Built:
    """Return the binder, as the writer of today makes it."""
    return build(newest_files(), about=facts(version=f"binder/{PRODUCER_VERSION}"))


def newest_files() -> Iterator[BinderFile]:
    """Yield its files."""
    yield json_lines_file(
        "evidence/counter.jsonl",
        lambda: [{"id": "7", "owner": CI}, {"id": "8", "owner": CI}],
        title="Counter evidence",
        population="counter-evidence",
    )
    yield json_lines_file(
        "evidence/defeaters.jsonl",
        doubts,
        title="Doubts",
        schema="defeater",
        population="defeaters",
    )
    measured = measured_requirement()
    status = measured["status"]
    yield json_file(
        "requirements/sources.json", measured, title="A requirement", schema="requirement", status=status
    )
    yield json_lines_file("reviews/reviews.jsonl", lambda: [review() | {"reviewer": WEI}], title="Reviews")
    yield json_file("evals/run-1.json", _run(), title="An eval run")
    yield json_file("interpretability/1.json", finding(), title="A finding", schema="finding")
    yield json_file("redactions.json", {"redactions": []}, title="Redactions", schema="redactions")
    yield json_file("people.json", _people(), title="People")
    spans = [_span("01" * 8), _span("02" * 8)]
    yield json_lines_file("traces/traces.jsonl", lambda: [_trace(spans)], title="Traces")
    yield json_lines_file("traces/spans.jsonl", lambda: spans, title="Spans")
    yield json_lines_file("citations/citations.jsonl", _citations, title="Citations")
    source = {"digest": _digest(DOCUMENT.encode()), "text": DOCUMENT}
    yield json_lines_file("citations/sources.jsonl", lambda: [source], title="Sources")
    yield json_file("gates/1.json", _decision(), title="A decision")
    yield json_file("versions/model-1.json", _version(), title="A version")
    yield json_file("versions/release.json", _release(), title="The release")


def measured_requirement(**changes: object) -> dict[str, Any]:
    """A requirement that is met though traces were set aside and samples have no value, as its inputs name them."""
    whole = {"recent": {"inputs": {"set_aside": {"late": 1}, "missing": {"errored": 2}}}}
    english = {"recent": {"inputs": {"missing": {"errored": 1}}}}
    told = criterion(
        inputs={"measured": [whole, english]},
        missing=3,
        slices=[{"language": "en"}],
        sliceResults=[{"where": {"language": "en"}, "n": 60, "low": 0.92, "high": 0.98, "missing": 1}],
        maxAgeDays=30,
        observedTo="2026-11-20T00:00:00Z",
    )
    return requirement(criteria=[told | changes], proposedBy=ANA, approvedBy=WEI)


def doubts() -> list[dict[str, Any]]:
    """A doubt that stands again, since what was accepted has expired, and one that was rebutted after all."""
    accepted = _answer("1", "accepted", expiresAt="2026-11-01T00:00:00Z")
    taken_back = [_answer("2", "mitigated"), _answer("3", "reopened", replaces="2")]
    return [
        _doubt("1", "7", "expired", accepted),
        _doubt("2", "8", "rebutted", *taken_back, _answer("4", "rebutted", replaces="3")),
    ]


def _doubt(name: str, item: str, state: str, *answers: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": name, "evidence": item, "aroseOn": "r1", "aboutRelease": True, "openedAt": "2026-10-20T00:00:00Z",
        "state": state, "answers": list(answers),
    }  # fmt: skip


def _answer(name: str, kind: str, **changes: Any) -> dict[str, Any]:
    told = {
        "id": name, "kind": kind, "words": "又测了一次", "answeredBy": WEI, "answeredAt": "2026-10-21T00:00:00Z",
        "expiresAt": None, "replaces": None,
    }  # fmt: skip
    return {**told, **changes}


def _run() -> dict[str, Any]:
    return {
        "id": "1",
        "postedBy": CI,
        "retractions": [{"by": ANA, "confirmedBy": WEI}],
        "retractionRequests": [],
        "labelSets": [{"by": WEI}],
    }


def _people() -> dict[str, Any]:
    people = [{"actor": ANA, "formerly": "user:ana"}, {"actor": WEI}]
    return {"people": people, "tokens": [{"actor": CI, "actsFor": ANA}]}


def _span(span_id: str) -> dict[str, Any]:
    told = {
        "attributes": {"share": 0.5}, "endNs": "2", "events": [], "kind": 1, "links": [], "name": "answer",
        "parentSpanId": "", "resource": {}, "scope": {}, "spanId": span_id, "startNs": "1", "statusCode": 0,
        "statusMessage": "", "traceId": TRACE,
    }  # fmt: skip
    return {**told, "digest": _digest(canonical_json(told)), "digestFormat": 2}


def _trace(spans: list[dict[str, Any]]) -> dict[str, Any]:
    pairs = [[span["spanId"], span["digest"]] for span in spans]
    return {
        "traceId": TRACE,
        "spanIds": [span["spanId"] for span in spans],
        "spanCount": len(spans),
        "digest": _digest(canonical_json({"spans": pairs})),
        "startedAt": "2026-11-20T00:00:00Z",
        "endedAt": "2026-11-20T00:00:01Z",
        "question": "What is the rate?",
        "answer": "Five percent.",
        "exchanges": [
            {"number": 1, "question": {"text": "What is the rate?"}, "answer": {"text": "Five percent."}}
        ],
        "claims": [{"exchange": 1}],
    }


def _citations() -> list[dict[str, Any]]:
    place = {"nearestStart": 4, "nearestEnd": 8, "nearestText": "rate"}
    of_document = {"traceId": TRACE, "documentDigest": _digest(DOCUMENT.encode())}
    aligned = {"id": "1", "reason": "aligned", "verdict": "fuzzy", **of_document, **place}
    return [aligned, {"id": "2", "reason": "number_differs", "verdict": "not_found", **of_document}]


def _decision() -> dict[str, Any]:
    return {
        "id": "1",
        "gate": "release",
        "gateDigest": DIGEST,
        "verdict": "pass",
        "asOf": "2026-11-21T00:00:00Z",
        "gateState": "approved",
        "gateSince": "2026-11-01T00:00:00Z",
        "gateProposals": [{"by": ANA}],
        "gateApprovedBy": WEI,
        "decidedBy": CI,
    }


def _version() -> dict[str, Any]:
    return {"registered": True, "registeredAt": "2026-11-02T00:00:00Z", "registeredBy": ANA}


def _release() -> dict[str, Any]:
    admission = {"decision": "1", "gateDigest": DIGEST, "verdict": "pass", "asOf": "2026-11-21T00:30:00Z"}
    let_in = {
        "id": "1", "basis": "decision", "environment": "production", "effectiveFrom": "2026-11-21T01:00:00Z",
        "deployedBy": ANA, "admissions": [admission],
    }  # fmt: skip
    back = {
        "id": "2", "basis": "rollback", "environment": "production", "effectiveFrom": "2026-11-21T05:00:00Z",
        "deployedBy": ANA, "admissions": [], "reason": "wrong rates", "restores": "1",
    }  # fmt: skip
    return {"createdBy": ANA, "deployments": [let_in, back]}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
