"""Runs the scenarios of one library against the model server and writes what the library exported.

    python tests/captures/SCRIPT.py FOLDER [SCENARIO ...]

The environment is set before the library is imported, so scripts import it inside their functions.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from collector import CollectorHandler, write_bodies
from model_server import ModelHandler, serve

SYSTEM = "acme-assistant"
_ONE = "--one"


def main(name: str, scenarios: Mapping[str, Callable[[], None]]) -> None:
    """Run each scenario in a process of its own, as what a library sets up is set up for good."""
    if sys.argv[1] == _ONE:
        scenarios[sys.argv[2]]()
        _flush()
        return
    folder = Path(sys.argv[1]) / name
    folder.mkdir(parents=True, exist_ok=True)
    model, collector = serve(ModelHandler), serve(CollectorHandler)
    model_url = f"http://127.0.0.1:{model.server_port}"
    collector_url = f"http://127.0.0.1:{collector.server_port}"
    for scenario in sys.argv[2:] or scenarios:
        for old in folder.glob(f"{scenario}.*json"):
            old.unlink()
        script = [sys.executable, sys.argv[0], _ONE, scenario]
        subprocess.run(script, env=environment(model_url, collector_url), check=True, timeout=120)
        write_bodies(folder / scenario)


def environment(model_url: str, collector_url: str) -> dict[str, str]:
    """What a process needs to find both servers, and nothing of who runs it."""
    kept = {
        key: os.environ[key]
        for key in ("PATH", "LANG", "HOME", "TRACEBINDER_NODE_PACKAGES")
        if key in os.environ
    }
    return {
        **kept,
        "OPENAI_API_KEY": "none",
        "OPENAI_BASE_URL": f"{model_url}/v1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector_url,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_RESOURCE_ATTRIBUTES": f"service.name={SYSTEM}",
        "OTEL_SERVICE_NAME": SYSTEM,
        "NO_PROXY": "127.0.0.1",
    }


def start_tracing() -> Any:
    """Set a tracer provider up that exports at once, and return it."""
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return provider


def start_logging() -> Any:
    """Set a logger provider up, for libraries that send events as log records, and return it."""
    from opentelemetry import _logs
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    provider = LoggerProvider()
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
    _logs.set_logger_provider(provider)
    return provider


def _flush() -> None:
    try:
        from opentelemetry import trace
        from opentelemetry._logs import get_logger_provider
    except ImportError:  # a library of another language flushes by itself
        return
    for provider in (trace.get_tracer_provider(), get_logger_provider()):
        flush = getattr(provider, "force_flush", None)
        if flush:
            flush()
