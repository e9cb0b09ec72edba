"""Saying that a release went live or that an environment went back to one, and asking what was live."""

from __future__ import annotations

from typing import Any, cast

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence import clock
from evidence.access import Principal, find_system, principal_of, visible_to
from evidence.api.inputs import Input, QueryInput
from evidence.api.scoped_view import ScopedView
from evidence.errors import NotFound
from evidence.models import Admission, Deployment, Scope
from evidence.problems import Problem
from evidence.selectors.deployments import (
    PinChange,
    Suspects,
    changes_of,
    live_at,
    suspect_evidence,
    suspects_of,
)
from evidence.services import deployments, registry
from evidence.services.gates import KEPT_OUT


class DeploymentIn(Input):
    """A release going live."""

    system = serializers.CharField()
    environment = serializers.CharField(max_length=100)
    release = serializers.CharField(max_length=100)
    effective_from = serializers.DateTimeField()
    decision = serializers.IntegerField(
        required=False,
        default=None,
        allow_null=True,
        min_value=1,
        max_value=2**63 - 1,
        help_text="Id of the decision that lets it in, of a protected environment; refused if it is not the newest.",
    )


class RollbackIn(Input):
    """A protected environment going back to a release that gates let in there before what is live now."""

    system = serializers.CharField()
    environment = serializers.CharField(max_length=100)
    release = serializers.CharField(max_length=100)
    effective_from = serializers.DateTimeField()
    reason = serializers.CharField(help_text="What happened; whoever reads the record later is told.")


class UnmetOut(serializers.Serializer[Any]):
    """What a gate finds unmet and nobody waived."""

    criterion = serializers.CharField()
    requirement = serializers.CharField()
    verdict = serializers.CharField()
    code = serializers.CharField(allow_blank=True, help_text="docs/reference/gate-reasons.md")
    detail = serializers.CharField()


class AdmissionOut(serializers.ModelSerializer[Admission]):
    """What a gate that protects the environment said as the deployment was recorded, and the pass that let it in."""

    gate = serializers.CharField(source="gate_version.artefact.key")
    gate_version = serializers.IntegerField(source="gate_version.number")
    decision = serializers.IntegerField(source="decision_id", allow_null=True)
    unmet = UnmetOut(many=True)

    class Meta:
        model = Admission
        fields = [
            "gate",
            "gate_version",
            "decision",
            "as_of",
            "verdict",
            "unmet",
            "inputs_digest",
            "code_version",
        ]


class PinChangeOut(serializers.Serializer[PinChange]):
    """A slot in which the release that stood there pins another version; null: it pins none."""

    slot = serializers.CharField()
    before = serializers.CharField(source="before.digest", default=None, allow_null=True)
    after = serializers.CharField(source="after.digest", default=None, allow_null=True)


class EarlierDeploymentOut(serializers.ModelSerializer[Deployment]):
    """Another deployment in the same environment."""

    release = serializers.CharField(source="release.name")

    class Meta:
        model = Deployment
        fields = ["id", "release", "effective_from"]


class DeploymentOut(serializers.ModelSerializer[Deployment]):
    """What is live from when, who put it there, why they could, and what goes suspect by it.

    `changed` compares with what stood there; evidence that was measured on a version that left is `suspect_evidence`.
    Links that it made suspect, and criteria that were assessed on what stood there alone, are named until somebody
    clears or assesses them.
    """

    system = serializers.CharField(source="system.key")
    release = serializers.CharField(source="release.name")
    replaces = EarlierDeploymentOut(allow_null=True)
    restores = EarlierDeploymentOut(allow_null=True)
    admissions = serializers.SerializerMethodField()
    changed = serializers.SerializerMethodField()
    suspect_evidence = serializers.SerializerMethodField()
    suspect_links = serializers.SerializerMethodField()
    suspect_criteria = serializers.SerializerMethodField()

    class Meta:
        model = Deployment
        fields = [
            "id", "system", "environment", "release", "effective_from", "deployed_by", "basis", "reason", "admissions",
            "replaces", "restores", "changed", "suspect_evidence", "suspect_links",
            "suspect_criteria", "created_at",
        ]  # fmt: skip

    @property
    def _principal(self) -> Principal:
        return principal_of(self.context["request"])

    @extend_schema_field(AdmissionOut(many=True))
    def get_admissions(self, deployment: Deployment) -> Any:
        """Return what each gate said, without what counts reviews of answers that the reader may still judge."""
        rows = deployment.admissions.select_related("gate_version__artefact").order_by("pk")
        return AdmissionOut(visible_to(rows, self._principal), many=True).data

    @extend_schema_field(PinChangeOut(many=True))
    def get_changed(self, deployment: Deployment) -> Any:
        """Return what differs from what stood there, by slot."""
        return [PinChangeOut(change).data for change in changes_of(deployment)]

    def get_suspect_evidence(self, deployment: Deployment) -> list[int]:
        """Return the ids of evidence items that were measured on a version that left, of those the reader may see."""
        return list(visible_to(suspect_evidence(deployment), self._principal).values_list("pk", flat=True))

    def get_suspect_links(self, deployment: Deployment) -> list[str]:
        """Return the links that went suspect by it and are so still: `R>prompt:p`."""
        return list(self._suspects(deployment).links)

    def get_suspect_criteria(self, deployment: Deployment) -> list[str]:
        """Return the criteria that were assessed on what stood there, and are not yet on what is live: `R/c`."""
        return list(self._suspects(deployment).criteria)

    def _suspects(self, deployment: Deployment) -> Suspects:
        """Return what it left to be looked at, found once for both fields."""
        known: dict[int, Suspects] = cast("dict[str, Any]", self.context).setdefault("suspects", {})
        if deployment.pk not in known:
            known[deployment.pk] = suspects_of(deployment)
        return known[deployment.pk]


class KeptOutOut(serializers.Serializer[Any]):
    """A gate that does not let the release in, and why."""

    gate = serializers.CharField()
    gate_version = serializers.IntegerField()
    decision = serializers.IntegerField(
        allow_null=True, help_text="Its newest on the release; null: there is none."
    )
    code = serializers.ChoiceField(choices=list(KEPT_OUT))
    to_do = serializers.CharField()
    unmet = UnmetOut(many=True)


class PromotionProblem(Problem):
    """A refusal; of `promotion_refused`, with each gate that keeps the release out."""

    gates = KeptOutOut(many=True, required=False)


class LiveQuery(QueryInput):
    """Where, and when."""

    system = serializers.CharField()
    environment = serializers.CharField()
    at = serializers.DateTimeField(required=False, help_text="ISO 8601; now where left out")


class Deployments(ScopedView):
    """Say that a release went live; ask what was live at a time."""

    scopes = {"GET": Scope.READ, "POST": Scope.IMPORT}
    queries = {"GET": LiveQuery}

    @extend_schema(
        request=DeploymentIn,
        responses={201: DeploymentOut, 403: Problem, 404: Problem, 409: PromotionProblem, 422: Problem},
    )
    def post(self, request: Request) -> Response:
        """Say that a release is live in an environment from a time on.

        Where a gate protects the environment, it takes the newest decision of the gate on exactly this release, a pass
        by the version in force that still holds: otherwise 409 (`promotion_refused`), with what is unmet.
        """
        data = DeploymentIn(data=request.data)
        data.is_valid(raise_exception=True)
        values, principal = data.validated_data, principal_of(request)
        system = find_system(principal, values["system"])
        deployment = deployments.record_deployment(
            principal=principal,
            system=system,
            environment=values["environment"],
            release=registry.find_release(system, values["release"]),
            effective_from=values["effective_from"],
            decision=values["decision"],
        )
        return Response(DeploymentOut(deployment, context={"request": request}).data, status=201)

    @extend_schema(
        responses={200: DeploymentOut, 404: Problem, 422: Problem},
    )
    def get(self, request: Request) -> Response:
        """Return what was live in an environment at a time."""
        system = find_system(principal_of(request), self.query["system"])
        environment, at = self.query["environment"], self.query.get("at") or clock.now()
        deployment = live_at(system=system, environment=environment, at=at)
        if deployment is None:
            raise NotFound(f"Nothing was live in {environment!r} at {at.isoformat()}.")
        return Response(DeploymentOut(deployment, context={"request": request}).data)


class Rollbacks(ScopedView):
    """Say that a protected environment went back to a release that gates let in there before, and why.

    No gate keeps it out; what each says of the release now stands beside it.
    """

    scopes = {"POST": Scope.IMPORT}

    @extend_schema(
        request=RollbackIn,
        responses={201: DeploymentOut, 403: Problem, 404: Problem, 409: Problem, 422: Problem},
    )
    def post(self, request: Request) -> Response:
        data = RollbackIn(data=request.data)
        data.is_valid(raise_exception=True)
        values, principal = data.validated_data, principal_of(request)
        system = find_system(principal, values["system"])
        deployment = deployments.roll_back(
            principal=principal,
            system=system,
            environment=values["environment"],
            release=registry.find_release(system, values["release"]),
            effective_from=values["effective_from"],
            reason=values["reason"],
        )
        return Response(DeploymentOut(deployment, context={"request": request}).data, status=201)
