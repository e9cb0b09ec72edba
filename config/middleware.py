"""What stands before and after every view: text that cannot be stored is stopped, errors become answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase

from config import problems
from evidence.errors import Fault, InvalidInput
from evidence.otlp.errors import WrongAddress

_TRACES: Final = "/v1/traces"
_LOGS: Final = "/v1/logs"
_WITH_SLASH: Final = frozenset({f"{_TRACES}/", f"{_LOGS}/"})
_ROOT: Final = (
    "Traces are posted to /v1/traces and logs to /v1/logs. Set OTEL_EXPORTER_OTLP_ENDPOINT to the root of this server, "
    "to which the SDK adds the path; OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is the whole address, with the path."
)
_ADVICE: Final = {
    "": _ROOT,
    "/v1": _ROOT,
    _TRACES + _TRACES: f"The path stands twice. {_ROOT}",
    _LOGS + _LOGS: f"The path stands twice. {_ROOT}",
    _TRACES + _LOGS: f"The endpoint is that of traces and not the root. {_ROOT}",
    "/v1/metrics": "Metrics are not taken, because they are evidence of no answer: set OTEL_METRICS_EXPORTER=none.",
    "/v1development/profiles": "Profiles are not taken.",
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export": (
        "gRPC is not served. Set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, or put a collector between, as "
        "docs/guides/send-telemetry.md says."
    ),
}


class AnswerProblems:
    """Hands what a view raised to `config.problems`, and refuses addresses that hold a NUL character.

    PostgreSQL has no text with a NUL in it, so such an address can name nothing; and wherever one went unchecked, the
    database would say so.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if fault := _fault_in_address(request):
            return problems.respond(request, InvalidInput(faults=[fault]))
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed):  # Django's own views answer with an empty body
            return problems.respond(
                request, problems.WrongMethod(str(request.method), response["Allow"].split(", "))
            )
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer an exception that is somebody's answer; any other is Django's to log."""
        return problems.answer(request, exception)


class FindExports:
    """Leads exports that come to an address beside the right one there, or tells their sender which it is."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method == "POST":
            if request.path_info in _WITH_SLASH:
                request.path_info = request.path_info.rstrip("/")
            elif advice := _ADVICE.get(request.path_info.rstrip("/")):
                return problems.respond(request, WrongAddress(advice))
        return self.get_response(request)


class KeepNoCopies:
    """Asks browsers and proxies to keep no answer, but those that say themselves how long they may be kept.

    Evidence that stays in a cache is read by whoever uses the machine next, and outlives its erasure.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def _fault_in_address(request: HttpRequest) -> Fault | None:
    if "\x00" in request.path_info:
        return Fault("path", "", "unstorable_value", "The address holds a NUL character, which no name has.")
    for name, values in request.GET.lists():
        if any("\x00" in text for text in (name, *values)):
            shown = name.replace("\x00", "\\u0000")[:100]
            message = f"{shown} holds a NUL character, which no stored text has."
            return Fault("query", shown, "unstorable_value", message)
    return None
