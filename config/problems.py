"""Errors as RFC 9457 problems: one place where an exception becomes an answer."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from evidence.errors import EvidenceError
from evidence.problems import CONTENT_TYPE, problem, problem_body
from interpret.errors import InterpretError
from requirements.errors import RequirementsError

logger = logging.getLogger(__name__)

_APP_ERRORS = (EvidenceError, RequirementsError, InterpretError)
_DATABASE_RETRY_AFTER: Final = 5  # seconds


def handle_exception(exc: Exception, context: Mapping[str, Any]) -> Response | None:  # noqa: ARG001  # DRF's
    """Translate what a view raised. `None` (an unexpected error) lets Django log it and answer 500."""
    translated = _translate(exc)
    if translated is None:
        return None
    body, headers = translated
    set_rollback()
    response = Response(body, status=body["status"], headers=headers, content_type=CONTENT_TYPE)
    response["Content-Type"] = CONTENT_TYPE
    return response


def _translate(exc: Exception) -> tuple[dict[str, Any], dict[str, str]] | None:
    if isinstance(exc, _APP_ERRORS):
        members: dict[str, Any] = getattr(exc, "members", dict)()  # further RFC 9457 members, as `errors`
        body = problem_body(code=exc.code, title=exc.title, status=exc.http_status, detail=str(exc)) | members
        retry_after = getattr(exc, "retry_after", None)  # seconds
        return body, {"Retry-After": str(retry_after)} if retry_after else {}
    if isinstance(exc, OperationalError | InterfaceError):
        logger.error("the database is away: %s", exc)
        return problem_body(
            code="database_away",
            title="The database cannot be reached",
            status=503,
            detail="Whether this request was carried out is not known; it is safe to send it again in some seconds.",
        ), {"Retry-After": str(_DATABASE_RETRY_AFTER)}
    if isinstance(exc, Http404):
        exc = exceptions.NotFound()
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    if isinstance(exc, exceptions.ValidationError):
        detail = "Some fields are not acceptable; `errors` says which and why."
        return problem_body(
            code="invalid_input", title="Invalid input", status=422, detail=detail, errors=exc.detail
        ), {}
    if isinstance(exc, exceptions.APIException):
        headers = {}
        if (scheme := getattr(exc, "auth_header", None)) is not None:
            headers["WWW-Authenticate"] = scheme
        if (wait := getattr(exc, "wait", None)) is not None:
            headers["Retry-After"] = str(int(wait))
        return problem_body(
            code=exc.default_code,
            title=str(exc.default_detail),
            status=exc.status_code,
            detail=str(exc.detail),
        ), headers
    return None


def not_found(request: HttpRequest, exception: Exception) -> JsonResponse:
    """Django's handler404."""
    del exception
    return problem(
        code="not_found", title="Not found", status=404, detail=f"There is nothing at {request.path}."
    )


def server_error(request: HttpRequest) -> JsonResponse:
    """Django's handler500. It says nothing of the cause: that is in the log."""
    del request
    return problem(
        code="internal_error",
        title="Internal error",
        status=500,
        detail="The error is in the server's log. Nothing of this request was stored; it is safe to send it again.",
    )
