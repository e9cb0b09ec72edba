"""One requirement by API, as on the author's desk: its text, what there is to say of it, and a draft of it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import find_system, principal_of
from evidence.api.inputs import Input, QueryInput
from evidence.api.scoped_view import ScopedView
from evidence.models import Scope
from evidence.problems import Problem
from requirements.api.imports import FaultOut
from requirements.api.requirements import LintWarningOut
from requirements.models import Change, RequirementState, RequirementVersion
from requirements.selectors.desk import find_requirement, open_requirement
from requirements.selectors.requirements import state_of
from requirements.services.desk import check_draft, propose_draft, save_draft
from requirements.services.transitions import WhatWasRead
from requirements.yaml_import import Reading, read_text

_TEXT = "a requirement as an entry of a requirement file has it, without its dash: YAML, or JSON"


class WrittenIn(Input):
    """A requirement to look at."""

    system = serializers.CharField()
    text = serializers.CharField(trim_whitespace=False, allow_blank=True, help_text=_TEXT)


class PlacedWarningOut(LintWarningOut):
    """One doubt, with the line of the text that it is about."""

    line = serializers.IntegerField(help_text="of the text, from 1")
    column = serializers.IntegerField()


class FoundOut(serializers.Serializer[Any]):
    """What there is to say of a requirement. Nothing was stored."""

    key = serializers.CharField(allow_null=True, help_text="null: it has faults")
    faults = FaultOut(many=True, help_text="what keeps it from being saved, each at its line")
    warnings = FaultOut(many=True, help_text="what is no fault and may not be meant")
    lint = PlacedWarningOut(many=True, help_text="with faults elsewhere, of the words alone")
    not_covered = serializers.ListField(
        child=serializers.CharField(), help_text="languages that the linter has no rules for"
    )


class RequirementCheck(ScopedView):
    """Say what is wrong and what is doubtful about one requirement, line by line; nothing is stored."""

    scopes = {"POST": Scope.IMPORT}

    @extend_schema(request=WrittenIn, responses={200: FoundOut, 422: Problem})
    def post(self, request: Request) -> Response:
        """Answer with 200 whatever is found: a fault is what was asked for."""
        data = WrittenIn(data=request.data)
        data.is_valid(raise_exception=True)
        values, principal = data.validated_data, principal_of(request)
        reading = _read(values["text"])
        found = check_draft(
            principal=principal, system=find_system(principal, values["system"]), reading=reading
        )
        answer = {
            "key": reading.draft.key if reading.draft and not found.faults else None,
            "faults": [fault.as_dict() for fault in found.faults],
            "warnings": [warning.as_dict() for warning in found.warnings],
            "lint": [
                warning.as_dict() | dict(zip(("line", "column"), reading.find(warning.where), strict=True))
                for warning in found.lint
            ],
            "not_covered": found.not_covered,
        }
        return Response(FoundOut(answer).data)


class DraftIn(WrittenIn):
    """A requirement to save as a draft, and what it was written against."""

    digest = serializers.CharField(
        required=False,
        default="",
        max_length=64,
        help_text="of the newest version as you read it; left out of a requirement that is new",
    )
    from_state = serializers.ChoiceField(
        choices=RequirementState.choices,
        required=False,
        default="",
        help_text="the state of the newest version as you read it",
    )
    change = serializers.ChoiceField(
        choices=Change.choices, required=False, default="", help_text="what the change is, if you know"
    )
    propose = serializers.BooleanField(
        required=False, default=False, help_text="ask for its approval as well, both or neither"
    )


class DraftOut(serializers.Serializer[Any]):
    """The newest version of a requirement, and whether this made it."""

    key = serializers.CharField()
    number = serializers.IntegerField()
    digest = serializers.CharField()
    state = serializers.CharField()
    created = serializers.BooleanField()
    lint = LintWarningOut(many=True)


class RequirementDrafts(ScopedView):
    """Save one requirement as a new version in draft. The same text again changes nothing.

    Of a requirement that is there, name the `digest` and the `from_state` of the newest version as you read them
    (`GET /api/v1/requirements/{key}/draft`): 409 `draft_outdated` says what stands where that is something else. What a
    file owns is changed there: 409 `key_of_another_file` names the file and the line.
    """

    scopes = {"POST": Scope.IMPORT}

    @extend_schema(request=DraftIn, responses={200: DraftOut, 201: DraftOut, 409: Problem, 422: Problem})
    def post(self, request: Request) -> Response:
        """Save it, and propose it where that is asked."""
        data = DraftIn(data=request.data)
        data.is_valid(raise_exception=True)
        values, principal = data.validated_data, principal_of(request)
        system = find_system(principal, values["system"])
        reading = _read(values["text"])
        read = WhatWasRead(values["digest"], values["from_state"])
        if values["propose"]:
            step, is_new = propose_draft(
                principal=principal, system=system, reading=reading, read=read, change=values["change"]
            )
            version = step.version
        else:
            version, is_new = save_draft(
                principal=principal, system=system, reading=reading, read=read, change=values["change"]
            )
        return Response(DraftOut(_told(version, is_new=is_new)).data, status=201 if is_new else 200)


def _read(text: str) -> Reading:
    return read_text(text.encode("utf-8", "surrogatepass"), "text")


def _told(version: RequirementVersion, *, is_new: bool) -> dict[str, Any]:
    return {
        "key": version.requirement.key,
        "number": version.number,
        "digest": version.artefact_version.digest,
        "state": state_of(version),
        "created": is_new,
        "lint": version.lint,
    }


class DraftQuery(QueryInput):
    """Of which system."""

    system = serializers.CharField()


class OpenedOut(serializers.Serializer[Any]):
    """The newest version of a requirement as a text to edit, with what to name when it is saved."""

    key = serializers.CharField()
    number = serializers.IntegerField()
    digest = serializers.CharField()
    state = serializers.ChoiceField(choices=RequirementState.choices)
    text = serializers.CharField(help_text=_TEXT)
    owner = serializers.CharField(
        allow_null=True, help_text="the file, with line, in which it is changed; null: no file owns it"
    )


class RequirementDraft(ScopedView):
    """A requirement as a text to edit, links with it."""

    scopes = {"GET": Scope.READ}
    queries = {"GET": DraftQuery}

    @extend_schema(responses={200: OpenedOut, 404: Problem})
    def get(self, request: Request, key: str) -> Response:
        system = find_system(principal_of(request), self.query["system"])
        opened = open_requirement(find_requirement(system, key))
        answer = {
            "key": key,
            "number": opened.version.number,
            "digest": opened.version.artefact_version.digest,
            "state": opened.standing.state,
            "text": opened.text,
            "owner": str(opened.owner) if opened.owner else None,
        }
        return Response(OpenedOut(answer).data)
