"""The OpenAPI schema and a page to read it on, from files of our own: no script or style comes from another host."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import ensure_csrf_cookie
from drf_spectacular.views import SpectacularAPIView

from config.content_policy import HEADER, POLICY
from config.read_only import read_only
from evidence.api.scoped_view import ApiView


class SchemaView(ApiView, SpectacularAPIView):
    """The schema, for everybody."""

    authentication_classes = ()
    permission_classes = ()


@read_only
@ensure_csrf_cookie  # "Try it out" sends a form's token where somebody is signed in
def show_docs(request: HttpRequest) -> HttpResponse:
    """Show the schema as a page. Swagger UI's stylesheet holds its signs as `data:` images."""
    response = render(request, "api_docs.html", {"schema_url": reverse("schema")})
    response.headers[HEADER] = POLICY.replace("img-src 'self'", "img-src 'self' data:")
    return response
