"""Requirement files by API: what an import would do, the import, and the file as it stands."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import django_filters
from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import find_system, principal_of
from evidence.api.filtering import FilterSet
from evidence.api.inputs import Input, InputList, QueryInput
from evidence.api.otlp import read_posted_body
from evidence.api.reading import ScopedList
from evidence.api.scoped_view import ScopedView
from evidence.errors import InvalidInput
from evidence.models import Scope
from evidence.otlp.errors import BodyTooLarge
from evidence.problems import Problem
from requirements.models import SourceFileImport
from requirements.selectors.links import Suspicion
from requirements.services.importing import (
    Act,
    After,
    ImportPlan,
    ImportResult,
    Moves,
    SourceText,
    consequences_of,
    export_file,
    import_files,
    plan_import,
    told_dropped,
    told_plan,
)


class WordsOut(serializers.Serializer[Any]):
    """Words that both wordings have, or one of them."""

    op = serializers.ChoiceField(choices=["same", "removed", "added"])
    text = serializers.CharField()


class FieldChangeOut(serializers.Serializer[Any]):
    """One field that differs; null where it was not there, or is there no more."""

    path = serializers.CharField()
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)
    words = WordsOut(many=True, help_text="of a text, word by word; a Chinese character is a word")


class PlannedOut(serializers.Serializer[Any]):
    """What becomes of one requirement."""

    key = serializers.CharField()
    change = serializers.ChoiceField(choices=Act.choices())
    file = serializers.CharField()
    line = serializers.IntegerField(allow_null=True, help_text="of the file; null: it is not in it")
    came_from = serializers.CharField(
        allow_null=True, help_text="the file, with line, that it came from before"
    )
    number = serializers.IntegerField(allow_null=True, help_text="of its newest version now")
    state = serializers.CharField(allow_null=True, help_text="of its newest version now")
    changes = FieldChangeOut(many=True)
    ask = serializers.CharField(help_text="what somebody has to decide; empty: nothing")


class FaultOut(serializers.Serializer[Any]):
    """A fault, or what is none and may not be meant, at its place."""

    file = serializers.CharField()
    line = serializers.IntegerField()
    column = serializers.IntegerField()
    path = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()
    nearest = serializers.CharField(allow_null=True)


class SuspectLinkOut(serializers.Serializer[Any]):
    """A link that is clean now, and would be suspect."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    kind = serializers.CharField()
    suspicion = serializers.ChoiceField(choices=[Suspicion.DIRECT.value, Suspicion.TRANSITIVE.value])
    because = serializers.ListField(
        child=serializers.CharField(), help_text="what would move; of a transitive one, the links above it"
    )
    after = serializers.ChoiceField(
        choices=[each.value for each in After],
        help_text="approval of what is drafted, unless it is confirmed as editorial; retirement of what was dropped",
    )


class AddedLinkOut(serializers.Serializer[Any]):
    """A link that the files name, and that would be made."""

    name = serializers.CharField()
    kind = serializers.CharField()
    file = serializers.CharField()
    line = serializers.IntegerField()


class DroppedLinkOut(serializers.Serializer[Any]):
    """A link that an import of a file made, and its file names no longer. It stays until somebody withdraws it."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    kind = serializers.CharField()
    file = serializers.CharField()
    ask = serializers.CharField(help_text="what somebody has to decide")


class CriterionAnewOut(serializers.Serializer[Any]):
    """A criterion of a version that would be drafted: once it is approved, no assessment of before is of it."""

    name = serializers.CharField()
    check_name = serializers.CharField()
    suite = serializers.CharField(help_text="that it reads; empty: none")
    change = serializers.ChoiceField(choices=["added", "changed", "same"])
    verdict = serializers.CharField(
        help_text="of the approved version's on what is live; empty: there is none, or it is not yours to see"
    )


class PlanOut(serializers.Serializer[Any]):
    """What an import would do. Nothing was stored."""

    plan_digest = serializers.CharField(help_text="of what would be stored; not of what that leads to")
    applicable = serializers.BooleanField(help_text="false: something stands in the way, see conflicts")
    counts = serializers.DictField(child=serializers.IntegerField())
    summary = serializers.CharField(help_text="what it leads to, in a sentence")
    requirements = PlannedOut(many=True)
    links_suspect = SuspectLinkOut(many=True)
    links_added = AddedLinkOut(many=True)
    links_dropped = DroppedLinkOut(many=True)
    criteria = CriterionAnewOut(many=True, help_text="to be assessed anew")
    conflicts = FaultOut(many=True)
    warnings = FaultOut(many=True)


class ImportedOut(serializers.Serializer[Any]):
    """What one requirement of the file became."""

    key = serializers.CharField()
    number = serializers.IntegerField()
    digest = serializers.CharField()
    created = serializers.BooleanField()
    change = serializers.ChoiceField(choices=Act.choices())
    file = serializers.CharField()
    line = serializers.IntegerField()
    lint = serializers.JSONField()


class ImportOut(serializers.Serializer[Any]):
    """What some files became."""

    baseline = serializers.CharField(allow_null=True)
    created = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    plan_digest = serializers.CharField()
    requirements = ImportedOut(many=True)
    dropped = serializers.ListField(
        child=serializers.CharField(),
        help_text="keys that their file holds no longer: have each retired, or put it back",
    )
    links_dropped = DroppedLinkOut(many=True)
    warnings = FaultOut(many=True)


class FileQuery(QueryInput):
    """Where a requirement file belongs, what it is called, and whether it is only planned."""

    system = serializers.CharField()
    file = serializers.CharField(
        required=False,
        default="requirements.yaml",
        max_length=200,
        help_text="its name, which owns its requirements",
    )
    plan = serializers.BooleanField(
        required=False, default=False, help_text="only say what would be done; nothing is stored"
    )
    moves = serializers.CharField(
        required=False,
        default="",
        help_text="keys that may leave the file that owns them, with commas between",
    )
    moves_from = serializers.CharField(
        required=False,
        default="",
        max_length=200,
        help_text="a file that all keys may leave: one that was renamed",
    )
    plan_digest = serializers.CharField(
        required=False,
        default=None,
        max_length=64,
        help_text="of the plan that was read; another by now is a 409",
    )


class RequirementImport(ScopedView):
    """Import a requirement file. With any fault in it nothing is stored, and every fault is named with its line."""

    scopes = {"POST": Scope.IMPORT}
    queries = {"POST": FileQuery}

    @extend_schema(
        request={"application/yaml": OpenApiTypes.STR},
        responses={200: ImportOut, 201: ImportOut, 409: Problem, 422: Problem},
    )
    def post(self, request: Request) -> Response:
        """Import it; with `plan=true`, answer with a `PlanOut` and store nothing."""
        limit = settings.REQUIREMENTS_MAX_BODY
        source = read_posted_body(request._request, limit=limit)  # noqa: SLF001  # the bytes as sent
        moves = Moves(
            frozenset(filter(None, (key.strip() for key in self.query["moves"].split(",")))),
            frozenset(filter(None, [self.query["moves_from"]])),
        )
        return _answer(request, self.query, [SourceText(self.query["file"], source)], moves)


class SourceIn(Input):
    """A requirement file: its text, or its bytes in base64 where it is no UTF-8."""

    name = serializers.CharField(max_length=200, trim_whitespace=False)
    text = serializers.CharField(required=False, trim_whitespace=False, allow_blank=True)
    bytes_base64 = serializers.CharField(required=False, trim_whitespace=False, allow_blank=True)


class FilesIn(Input):
    """Requirement files that are one plan."""

    system = serializers.CharField()
    files = SourceIn.listed(limit="MAX_REQUIREMENTS")
    plan = serializers.BooleanField(required=False, default=False)
    moves = InputList(child=serializers.CharField(), required=False, default=list, limit="MAX_REQUIREMENTS")
    moves_from = InputList(
        child=serializers.CharField(), required=False, default=list, limit="MAX_REQUIREMENTS"
    )
    plan_digest = serializers.CharField(required=False, default=None, allow_null=True, max_length=64)


class RequirementFilesImport(ScopedView):
    """Import several requirement files, whole or not at all."""

    scopes = {"POST": Scope.IMPORT}

    @extend_schema(request=FilesIn, responses={200: ImportOut, 201: ImportOut, 409: Problem, 422: Problem})
    def post(self, request: Request) -> Response:
        """Import them; with `plan`, answer with a `PlanOut` and store nothing."""
        data = FilesIn(data=request.data)
        data.is_valid(raise_exception=True)
        values = data.validated_data
        sources = [SourceText(each["name"], _bytes_of(each)) for each in values["files"]]
        size, limit = sum(len(each.source) for each in sources), settings.REQUIREMENTS_MAX_BODY
        if size > limit:
            raise BodyTooLarge(f"the files have {size} bytes, the limit is {limit}: import them in parts")
        moves = Moves(frozenset(values["moves"]), frozenset(values["moves_from"]))
        return _answer(request, values, sources, moves)


def _bytes_of(file: Mapping[str, Any]) -> bytes:
    if ("text" in file) == ("bytes_base64" in file):
        raise InvalidInput(f"The file {file['name']!r} has either a text or a bytes_base64.")
    if "text" in file:
        return str(file["text"]).encode()
    try:
        return base64.b64decode(file["bytes_base64"], validate=True)
    except (binascii.Error, ValueError) as exc:
        raise InvalidInput(f"The bytes_base64 of {file['name']!r} is no base64.") from exc


def _answer(request: Request, asked: Mapping[str, Any], sources: list[SourceText], moves: Moves) -> Response:
    principal = principal_of(request)
    system = find_system(principal, asked["system"])
    if asked["plan"]:
        plan = plan_import(principal=principal, system=system, sources=sources, moves=moves)
        return Response(told_plan(plan, consequences_of(principal, system, plan)))
    result = import_files(
        principal=principal, system=system, sources=sources, moves=moves, plan_digest=asked["plan_digest"]
    )
    return Response(_told_result(result), status=201 if result.n_created else 200)


def _told_result(result: ImportResult) -> dict[str, object]:
    plan: ImportPlan = result.plan
    listed = [
        {
            "key": item.step.key,
            "number": item.version.number,
            "digest": item.version.artefact_version.digest,
            "created": item.created,
            "change": item.step.act.value,
            "file": item.file,
            "line": item.line,
            "lint": item.version.lint,
        }
        for item in result.requirements
    ]
    return {
        "baseline": result.baseline,
        "created": result.n_created,
        "unchanged": len(listed) - result.n_created,
        "plan_digest": plan.digest,
        "requirements": listed,
        "dropped": [step.key for step in plan.of_act(Act.DROPPED)],
        "links_dropped": told_dropped(result.links_dropped),
        "warnings": [warning.as_dict() for file in plan.files for warning in file.warnings],
    }


class SourceFileImportOut(serializers.ModelSerializer[SourceFileImport]):
    """One state of a requirement file that was imported."""

    system = serializers.CharField(source="source_file.system.key")
    file = serializers.CharField(source="source_file.name")

    class Meta:
        model = SourceFileImport
        fields = ["id", "system", "file", "digest", "size", "plan_digest", "imported_by", "created_at"]


class SourceFileImportFilter(FilterSet):
    """Narrow a list of imports."""

    system = django_filters.CharFilter("source_file__system__key")
    file = django_filters.CharFilter("source_file__name")

    class Meta:
        model = SourceFileImport
        fields = ["digest"]


class SourceFileImportList(ScopedList[SourceFileImport]):
    """Imports of requirement files, newest first."""

    queryset = SourceFileImport.objects.select_related("source_file__system")
    serializer_class = SourceFileImportOut
    filterset_class = SourceFileImportFilter


class ExportQuery(QueryInput):
    """Which file."""

    system = serializers.CharField()
    file = serializers.CharField(max_length=200)


class RequirementExport(ScopedView):
    """The file as it was imported, comments and order kept, with what was changed elsewhere since in its place."""

    scopes = {"GET": Scope.READ}
    queries = {"GET": ExportQuery}

    @extend_schema(responses={(200, "application/yaml"): OpenApiTypes.STR, 404: Problem})
    def get(self, request: Request) -> HttpResponse:
        """Answer with the file; `X-Tracebinder-As-Imported` says whether it is byte for byte what was imported."""
        system = find_system(principal_of(request), self.query["system"])
        exported = export_file(system, self.query["file"])
        return HttpResponse(
            exported.source,
            content_type="application/yaml; charset=utf-8",
            headers={"X-Tracebinder-As-Imported": "true" if exported.is_as_imported else "false"},
        )
