"""Gates by API: ask for a decision, propose and approve versions of a gate."""

from __future__ import annotations

from typing import Any

import django_filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import find_system, principal_of
from evidence.api.filtering import FilterSet
from evidence.api.inputs import Input, InputList
from evidence.api.reading import ScopedDetail, ScopedList
from evidence.api.scoped_view import ScopedView
from evidence.models import ArtefactVersion, GateDecision, GateState, GateTransition, Scope
from evidence.problems import Problem
from evidence.selectors.gates import GateStanding, standing_of, with_standing
from evidence.selectors.proposals import replaced_digest
from evidence.services import gates, registry


class GateStandingOut(serializers.Serializer[GateStanding]):
    """Since when a version of a gate decides, or did, and by whom.

    `adopted` versions are on record from before versions were approved: nobody approved them.
    """

    state = serializers.ChoiceField(choices=[GateState.APPROVED.value, GateState.ADOPTED.value])
    proposed_by = serializers.ListField(child=serializers.CharField())
    approved_by = serializers.CharField(allow_null=True)
    since = serializers.DateTimeField()


class RetractionToldOut(serializers.Serializer[Any]):
    """Who asked that a run no longer counts, why, and who confirmed it; null while it waits and the run counts."""

    requested_by = serializers.CharField()
    reason = serializers.CharField()
    confirmed_by = serializers.CharField(allow_null=True)


class RunToldOut(serializers.Serializer[Any]):
    """An eval run that decides or was passed over, and why."""

    run_key = serializers.CharField()
    id = serializers.IntegerField()
    digest = serializers.CharField()
    commit = serializers.CharField()
    status = serializers.CharField()
    posted_by = serializers.CharField()
    observed_to = serializers.DateTimeField()
    received_at = serializers.DateTimeField()
    code = serializers.ChoiceField(choices=["decides", "earlier", "retracted", "empty"])
    detail = serializers.CharField()
    retractions = RetractionToldOut(many=True)


class LookToldOut(serializers.Serializer[Any]):
    """Which look at a metric a run is: the planned ones share what a wrong pass may cost."""

    question = serializers.CharField(help_text="Digest of the suite, the metric and the pinned versions.")
    number = serializers.IntegerField()
    planned = serializers.IntegerField()
    alpha = serializers.FloatField(
        allow_null=True, help_text="Of each of its bounds, one-sided; null beyond the plan."
    )
    earlier = serializers.ListField(child=serializers.CharField(), help_text="Keys of the last runs before.")


class JudgeToldOut(serializers.Serializer[Any]):
    """The judge that gave a metric, and what people's labels make of its scores."""

    judge = serializers.CharField()
    digest = serializers.CharField()
    state = serializers.ChoiceField(choices=["calibrated", "uncalibrated", "too_few_labels", "uncorrectable"])
    decides = serializers.BooleanField(help_text="The criterion is judged by the corrected value.")
    raw = serializers.FloatField(allow_null=True, help_text="The mean of the judge's scores.")
    value = serializers.FloatField(allow_null=True, help_text="Corrected; null unless calibrated.")
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    n_labels = serializers.IntegerField(help_text="Answers of which judge and people both say something.")
    n_units = serializers.IntegerField(help_text="Independent ones among them.")
    n_people = serializers.IntegerField()
    n_out_of_order = serializers.IntegerField(
        help_text="Labelled answers that do not count: one drawn before them has no label."
    )
    agreeing = serializers.FloatField(allow_null=True, help_text="Share on which both say the same.")
    kappa = serializers.FloatField(allow_null=True, help_text="Cohen's.")
    kappa_low = serializers.FloatField(allow_null=True)
    kappa_high = serializers.FloatField(allow_null=True)
    labels = serializers.CharField(help_text="Digest of the labels that count.")


class SideToldOut(serializers.Serializer[Any]):
    """One of two runs that are compared."""

    n = serializers.IntegerField(help_text="Items with a score.")
    missing = serializers.DictField(child=serializers.IntegerField())


class ComparedToldOut(serializers.Serializer[Any]):
    """Both runs, where one release is compared with another."""

    release = SideToldOut()
    baseline = SideToldOut()


class NumbersToldOut(serializers.Serializer[Any]):
    """What was measured, in the part that decides: the whole, or the worst slice."""

    where = serializers.DictField(child=serializers.CharField())
    value = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    bound = serializers.FloatField(allow_null=True, help_text="The end that is compared with the threshold.")
    bound_confidence = serializers.FloatField(help_text="One-sided.")
    comparator = serializers.ChoiceField(choices=["at_least", "at_most"])
    threshold = serializers.FloatField()
    unit = serializers.CharField()
    method = serializers.CharField(
        required=False, allow_blank=True, help_text="Of the bounds, docs/reference/gate-reasons.md."
    )
    n_units = serializers.IntegerField(
        allow_null=True, help_text="Independent ones; null where not told apart."
    )
    n_observations = serializers.IntegerField()
    units_of = serializers.CharField(
        required=False, allow_blank=True, help_text="What the units are; empty where the metric says it."
    )
    observations_of = serializers.CharField(required=False, allow_blank=True)
    n_waiting = serializers.IntegerField(
        required=False, help_text="Observations that do not count yet, because their unit may still grow."
    )
    missing = serializers.DictField(child=serializers.IntegerField())
    look = LookToldOut(required=False, allow_null=True)
    judge = JudgeToldOut(required=False, help_text="Left out where no judge gave the metric.")
    compared = ComparedToldOut(required=False, help_text="Left out where one run is measured.")


class SettlingOut(serializers.Serializer[Any]):
    """What would settle what is not met; `more_units` is null where more observations do not help."""

    more_units = serializers.IntegerField(allow_null=True)
    detail = serializers.CharField()


class TriedToldOut(serializers.Serializer[Any]):
    """Releases that a criterion judged since one met it; no verdict hangs on it."""

    releases = serializers.ListField(
        child=serializers.CharField(), help_text="In the order they were judged, this one last; of twenty."
    )
    number = serializers.IntegerField(help_text="How many, this one among them.")
    alpha = serializers.FloatField(help_text="Chance with which each alone passes wrongly, at most.")
    together = serializers.FloatField(help_text="With which one of so many does.")


class GateReasonOut(serializers.Serializer[Any]):
    """What a decision says of one criterion, pin, run or commit. Of `gate/2` and before: without code and numbers."""

    criterion = serializers.CharField()
    requirement = serializers.CharField()
    verdict = serializers.CharField()
    detail = serializers.CharField()
    code = serializers.CharField(required=False, help_text="docs/reference/gate-reasons.md")
    measured = NumbersToldOut(required=False, allow_null=True)
    runs = RunToldOut(many=True, required=False)
    passed_over = RunToldOut(many=True, required=False)
    would_settle = SettlingOut(required=False, allow_null=True)
    tried = TriedToldOut(
        required=False, help_text="Left out where this release is the first since one passed."
    )
    inputs_digest = serializers.CharField(required=False)
    code_version = serializers.CharField(required=False)
    waiver = serializers.JSONField(allow_null=True)


class GateDecisionOut(serializers.ModelSerializer[GateDecision]):
    """A decision with its reasons and the digest of all it rests on."""

    system = serializers.CharField(source="system.key")
    release = serializers.CharField(source="release.name")
    gate = serializers.CharField(source="gate_version.artefact.key")
    gate_version = serializers.IntegerField(source="gate_version.number")
    gate_standing = serializers.SerializerMethodField()
    reasons = serializers.SerializerMethodField()

    class Meta:
        model = GateDecision
        fields = [
            "id", "system", "release", "gate", "gate_version", "gate_standing", "as_of", "verdict", "reasons",
            "inputs_digest", "code_version", "decided_by", "decided_at",
        ]  # fmt: skip

    @extend_schema_field(GateReasonOut(many=True))
    def get_reasons(self, decision: GateDecision) -> Any:
        """Return the reasons as they were stored."""
        return decision.reasons

    @extend_schema_field(GateStandingOut)
    def get_gate_standing(self, decision: GateDecision) -> dict[str, Any] | None:
        """Return since when the version that decided does, and by whom."""
        standing = standing_of(decision.gate_version)
        return standing.as_dict() if standing else None


class GateDecisionIn(Input):
    """Which release is to pass, and on which runs the decision must rest."""

    system = serializers.CharField()
    release = serializers.CharField()
    run = InputList(
        child=serializers.CharField(max_length=200),
        limit="MAX_CRITERIA",
        required=False,
        default=list,
        help_text="Keys of runs that must be among those which decide: without one of them it is no pass.",
    )
    commit = serializers.CharField(
        required=False,
        default="",
        max_length=100,
        help_text="That those runs must be of; where none is named, every run that decides. Seven characters at least.",
    )


class GateDecide(ScopedView):
    """Ask a gate. `pass` only when every criterion is met or waived; missing evidence is `insufficient`.

    The version approved last decides. A gate of which no version is approved answers 409 (`gate_not_approved`).
    """

    scopes = {"POST": Scope.GATE}

    @extend_schema(
        request=GateDecisionIn, responses={201: GateDecisionOut, 404: Problem, 409: Problem, 422: Problem}
    )
    def post(self, request: Request, gate: str) -> Response:
        data = GateDecisionIn(data=request.data)
        data.is_valid(raise_exception=True)
        values, principal = data.validated_data, principal_of(request)
        system = find_system(principal, values["system"])
        decision = gates.decide_gate(
            principal=principal,
            system=system,
            gate=gate,
            release=registry.find_release(system, values["release"]),
            runs=values["run"],
            commit=values["commit"],
        )
        return Response(GateDecisionOut(decision).data, status=201)


class GateDecisionFilter(FilterSet):
    """Narrow a list of decisions."""

    system = django_filters.CharFilter("system__key")
    release = django_filters.CharFilter("release__name")
    gate = django_filters.CharFilter("gate_version__artefact__key")

    class Meta:
        model = GateDecision
        fields = ["verdict"]


class GateDecisions(ScopedList[GateDecision]):
    """Decisions, newest first."""

    queryset = GateDecision.objects.select_related(
        "system", "release", "gate_version__artefact", "gate_version__registration"
    ).prefetch_related("gate_version__gate_transitions")
    serializer_class = GateDecisionOut
    filterset_class = GateDecisionFilter


class GateDecisionDetail(ScopedDetail[GateDecision]):
    """A decision by its id, with its reasons."""

    queryset = GateDecisions.queryset
    serializer_class = GateDecisionOut


class CriterionReferenceIn(Input):
    """A baseline, a requirement, or one criterion of a requirement."""

    requirement = serializers.CharField(required=False, default="", max_length=100)
    criterion = serializers.CharField(required=False, default="", max_length=100)
    version = serializers.IntegerField(required=False, default=None, allow_null=True, min_value=1)
    baseline = serializers.CharField(required=False, default="", max_length=100)


class GateIn(Input):
    """Which criteria a gate is to ask for, each by a baseline or a requirement, and which environments it protects."""

    system = serializers.CharField()
    key = serializers.SlugField(max_length=100)
    name = serializers.CharField(required=False, default="", max_length=200)
    reason = serializers.CharField(required=False, default="", help_text="Why; shown to whoever approves it.")
    criteria = CriterionReferenceIn.listed(limit="MAX_CRITERIA")
    protects = InputList(
        child=serializers.CharField(max_length=100),
        limit="MAX_CRITERIA",
        required=False,
        default=list,
        help_text="Environments that no release is deployed to without a pass of this gate; `*`: all of the system.",
    )


class GateTransitionOut(serializers.ModelSerializer[GateTransition]):
    """A step of a version of a gate: who took it, why, and when."""

    class Meta:
        model = GateTransition
        fields = ["id", "to_state", "by", "reason", "at"]


class GateVersionOut(serializers.ModelSerializer[ArtefactVersion]):
    """A version of a gate: what it asks for and protects, where it stands, and whether it is the one that decides."""

    system = serializers.CharField(source="artefact.system.key")
    key = serializers.CharField(source="artefact.key")
    criteria = serializers.JSONField(source="metadata.criteria")
    protects = serializers.SerializerMethodField()
    replaces = serializers.SerializerMethodField()
    state = serializers.CharField(source="state_now")
    decides = serializers.SerializerMethodField()
    transitions = GateTransitionOut(source="gate_transitions", many=True)

    class Meta:
        model = ArtefactVersion
        fields = [
            "system", "key", "number", "digest", "criteria", "protects", "replaces", "state", "decides", "transitions",
            "created_at", "created_by",
        ]  # fmt: skip

    def get_protects(self, version: ArtefactVersion) -> list[str]:
        """Return the environments that no release is deployed to without a pass of this gate; `*`: all."""
        return gates.read_environments(version.metadata)

    def get_replaces(self, version: ArtefactVersion) -> str | None:
        """Return the digest of the version it was proposed in place of; null where none decided then."""
        return replaced_digest(version)

    def get_decides(self, version: Any) -> bool:
        """Return whether this is the version by which the gate decides."""
        return bool(version.pk == version.deciding_id)


class GateVersionFilter(FilterSet):
    """Narrow a list of versions of gates; `state=proposed` is what waits for an approver."""

    system = django_filters.CharFilter("artefact__system__key")
    key = django_filters.CharFilter("artefact__key")
    state = django_filters.ChoiceFilter("state_now", choices=GateState.choices)

    class Meta:
        model = ArtefactVersion
        fields = ["digest"]


class Gates(ScopedList[ArtefactVersion]):
    """List versions of gates, newest first; propose one."""

    scopes = {"GET": Scope.READ, "POST": Scope.IMPORT}
    queryset = (
        with_standing(ArtefactVersion.objects.all())
        .select_related("artefact__system")
        .prefetch_related("gate_transitions")
    )
    serializer_class = GateVersionOut
    filterset_class = GateVersionFilter

    @extend_schema(request=GateIn, responses={201: GateVersionOut, 409: Problem, 422: Problem})
    def post(self, request: Request) -> Response:
        """Propose a gate, or the next version of it; it decides nothing until an approver, another person, agrees.

        The same criteria and environments again answer the same.
        """
        data = GateIn(data=request.data)
        data.is_valid(raise_exception=True)
        values, principal = data.validated_data, principal_of(request)
        version = gates.propose_gate(
            principal=principal,
            system=find_system(principal, values["system"]),
            key=values["key"],
            name=values["name"],
            reason=values["reason"],
            references=[gates.CriterionReference(**entry) for entry in values["criteria"]],
            protects=values["protects"],
        )
        return Response(GateVersionOut(Gates.queryset.get(pk=version.pk)).data, status=201)


class GateTransitionIn(Input):
    """What becomes of a proposed version, and why."""

    system = serializers.CharField()
    to_state = serializers.ChoiceField(choices=list(gates.SETTLED))
    reason = serializers.CharField(required=False, default="", allow_blank=True)


class GateTransitions(ScopedView):
    """Settle a proposed version of a gate: an approver, another person, approves or declines; its proposer withdraws.

    Declining says why.
    """

    scopes = {"POST": (Scope.READ, Scope.IMPORT)}

    @extend_schema(
        request=GateTransitionIn,
        responses={201: GateTransitionOut, 403: Problem, 404: Problem, 409: Problem, 422: Problem},
    )
    def post(self, request: Request, gate: str, number: int) -> Response:
        data = GateTransitionIn(data=request.data)
        data.is_valid(raise_exception=True)
        values, principal = data.validated_data, principal_of(request)
        transition = gates.settle_gate_proposal(
            principal=principal,
            version=gates.find_gate_version(find_system(principal, values["system"]), gate, number),
            to_state=values["to_state"],
            reason=values["reason"],
        )
        return Response(GateTransitionOut(transition).data, status=201)
