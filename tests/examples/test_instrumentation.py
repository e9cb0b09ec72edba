"""What arrives at an OTLP receiver when a copilot runs."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from examples.catalogue import COPILOTS
from examples.common.instrumentation import CheckedExporter, make_provider
from examples.common.outcome import Outcome
from examples.common.runner import assign, run_tasks
from examples.common.tools import ToolError
from tests.examples.scripted import ScriptedGenerator, reply_like_a_small_model


@dataclass
class Receiver:
    """An OTLP/HTTP endpoint in memory."""

    url: str = ""
    refuse: int = 0  # spans said to be refused
    headers: list[dict[str, str]] = field(default_factory=list)
    requests: list[ExportTraceServiceRequest] = field(default_factory=list)

    def spans(self) -> list[dict[str, Any]]:
        return [
            {
                "name": span.name,
                "trace": span.trace_id.hex(),
                "id": span.span_id,
                "parent": span.parent_span_id,
                "status": span.status.code,
                **{attribute.key: _value(attribute.value) for attribute in span.attributes},
            }
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    return (
        [_value(item) for item in value.array_value.values] if kind == "array_value" else getattr(value, kind)
    )


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"])))
            found.headers.append({"path": self.path, **{k.lower(): v for k, v in self.headers.items()}})
            found.requests.append(ExportTraceServiceRequest.FromString(body))
            answer = ExportTraceServiceResponse()
            answer.partial_success.rejected_spans = found.refuse
            payload = answer.SerializeToString()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


def run_credit(receiver: Receiver, *names: str) -> tuple[list[Outcome], CheckedExporter, ScriptedGenerator]:
    copilot = COPILOTS["credit-assistant"]()
    exporter = CheckedExporter(receiver.url, "tb_token")
    provider = make_provider(copilot.key, exporter, environment="test")
    generator = ScriptedGenerator(reply_like_a_small_model)
    tasks = [task for task in copilot.tasks() if task.id in names]
    outcomes = run_tasks(assign(copilot, tasks, provider), generator, concurrency=4, report=lambda _: None)
    provider.shutdown()
    return outcomes, exporter, generator


def test_a_task_is_one_trace_of_the_five_kinds_of_span(receiver: Receiver) -> None:
    [outcome], exporter, _ = run_credit(receiver, "credit-08")
    spans = receiver.spans()
    assert {span["trace"] for span in spans} == {outcome.trace_id}
    assert sorted(span["name"] for span in spans) == [
        "chat scripted",
        "chat scripted",
        "chat scripted",
        "execute_tool affordability_calculator",
        "execute_tool bureau_lookup",
        "invoke_agent credit-assistant",
        "policy_check adverse_action_reasons",
        "policy_check no_promise_of_approval",
        "policy_check protected_characteristics",
        "policy_check refer_to_underwriter",
        "retrieval credit-assistant-index",
    ]
    [root] = [span for span in spans if not span["parent"]]
    assert all(span["parent"] == root["id"] for span in spans if span is not root)
    assert exporter.delivered == len(spans) == 11
    assert (exporter.undelivered, exporter.refusals) == (0, [])
    assert receiver.headers[0]["path"] == "/v1/traces"
    assert receiver.headers[0]["authorization"] == "Bearer tb_token"
    assert receiver.headers[0]["content-encoding"] == "gzip"


def test_the_root_carries_answer_claims_confidence_and_limits(receiver: Receiver) -> None:
    run_credit(receiver, "credit-04")
    [root] = [span for span in receiver.spans() if not span["parent"]]
    [claim] = json.loads(root["tracebinder.claims"])
    assert root["tracebinder.answer"][claim["start"] : claim["end"]] == claim["text"]
    asked, own = claim["citations"]
    assert asked["quote"] == "The charge for early repayment is at most 7 percent."  # wrong, and kept wrong
    assert own["document"] == "CR-PRICING"
    factors = json.loads(root["tracebinder.confidence.factors"])
    assert {factor["factor"] for factor in factors} == {
        "retrieval_score_margin",
        "mean_token_probability",
        "answer_quote_agreement",
    }
    assert root["tracebinder.limitations"]
    assert (root["tracebinder.language"], root["tracebinder.risk_tier"]) == ("en", "low")


def test_versions_stand_where_they_were_used(receiver: Receiver) -> None:
    run_credit(receiver, "credit-09")
    pins = {
        pin["slot"]: pin["digest"]
        for pin in COPILOTS["credit-assistant"]().manifest(model_name="m", model_digest="5c" * 32)["pins"]
    }
    spans = {span["name"].split(" ")[0]: span for span in receiver.spans()}
    assert spans["chat"]["tracebinder.model.digest"] == f"sha256:{pins['model']}"
    assert spans["chat"]["tracebinder.prompt.digest"] == f"sha256:{pins['prompt']}"
    assert spans["retrieval"]["tracebinder.index.digest"] == f"sha256:{pins['index']}"
    assert spans["policy_check"]["tracebinder.policy.digest"] == f"sha256:{pins['policy']}"
    assert spans["execute_tool"]["tracebinder.tool.digest"] == f"sha256:{pins['tool:bureau_lookup']}"
    assert json.loads(spans["retrieval"]["gen_ai.retrieval.documents"])[0]["id"] == "CR-HISTORY"


def test_the_draft_prompt_shows_a_version_the_release_does_not_pin(receiver: Receiver) -> None:
    run_credit(receiver, "credit-11")
    chats = [span for span in receiver.spans() if span["name"].startswith("chat")]
    pinned = f"sha256:{COPILOTS['credit-assistant']().prompt.digest}"
    assert {chat["gen_ai.prompt.version"] for chat in chats} == {"1.3.0-draft"}
    assert pinned not in {chat["tracebinder.prompt.digest"] for chat in chats}


def test_tasks_of_a_wave_share_batches_and_keep_their_own_traces(receiver: Receiver) -> None:
    outcomes, _, generator = run_credit(receiver, "credit-01", "credit-02", "credit-07", "credit-12")
    assert [outcome.task for outcome in outcomes] == ["credit-01", "credit-02", "credit-07", "credit-12"]
    assert len({outcome.trace_id for outcome in outcomes}) == 4
    assert [len(batch) for batch in generator.batches] == [4, 4, 1]  # answers, quotes, one decision
    assert outcomes[2].decision == "approve"
    assert outcomes[3].claims[0].citations[0].document == "CR-ZH-2018"  # a document that does not exist


def test_refused_spans_are_reported(receiver: Receiver) -> None:
    receiver.refuse = 2
    _, exporter, _ = run_credit(receiver, "credit-01")
    assert exporter.refusals == ["2 spans refused: "]


def test_a_failing_tool_fails_its_task_and_its_spans_still_arrive(receiver: Receiver) -> None:
    copilot = COPILOTS["credit-assistant"]()
    exporter = CheckedExporter(receiver.url, "tb_token")
    provider = make_provider(copilot.key, exporter, environment="test")
    good, bad = (task for task in copilot.tasks() if task.id in {"credit-01", "credit-09"})
    broken = replace(bad, tools=(replace(bad.tools[0], arguments={"applicant": "Nobody"}),))
    generator = ScriptedGenerator(reply_like_a_small_model)
    with pytest.raises(ToolError, match="Nobody"):
        run_tasks(assign(copilot, [good, broken], provider), generator, concurrency=4, report=lambda _: None)
    provider.shutdown()
    spans = receiver.spans()
    assert len({span["trace"] for span in spans}) == 2
    assert {span["name"] for span in spans if span["status"] == 2} == {
        "execute_tool bureau_lookup",
        "invoke_agent credit-assistant",
    }
