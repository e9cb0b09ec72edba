"""Errors as RFC 9457 problems, pages or OTLP statuses: one place where an exception becomes an answer.

It answers in the form that whoever asked reads: browsers a page, senders of protobuf a `google.rpc.Status`.

Django REST framework hands exceptions of API views to `handle_exception`; `config.middleware` hands those of all
other views to `answer`; what happens outside any view comes to the handlers that `config.urls` and the settings name.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import kombu.exceptions
import redis
from django.core.exceptions import (
    BadRequest,
    DisallowedHost,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import DataError, Error, IntegrityError
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
    UnreadablePostError,
)
from django.http.multipartparser import MultiPartParserError
from django.utils.cache import patch_vary_headers
from rest_framework import exceptions
from rest_framework.views import set_rollback

from config.problem_pages import show_problem
from evidence.api.inputs import faults_in
from evidence.database_errors import exceeds_a_limit, gave_way, is_of_an_upgrade, passes, state_of
from evidence.errors import ConflictingContent, EvidenceError, InvalidInput, ProofNeeded
from evidence.otlp.body import PROTOBUF
from evidence.otlp.errors import BodyTooLarge
from evidence.otlp.replies import encode_refusal
from evidence.problems import CONTENT_TYPE, problem_body
from evidence.worded import sentence_of, worded
from interpret.errors import InterpretError
from requirements.errors import RequirementsError

logger = logging.getLogger(__name__)

APP_ERRORS = (EvidenceError, ProofNeeded, RequirementsError, InterpretError)
_RETRY_AFTER: Final = 5  # seconds
_MACHINES: Final = ("/api/", "/v1/", "/log/")  # under which no address is a page, but for this one
_DOCS: Final = "/api/docs"


@dataclass(frozen=True, slots=True)
class Kind:
    """A problem that no app's error class stands for."""

    code: str
    status: int
    title: str
    means: str  # for docs/reference/errors.md


_KINDS: Final = (
    Kind("bad_request", 400, "Bad request", "The request is not one that a browser or an SDK would send."),
    Kind("host_not_allowed", 400, "Unknown host", "The request's host name is not in `TRACEBINDER_ALLOWED_HOSTS`."),
    Kind("parse_error", 400, "Malformed request", "The body is not what its content type says."),
    Kind("not_authenticated", 401, "Not signed in", "Nobody is signed in and no token was sent."),
    Kind("authentication_failed", 401, "Not signed in", "The token is unknown, expired or revoked."),
    Kind("permission_denied", 403, "Not permitted", "The caller is known and lacks the scope or the role for this."),
    Kind("csrf_failed", 403, "The form is out of date", "A form was sent without the token that its page held."),
    Kind("method_not_allowed", 405, "Method not allowed", "The address has no such method; `Allow` lists those."),
    Kind("not_acceptable", 406, "Not acceptable", "`Accept` asks for a format this address does not have."),
    Kind("unsupported_media_type", 415, "Unsupported media type", "The body's content type is not taken here."),
    Kind("unstorable_value", 422, "A value cannot be stored", "A value does not fit the column it is for."),
    Kind("throttled", 429, "Too many requests", "Wait as long as `Retry-After` says."),
    Kind("internal_error", 500, "Internal error", "Our fault. The error is in the server's log."),
    Kind("database_away", 503, "The database cannot be reached", "Send it again when `Retry-After` says."),
    Kind("database_busy", 503, "The database gave way to another request", "Send it again when `Retry-After` says."),
    Kind("database_upgrading", 503, "The database is being upgraded", "Send it again when `Retry-After` says."),
    Kind("broker_away", 503, "The message broker cannot be reached", "Work could not be handed to a worker."),
)  # fmt: skip
KINDS: Final[Mapping[str, Kind]] = {kind.code: kind for kind in _KINDS}

_UNKNOWN_OUTCOME: Final = (
    "The error is in the server's log. Whether this request was carried out is not known: look first, before you "
    "send it again."
)
_SIGN_IN: Final = "Sign in, or send a token as `Authorization: Bearer tb_…`."
_SEND_AGAIN: Final = (
    "Whether this was carried out is not known. Send it again later: nothing is stored twice."
)

# By SQLSTATE: a foreign key, unique or exclusion.
_CONFLICTS: Final = frozenset({"23503", "23505", "23P01"})
_CHECK: Final = "23514"


class WrongMethod(exceptions.MethodNotAllowed):
    """An address outside the API does not take this method."""

    def __init__(self, method: str, allowed: Sequence[str]) -> None:
        super().__init__(method)
        self.allowed = tuple(allowed)


@dataclass(frozen=True, slots=True)
class _Problem:
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)
    is_general: bool = False  # its detail says nothing that the words for its code do not


def handle_exception(exc: Exception, context: Mapping[str, Any]) -> HttpResponseBase | None:
    """Translate what an API view raised. `None` (an unexpected error) lets Django log it and answer 500."""
    request = context["request"]
    translated = _translate(exc, request.path)
    if translated is None:
        return None
    set_rollback()
    return _respond(request, translated)


def answer(request: HttpRequest, exc: BaseException) -> HttpResponse | None:
    """Translate what any other view raised; `None` as above."""
    translated = _translate(exc, request.path)
    return None if translated is None else _respond(request, translated)


def respond(request: HttpRequest, exc: EvidenceError | exceptions.APIException) -> HttpResponse:
    """Answer with an error that nobody raised."""
    return _respond(
        request, _of_api_exception(exc) if isinstance(exc, exceptions.APIException) else _of_app_error(exc)
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400."""
    return _respond(request, _translate(exception, request.path) or _of_kind("bad_request", str(exception)))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    return _respond(
        request, _translate(exception, request.path) or _of_kind("permission_denied", str(exception))
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404."""
    del exception
    return _respond(request, _nothing_at(request.path))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """What `CSRF_FAILURE_VIEW` names."""
    detail = f"Open the page again and send the form from there; nothing was stored. ({reason})"
    return _respond(request, _of_kind("csrf_failed", detail))


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500, called while the exception is handled. Of an unexpected one it says nothing of the cause."""
    exc = sys.exc_info()[1]
    translated = _translate(exc, request.path) if exc is not None else None
    return _respond(request, translated or _of_kind("internal_error", _UNKNOWN_OUTCOME))


def _translate(exc: BaseException, path: str) -> _Problem | None:
    if isinstance(exc, APP_ERRORS):
        return _of_app_error(exc)
    if isinstance(exc, Error):
        return _of_database_error(exc)
    if isinstance(exc, redis.RedisError | kombu.exceptions.OperationalError):
        logger.error("the broker is away: %s", exc)
        return _of_kind("broker_away", _SEND_AGAIN, {"Retry-After": str(_RETRY_AFTER)})
    if isinstance(exc, ValueError) and (detail := _unstorable_text(exc)):
        return _of_kind("unstorable_value", detail)
    if isinstance(exc, PermissionDenied):
        return _of_permission_denied(exc)
    return _nothing_at(path) if isinstance(exc, Http404) else _of_http_error(exc)


def _of_app_error(exc: Any) -> _Problem:
    members: dict[str, Any] = getattr(exc, "members", dict)()  # further RFC 9457 members, as `errors`
    body = (
        problem_body(code=exc.code, title=exc.title, status=exc.http_status, detail=sentence_of(exc))
        | members
    )
    retry_after = getattr(exc, "retry_after", None)  # seconds
    return _Problem(body, {"Retry-After": str(retry_after)} if retry_after else {})


def _of_database_error(exc: Error) -> _Problem | None:
    """Return what a caller is told of a database error: by its SQLSTATE, where its class says too little."""
    state = state_of(exc)
    if passes(exc):
        logger.error("the database could not: %s", exc)
        return _of_kind(_code_of_passing(exc), _SEND_AGAIN, {"Retry-After": str(_RETRY_AFTER)})
    if isinstance(exc, DataError) or state == _CHECK or exceeds_a_limit(exc):
        logger.warning("refused by the database: %s", exc, exc_info=exc)
        detail = "A value is too long, too large, or holds characters that cannot be stored."
        return _of_kind("unstorable_value", detail)
    if isinstance(exc, IntegrityError) and state in _CONFLICTS:
        logger.warning("refused by the database: %s", exc, exc_info=exc)
        conflict = ConflictingContent(
            worded(
                "Another request stored something that this one contradicts. Read what is there, then "
                "decide.",
            )
        )
        return _of_app_error(conflict)
    return None


def _code_of_passing(exc: Error) -> str:
    if is_of_an_upgrade(exc):
        return "database_upgrading"
    return "database_busy" if gave_way(exc) else "database_away"


def _unstorable_text(exc: ValueError) -> str:
    """Return what is wrong with a text that no check caught on its way to the database, or nothing."""
    if isinstance(exc, UnicodeEncodeError) and "surrogates" in exc.reason:
        return "A text holds half of a surrogate pair, which is not a character."
    if "integer string conversion" in str(exc):  # Python's limit of 4,300 digits
        return "A number has thousands of digits; nothing here is that large."
    return ""


def _of_http_error(exc: BaseException) -> _Problem | None:
    if isinstance(exc, exceptions.ValidationError):  # ours raise `InvalidInput`; this is a library's
        return _of_app_error(InvalidInput(faults=faults_in(exc.detail)))
    if isinstance(exc, exceptions.APIException):
        return _of_api_exception(exc)
    if isinstance(exc, DisallowedHost):
        return _of_kind(
            "host_not_allowed", worded("TRACEBINDER_ALLOWED_HOSTS lists the names this server answers to.")
        )
    if isinstance(exc, RequestDataTooBig):
        return _of_app_error(
            BodyTooLarge(worded("the body is larger than this server takes: send less at once"))
        )
    if isinstance(exc, SuspiciousOperation | BadRequest | MultiPartParserError | UnreadablePostError):
        return _of_kind("bad_request", str(exc) or "The request cannot be read: send it again.")
    return None


def _of_permission_denied(exc: PermissionDenied) -> _Problem:
    sentence = sentence_of(exc)
    problem = _of_api_exception(exceptions.PermissionDenied(sentence or None))
    if sentence:
        problem.body["detail"] = sentence  # with its template, which a page says in its reader's language
    return problem


def _of_api_exception(exc: exceptions.APIException) -> _Problem:
    headers = {}
    if (scheme := getattr(exc, "auth_header", None)) is not None:
        headers["WWW-Authenticate"] = scheme
    if (wait := getattr(exc, "wait", None)) is not None:
        headers["Retry-After"] = str(int(wait))
    if isinstance(exc, WrongMethod):
        headers["Allow"] = ", ".join(exc.allowed)
    kind = KINDS.get(exc.default_code)
    title = kind.title if kind else str(exc.default_detail).rstrip(".")
    detail = _SIGN_IN if isinstance(exc, exceptions.NotAuthenticated) else str(exc.detail)
    body = problem_body(code=exc.default_code, title=title, status=exc.status_code, detail=detail)
    return _Problem(
        body, headers, is_general=isinstance(exc, WrongMethod) or exc.detail == exc.default_detail
    )


def _nothing_at(path: str) -> _Problem:
    detail = f"There is nothing at {path[:200]}."
    body = problem_body(code="not_found", title="Not found", status=404, detail=detail)
    return _Problem(body, is_general=True)


def _of_kind(code: str, detail: str, headers: dict[str, str] | None = None) -> _Problem:
    kind = KINDS[code]
    return _Problem(
        problem_body(code=code, title=kind.title, status=kind.status, detail=detail or kind.means),
        headers or {},
        is_general=True,
    )


def _respond(request: Any, told: _Problem) -> HttpResponse:
    """Answer in the form that whoever asked reads. A fault of ours looks at nothing but the request's headers."""
    if told.body["code"] == ProofNeeded.code and _prefers_page(request):
        return _lead_to_proof(request)
    response = _in_form_of(request, told)
    for name, value in told.headers.items():
        response[name] = value
    patch_vary_headers(response, ["Accept"])
    return response


def _in_form_of(request: Any, told: _Problem) -> HttpResponse:
    """Return a problem as a page to a browser, as protobuf to a sender of it, and as JSON to everybody else."""
    body = told.body
    if _prefers_page(request):
        return show_problem(getattr(request, "_request", request), body, is_general=told.is_general)
    if (request.content_type or "").partition(";")[0].strip().lower() == PROTOBUF:
        said = encode_refusal(f"{body['code']}: {body['detail']}")
        return HttpResponse(said, status=body["status"], content_type=PROTOBUF)
    return JsonResponse(body, status=body["status"], content_type=CONTENT_TYPE)


def _lead_to_proof(request: Any) -> HttpResponse:
    from config.sign_in.proof import address_of_proof  # noqa: PLC0415  # a page, whose frame reads this module

    return HttpResponseRedirect(address_of_proof(getattr(request, "_request", request)))


def _prefers_page(request: Any) -> bool:
    """Whether HTML is what the client would rather have: browsers say so, scripts and SDKs say JSON or anything.

    An address of the API answers in JSON whoever asks: what reads it is a program, whatever it says it accepts.
    """
    django_request: HttpRequest = getattr(request, "_request", request)
    if django_request.path_info.startswith(_MACHINES) and django_request.path_info != _DOCS:
        return False
    return django_request.get_preferred_type([CONTENT_TYPE, "application/json", "text/html"]) == "text/html"
