"""What is fuzzed: a reader of foreign bytes, the errors it may raise, and honest inputs to start from.

The first byte of an input chooses a variant where a target has several; the rest is what the reader gets.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Final

from backports import zstd

from evidence.citations.claims import extract_claims
from evidence.citations.verdict import Source, Verdict, check_citation
from evidence.evals.contracts import EvalFileError, ParsedRun
from evidence.evals.formats.native import parse_file
from evidence.evals.measurements import Said
from evidence.evals.registry import EVAL_FORMATS, open_eval_file
from evidence.evals.sources import Source as PostedFile
from evidence.log import notes
from evidence.log.errors import LogError
from evidence.otlp.body import PlainBody, unpack_body
from evidence.otlp.decode import decode_logs, decode_traces
from evidence.otlp.errors import OtlpError
from evidence.otlp.limits import Limits
from evidence.otlp.records import Encoding, LogBatch, RejectRecord, SpanRecord, TraceBatch
from evidence.semconv.mapping import map_trace
from requirements.errors import RequirementFileInvalid
from requirements.starter import read_starter
from requirements.yaml_import import parse_requirement_file
from tests.client import binders
from tests.evidence import otlp_bodies, semconv_spans, trace_bodies
from tracebinder.verify import verify_binder
from tracebinder.verify.bag import LOG_ENTRY, LOG_PROOF
from tracebinder.verify.container import Limits as BinderLimits
from tracebinder.verify.envelope import verify_envelope
from tracebinder.verify.errors import VerifyError
from tracebinder.verify.note import parse_checkpoint, parse_note, parse_vkey
from tracebinder.verify.strict_json import parse_json
from tracebinder.verify.tlog import check_log_entry, parse_tlog_proof
from tracebinder.verify.trust import Trust, parse_trust

Reader = Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class Target:
    """A reader of foreign bytes. `read` raises nothing but `errors`, whatever it is given."""

    read: Reader
    errors: tuple[type[Exception], ...]
    seeds: Callable[[], Sequence[bytes]]

    def try_one(self, data: bytes) -> None:
        """Read the input; an error of its own is an answer, any other a finding."""
        with contextlib.suppress(*self.errors):
            self.read(data)


# --- OTLP ---------------------------------------------------------------------------------------------------
_LIMITS: Final = Limits(decoded_bytes=1 << 20, items=200, attribute_bytes=64, reject_item_bytes=512)
_VARIANTS: Final = [
    (signal, media, packing)
    for signal in ("traces", "logs")
    for media in (otlp_bodies.PROTOBUF, otlp_bodies.JSON)
    for packing in ("", "gzip", "deflate", "zstd")
]


def read_otlp(data: bytes) -> None:
    """Decode a body; what comes out must be complete, and JSON that PostgreSQL can hold."""
    signal, media, packing = _VARIANTS[data[0] % len(_VARIANTS)] if data else _VARIANTS[0]
    plain = unpack_body(data[1:], content_type=media, content_encoding=packing, limits=_LIMITS)
    if signal == "traces":
        _check_traces(decode_traces(plain, _LIMITS))
    else:
        _check_logs(decode_logs(plain, _LIMITS))


def _check_traces(batch: TraceBatch) -> None:
    assert len(batch.spans) + len(batch.rejects) == batch.n_items
    for span in batch.spans:
        for text in (span.attributes, span.events, span.links, span.resource, span.scope):
            _check_storable(text)
        assert "\x00" not in span.name + span.status_message
        assert (len(span.trace_id), len(span.span_id), len(span.digest)) == (32, 16, 64)
    _check_rejects(batch.rejects)


def _check_logs(batch: LogBatch) -> None:
    assert len(batch.evaluations) + len(batch.events) + len(batch.rejects) == batch.n_items
    for evaluation in batch.evaluations:
        _check_storable(evaluation.attributes)
    for event in batch.events:
        _check_storable(event.attributes)
    _check_rejects(batch.rejects)


def _check_rejects(rejects: Sequence[RejectRecord]) -> None:
    for reject in rejects:
        _check_storable(reject.item)
        assert "\x00" not in reject.detail
        reject.detail.encode("utf-8")


def _check_storable(text: bytes) -> None:
    json.loads(text)
    assert b"\\u0000" not in text.replace(b"\\\\", b"")


def _otlp_seeds() -> list[bytes]:
    request = otlp_bodies.make_request(
        otlp_bodies.make_span(attributes={"gen_ai.operation.name": "chat", "a": "text"}),
        otlp_bodies.make_span(span_id=bytes(8)),
    )
    event = {
        "timeUnixNano": str(otlp_bodies.START_NS),
        "eventName": "gen_ai.evaluation.result",
        "attributes": [
            {"key": "gen_ai.evaluation.name", "value": {"stringValue": "groundedness"}},
            {"key": "gen_ai.evaluation.score.value", "value": {"doubleValue": 0.5}},
        ],
    }
    said = {"stringValue": "a\x00b"}
    asked = {
        **event,
        "eventName": "gen_ai.user.message",
        "traceId": "1" * 32,
        "spanId": "2" * 16,
        "body": said,
    }
    logs = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [event, asked]}]}]}).encode()
    plain = [request.SerializeToString(), otlp_bodies.to_otlp_json(request), b"", logs]
    packed = {
        "gzip": [gzip.compress(body) for body in plain],
        "zstd": [zstd.compress(body) for body in plain],
    }
    bodies = {"": plain, "deflate": plain, **packed}
    return [
        bytes([number]) + body for number, (_, _, packing) in enumerate(_VARIANTS) for body in bodies[packing]
    ]


# --- Traces -------------------------------------------------------------------------------------------------
def read_trace(data: bytes) -> None:
    """Map the spans of a body: the same draft in any order, and nothing in it that PostgreSQL cannot hold."""
    encoding: Encoding = "json" if data[:1] == b"j" else "protobuf"
    batch = decode_traces(PlainBody(data[1:], encoding), Limits(items=200))
    rows = list({span.span_id: _stored_columns(span) for span in batch.spans}.values())
    if rows:
        draft = map_trace(rows)
        assert map_trace(rows[::-1]) == draft
        shown = json.dumps(asdict(draft), ensure_ascii=False, allow_nan=False, default=str)
        _check_storable(shown.encode("utf-8"))
        assert len(draft.language) <= 35
        assert len(draft.release) <= 100
        assert len(draft.environment) <= 100


def _stored_columns(span: SpanRecord) -> dict[str, object]:
    columns = span._asdict()
    columns["parent_span_id"] = span.parent_span_id or ""
    return columns | {
        name: json.loads(columns[name]) for name in ("attributes", "events", "resource", "scope")
    }


def read_texts(data: bytes) -> None:
    """Take claims out of an answer, and look for a quote in a document."""
    first, _, rest = data.partition(b"\0")
    quote, text = first.decode("utf-8", "replace"), rest.decode("utf-8", "replace")
    for claim in extract_claims(text):
        assert 0 <= claim.start < claim.end <= len(text)
    source = Source.of(document_id="DOC-1", digest=binders.DIGEST, text=text)
    other = Source.of(document_id="DOC-2", digest=binders.DIGEST, text=text[::-1])
    verdict = check_citation(quote=quote, source=source, candidates=[other], hint=len(quote) % 7)
    assert check_citation(quote=quote, source=source, candidates=[other], hint=len(quote) % 7) == verdict
    if verdict.verdict == Verdict.VERBATIM:
        assert text[verdict.start : verdict.end] == quote.strip()


def _trace_seeds() -> list[bytes]:
    spans = []
    for row in semconv_spans.make_trace():
        texts = {
            key: value if isinstance(value, str) else json.dumps(value)
            for key, value in row["attributes"].items()
        }
        span_id, parent = bytes.fromhex(row["span_id"]), bytes.fromhex(row["parent_span_id"])
        spans.append(
            otlp_bodies.make_span(span_id=span_id, parent_span_id=parent, name=row["name"], attributes=texts)
        )
    request = otlp_bodies.make_request(*spans)
    cases = [b"j" + path.read_bytes() for path in sorted(trace_bodies.BODIES.glob("[a-m]*.json"))]
    return [b"p" + request.SerializeToString(), b"j" + otlp_bodies.to_otlp_json(request), *cases]


def _text_seeds() -> list[bytes]:
    document = (
        "The annual percentage rate is 7.9% for amounts between 5,000 and 15,000. Not for students [1]."
    )
    chinese = "年利率为7.9%，适用于五千至一万五千元的贷款。学生不适用【1】。"
    quotes = ["percentage rate is 7.9%", "rate of 7,9 % for amounts", "年利率为７．９％", "not for students"]
    return [f"{quote}\0{text}".encode() for quote in quotes for text in (document, chinese)]


# --- The log's notes ----------------------------------------------------------------------------------------
def read_note(data: bytes) -> None:
    """Open the bytes as a signed checkpoint, and as a verifier's key."""
    text = data.decode("utf-8", "surrogateescape")
    with contextlib.suppress(LogError):
        notes.parse_vkey(text)
    key = notes.parse_vkey(binders.LOG.vkey())
    notes.open_checkpoint(text, key=key, origin=binders.LOG.name)


def _note_seeds() -> list[bytes]:
    return [binders.checkpoint_note([bytes(32)] * 3).encode(), binders.LOG.vkey().encode()]


# --- The binder verifier ------------------------------------------------------------------------------------
_BINDER_LIMITS: Final = BinderLimits()
_MEMBER: Final = "fuzzed"


@cache
def _trust() -> Trust:
    log = {"origin": binders.LOG.name, "vkey": binders.LOG.vkey(), "required": True}
    return parse_trust(json.dumps(binders.trust_document(log=log)).encode())


@cache
def _honest_binder() -> bytes:
    log = {"origin": binders.LOG.name, "vkey": binders.LOG.vkey()}
    return binders.build(about=binders.facts(log=log), prove=binders.SmallLog()).archive


@cache
def _honest_members() -> dict[str, bytes]:
    return binders.unpack(_honest_binder())


@cache
def _scratch() -> Path:
    return Path(tempfile.mkdtemp(prefix="tracebinder-fuzz-")) / "binder.zip"


def read_archive(data: bytes) -> None:
    """Verify the bytes as a binder: a report, always; and a good one only for the honest content."""
    path = _scratch()
    path.write_bytes(data)
    report = verify_binder(path, trust=_trust(), now=binders.NOW, limits=_BINDER_LIMITS)
    assert report.exit_code in range(5)
    assert report.exit_code != 0 or binders.unpack(data) == binders.unpack(_honest_binder())


def read_member(data: bytes) -> None:
    """Verify a binder in which one member was replaced, then listed and signed as if it belonged there."""
    members = dict(_honest_members())
    names = sorted(members)
    members[names[data[0] % len(names)] if data else names[0]] = data[1:]
    with contextlib.suppress(UnicodeError, ValueError, KeyError, TypeError, AttributeError):
        members = binders.resign(binders.relist(members))  # where even that cannot be done, it stays unsigned
    path = _scratch()
    path.write_bytes(binders.repack(members))
    report = verify_binder(path, trust=_trust(), now=binders.NOW, limits=_BINDER_LIMITS)
    assert report.exit_code in range(5)


_PARSERS: Final[list[Reader]] = [
    lambda data: parse_json(data, member=_MEMBER),
    parse_trust,
    parse_tlog_proof,
    lambda data: parse_checkpoint(parse_note(data, member=_MEMBER), member=_MEMBER),
    lambda data: parse_vkey(data.decode("utf-8", "replace"), member=_MEMBER),
    lambda data: verify_envelope(data, _trust(), member=_MEMBER),
    lambda data: check_log_entry(data, b"{}", system="credit-assistant"),
]


def read_part(data: bytes) -> None:
    """Give the bytes to one of the verifier's small parsers."""
    _PARSERS[data[0] % len(_PARSERS) if data else 0](data[1:])


def _archive_seeds() -> list[bytes]:
    return [_honest_binder(), binders.build().archive, binders.repack(binders.unpack(_honest_binder()))]


def _member_seeds() -> list[bytes]:
    members = binders.unpack(_honest_binder())
    return [bytes([number]) + members[name] for number, name in enumerate(sorted(members))]


def _part_seeds() -> list[bytes]:
    members = binders.unpack(_honest_binder())
    note = binders.checkpoint_note([bytes(32), bytes(32)], witnesses=[binders.WITNESS]).encode()
    inputs = [
        json.dumps(binders.requirement()).encode(),
        json.dumps(binders.trust_document(threshold=1)).encode(),
        members[LOG_PROOF],
        note,
        binders.LOG.vkey().encode(),
        members[binders.ENVELOPE],
        members[LOG_ENTRY],
    ]
    return [bytes([number]) + data for number, data in enumerate(inputs)]


# --- Files of people and of CI ------------------------------------------------------------------------------
def read_eval(data: bytes) -> None:
    """Read the bytes as an eval file."""
    run: ParsedRun = parse_file(data)
    assert len({sample.sample_id for sample in run.samples}) == len(run.samples)


FOREIGN_EVALS: Final = tuple(name for name in EVAL_FORMATS if name not in {"native", "inspect", "csv"})


def read_foreign_eval(data: bytes) -> None:
    """Read the bytes as a runner's own eval file; the first says of which runner."""
    name = FOREIGN_EVALS[data[0] % len(FOREIGN_EVALS)] if data else FOREIGN_EVALS[0]
    for measurement in open_eval_file(PostedFile.of_bytes(data[1:]), name, Said()).measurements:
        for _ in measurement.samples:
            pass


def _foreign_eval_seeds() -> list[bytes]:
    folder = Path(__file__).parents[1] / "evidence" / "data" / "evals"
    files = [next(folder.glob(f"{name}.*")).read_bytes() for name in FOREIGN_EVALS]
    return [bytes([number]) + data for number, data in enumerate(files)]


def read_requirements(data: bytes) -> None:
    """Read the bytes as a requirement file."""
    assert parse_requirement_file(data, "fuzzed.yaml").file == "fuzzed.yaml"


def _eval_seeds() -> list[bytes]:
    version = {"key": "answers", "label": "1", "digest": binders.DIGEST}
    scores = [{"status": "scored", "value": 0.5, "explanation": ""}, {"status": "unscored", "value": None}]
    samples = [
        {
            "id": str(number),
            "slice": {"language": "en"},
            "input": "q",
            "output": "a",
            "trace_id": "0af7651916cd43dd8448eb211c80319c",
            "scores": {"grounded": score},
        }
        for number, score in enumerate(scores)
    ]
    document = {
        "format": "tracebinder.eval/1",
        "run_key": "run-1",
        "system": "credit-assistant",
        "release": "r1",
        **dict.fromkeys(("suite", "evaluator", "dataset", "model"), version),
        "status": "success",
        "observed_from": "2025-11-22T08:00:00Z",
        "observed_to": "2025-11-22T09:00:00Z",
        "collected_at": "2025-11-22T09:00:01Z",
        "commit": "abc",
        "metrics": {"grounded": {"kind": "proportion", "direction": "higher", "unit": "share"}},
        "samples": samples,
    }
    return [json.dumps(document).encode()]


TARGETS: Final[dict[str, Target]] = {
    "otlp": Target(read_otlp, (OtlpError,), _otlp_seeds),
    "traces": Target(read_trace, (OtlpError,), _trace_seeds),
    "texts": Target(read_texts, (), _text_seeds),
    "notes": Target(read_note, (LogError,), _note_seeds),
    "binder": Target(read_archive, (), _archive_seeds),
    "binder-members": Target(read_member, (), _member_seeds),
    "binder-parts": Target(read_part, (VerifyError,), _part_seeds),
    "evals": Target(read_eval, (EvalFileError,), _eval_seeds),
    "foreign-evals": Target(read_foreign_eval, (EvalFileError,), _foreign_eval_seeds),
    "requirements": Target(
        read_requirements,
        (RequirementFileInvalid,),
        lambda: [read_starter(), b"format: tracebinder.requirements/1\nrequirements: []\n"],
    ),
}
