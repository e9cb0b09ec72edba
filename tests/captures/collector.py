"""What a library exports, as OTLP/JSON that says nothing of the machine it was made on.

Runs in the environment of the library that is tried, which has `opentelemetry-proto` where it exports protobuf.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

_BASE64_IDS = ("traceId", "spanId", "parentSpanId")
# Of the machine, the process or a file on it; and the schemas of tools that repeat in every span.
_LEFT_OUT = re.compile(
    r"^(code\.|process\.|host\.|thread\.|os\.|container\.|service\.instance|server\.|url\.|net\.|langfuse\.environment"
    r"|langsmith\.metadata\.(LANGSMITH|revision|lc_|langgraph_|checkpoint|ls_integration|_type))"
)
_PATH = re.compile(r"(file://)?(/[\w.@+-]+){2,}/(?=[\w.@+-]+\.(py|[cm]?[jt]s)\b)")
_PORT = re.compile(r"(127\.0\.0\.1|localhost):\d+")
_LONG = 6_000  # characters of one value; a stack trace or a system prompt beyond them is cut

received: dict[str, list[dict[str, Any]]] = {"traces": [], "logs": []}


class CollectorHandler(BaseHTTPRequestHandler):
    """Takes `/v1/traces` and `/v1/logs` as protobuf or JSON, whatever path stands before."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self._read()
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        signal = self.path.rstrip("/").rsplit("/", 1)[-1]
        if signal in received:
            received[signal].append(_decode(signal, self.headers.get("Content-Type", ""), body))
        self.send_response(200)
        self.send_header("Content-Type", self.headers.get("Content-Type", "application/json"))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self.do_POST()

    def _read(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":  # as node sends
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().strip(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def log_message(self, *_: object) -> None:
        """Say nothing: what a script prints is its own."""


def _decode(signal: str, media_type: str, body: bytes) -> dict[str, Any]:
    if "json" in media_type:
        return json.loads(body)
    from google.protobuf.json_format import MessageToDict
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    kind = ExportTraceServiceRequest if signal == "traces" else ExportLogsServiceRequest
    return MessageToDict(kind.FromString(body))


def write_bodies(stem: Path) -> None:
    """Write what arrived as `stem.json` and, where there are logs, `stem.logs.json`; and forget it."""
    for signal, resources, ending in (
        ("traces", "resourceSpans", ".json"),
        ("logs", "resourceLogs", ".logs.json"),
    ):
        rows = [_cleaned(row) for body in received[signal] for row in body.get(resources, [])]
        received[signal].clear()
        if rows:
            text = json.dumps({resources: rows}, ensure_ascii=False, indent=1)
            Path(f"{stem}{ending}").write_text(text + "\n", encoding="utf-8")


def _cleaned(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _cleaned(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [_cleaned(one) for one in value if not _of_the_machine(one)]
    if not isinstance(value, str):
        return value
    if key in _BASE64_IDS and not re.fullmatch(r"([0-9a-f]{16}){1,2}", value):
        return base64.b64decode(value).hex()
    return _PORT.sub(r"\1:8080", _PATH.sub("", value))[:_LONG]


def _of_the_machine(row: Any) -> bool:
    return isinstance(row, dict) and "value" in row and bool(_LEFT_OUT.match(str(row.get("key", ""))))
