"""What stands before and after every view: text that cannot be stored is stopped, errors become answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase

from config import problems
from evidence.errors import Fault, InvalidInput
from evidence.otlp.errors import NO_METRICS, WrongAddress
from evidence.worded import worded

_TRACES: Final = "/v1/traces"
_LOGS: Final = "/v1/logs"
_API: Final = "/api/v1/"  # whose addresses say themselves which methods they take
_TAKEN: Final = frozenset({_TRACES, _LOGS})
_SLASHES: Final = re.compile("/{2,}")
_ROOT: Final = (
    "Traces are posted to /v1/traces and logs to /v1/logs. Set OTEL_EXPORTER_OTLP_ENDPOINT to the root of this server, "
    "to which the SDK adds the path; OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is the whole address, with the path."
)
_BY_OTLP: Final = (
    "Set OTEL_TRACES_EXPORTER=otlp, or put a collector between that sends OTLP/HTTP to /v1/traces."
)
_ADVICE: Final = {
    "": _ROOT,
    "/v1": _ROOT,
    _TRACES + _TRACES: f"The path stands twice. {_ROOT}",
    _LOGS + _LOGS: f"The path stands twice. {_ROOT}",
    _TRACES + _LOGS: f"The endpoint is that of traces and not the root. {_ROOT}",
    "/v1/metrics": NO_METRICS,
    "/v1development/profiles": "Profiles are not taken.",
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export": (
        "gRPC is not served. Set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, or put a collector between, as "
        "docs/guides/send-telemetry.md says."
    ),
    "/api/v2/spans": f"Zipkin's format is not taken. {_BY_OTLP}",
    "/api/traces": f"Jaeger's format is not taken. {_BY_OTLP}",
}


class AnswerProblems:
    """Hands what a view raised to `config.problems`, and refuses addresses that hold a NUL character.

    PostgreSQL has no text with a NUL in it, so such an address can name nothing; and wherever one went unchecked, the
    database would say so. A cookie that holds one is none that we gave out, and is treated as if it had not come.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if fault := _fault_in_address(request):
            return problems.respond(request, InvalidInput(faults=[fault]))
        _forget_unstorable_cookies(request)
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
            path = _SLASHES.sub("/", request.path_info).rstrip("/")
            if path in _TAKEN:
                request.path_info = path
            elif advice := _advice_at(path):
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


def _advice_at(path: str) -> str | None:
    """Return what the sender of an export to another address is told; None where it is no export."""
    ends_like_one = path.lower().endswith((_TRACES, _LOGS)) and not path.startswith(_API)
    return _ADVICE.get(path) or (_ROOT if ends_like_one else None)


def _forget_unstorable_cookies(request: HttpRequest) -> None:
    """Take cookies that hold a NUL out of a request: in a header it is written as `\\000`, which Django reads."""
    for name in [name for name, value in request.COOKIES.items() if "\x00" in name + value]:
        del request.COOKIES[name]


def _fault_in_address(request: HttpRequest) -> Fault | None:
    if "\x00" in request.path_info:
        return Fault(
            "path", "", "unstorable_value", worded("The address holds a NUL character, which no name has.")
        )
    for name, values in request.GET.lists():
        if any("\x00" in text for text in (name, *values)):
            shown = name.replace("\x00", "\\u0000")[:100]
            message = worded("%(name)s holds a NUL character, which no stored text has.", name=shown)
            return Fault("query", shown, "unstorable_value", message)
    return None
