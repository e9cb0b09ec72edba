"""Artefacts, their versions, and who vouched for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, link, short_digest
from evidence.admin.frame.filters import related
from evidence.admin.frame.labels import choice_of
from evidence.admin.frame.life import show_life
from evidence.admin.frame.steps import PageStep, SteppedModelAdmin
from evidence.admin.version_steps import steps_of
from evidence.models import (
    INSTRUMENT_KINDS,
    Artefact,
    ArtefactKind,
    ArtefactVersion,
    GateState,
    ReadingState,
    Registration,
)
from evidence.selectors import proposals
from evidence.selectors.gates import with_standing
from evidence.selectors.proposals import replaced_digest, state_of
from evidence.selectors.readings import readings_with_standing
from evidence.services.gates import compare_references, read_environments, read_references


@admin.register(Artefact)
class ArtefactAdmin(ReadOnlyModelAdmin):
    list_display = ["__str__", "name", "kind", "system", "created_at"]
    list_filter = [related("system"), "kind"]
    list_select_related = ["system"]
    search_fields = ["key", "name"]
    ordering = ["-id"]
    chain = [ChainLink("Versions", "evidence.artefactversion", "artefact__id__exact")]


class RegisteredFilter(admin.SimpleListFilter):
    """Versions that somebody vouched for, that were only seen or pinned, and those that wait for an approver."""

    title = "registered"
    parameter_name = "registered"

    def lookups(self, request: object, model_admin: object) -> list[tuple[str, StrOrPromise]]:
        del request, model_admin
        return [("yes", _("Registered")), ("no", _("Only seen")), ("approver", _("Waits for an approver"))]

    def queryset(self, request: object, queryset: QuerySet[ArtefactVersion]) -> QuerySet[ArtefactVersion]:
        del request
        if self.value() is None:
            return queryset
        if self.value() == "approver":
            queryset = queryset.filter(artefact__kind__in=INSTRUMENT_KINDS)
        return queryset.filter(registration__isnull=self.value() != "yes")


class GateStateFilter(admin.SimpleListFilter):
    """Where a version of a gate stands."""

    title = "state of a gate"
    parameter_name = "gate"

    def lookups(self, request: object, model_admin: object) -> list[tuple[str, str]]:
        del request, model_admin
        return [(state.value, choice_of(state.value, state.label)) for state in GateState]

    def queryset(self, request: object, queryset: QuerySet[ArtefactVersion]) -> QuerySet[ArtefactVersion]:
        del request
        return queryset if self.value() is None else with_standing(queryset).filter(state_now=self.value())


def _show_standing(
    version: ArtefactVersion, none: StrOrPromise, this: StrOrPromise, other: StrOrPromise
) -> str:
    """Show where a version stands, and which one decides: none yet, this one, or another."""
    artefact, state = version.artefact, badge(state_of(version))
    deciding = proposals.find_deciding(artefact.system, ArtefactKind(artefact.kind), artefact.key)
    if deciding is None:
        return format_html("{} {}", state, none)
    if deciding.pk == version.pk:
        return format_html("{} {}", state, this)
    return format_html("{} {} {}", state, other, link(deciding))


def _compare_environments(
    replaced: ArtefactVersion | None, version: ArtefactVersion
) -> list[tuple[str, object]]:
    """Return each environment that a gate's version protects, or no longer does, with how it differs from before."""
    before = read_environments(replaced.metadata) if replaced else []
    after = read_environments(version.metadata)
    changes = [("kept" if name in before else "added", name) for name in after]
    changes += [("dropped", name) for name in before if name not in after]
    return [(change, _("protects %(environment)s") % {"environment": name}) for change, name in changes]


class ReadingStateFilter(admin.SimpleListFilter):
    """Where a version of a system's reading stands."""

    title = "state of a reading"
    parameter_name = "reading"

    def lookups(self, request: object, model_admin: object) -> list[tuple[str, str]]:
        del request, model_admin
        return [(state.value, choice_of(state.value, state.label)) for state in ReadingState]

    def queryset(self, request: object, queryset: QuerySet[ArtefactVersion]) -> QuerySet[ArtefactVersion]:
        del request
        if self.value() is None:
            return queryset
        return readings_with_standing(queryset).filter(state_now=self.value())


@admin.register(ArtefactVersion)
class ArtefactVersionAdmin(SteppedModelAdmin):
    list_display = ["__str__", "kind", "system", "digest_start", "basis", "standing", "created_at"]
    list_filter = [
        related("artefact__system"),
        "artefact__kind",
        RegisteredFilter,
        GateStateFilter,
        ReadingStateFilter,
    ]
    list_select_related = ["artefact__system", "registration"]
    list_defer = ["metadata"]
    search_fields = ["label", "artefact__key", "digest"]
    ordering = ["-id"]
    step_of, steps_title = "version", _("Decide on this version")
    fields = [
        "artefact", "number", "label", "digest", "digest_basis", "standing", "metadata_as_json", "blob",
        "created_at", "created_by",
    ]  # fmt: skip
    fields_of_gates = [
        "artefact", "number", "digest", "gate_state", "asks_for", "life", "created_at", "created_by",
    ]  # fmt: skip
    fields_of_readings = [
        "artefact", "number", "digest", "reading_state", "tried", "metadata_as_json", "life", "created_at",
        "created_by",
    ]  # fmt: skip
    chain = [
        ChainLink("Releases that pin it", "evidence.releasepin", "version__id__exact"),
        ChainLink("Traces that used it", "evidence.traceversion", "version__id__exact"),
        ChainLink("Documents (of an index)", "evidence.sourcedocument", "index_version__id__exact"),
        ChainLink("Evidence measured on it", "evidence.evidencelink", "version__id__exact"),
        ChainLink("Registration", "evidence.registration", "version__id__exact"),
        ChainLink("Requirement version", "requirements.requirementversion", "artefact_version__id__exact"),
        ChainLink("Gate decisions", "evidence.gatedecision", "gate_version__id__exact"),
        ChainLink("Steps of a gate's version", "evidence.gatetransition", "version__id__exact"),
        ChainLink("Steps of a reading's version", "evidence.readingtransition", "version__id__exact"),
        ChainLink(
            "All versions of the artefact", "evidence.artefactversion", "artefact__id__exact", "artefact_id"
        ),
    ]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Show of a gate or a reading what it says and what became of it."""
        of_kind = {ArtefactKind.GATE: self.fields_of_gates, ArtefactKind.READING: self.fields_of_readings}
        fields = of_kind.get(obj.artefact.kind) if obj is not None else None
        return list(fields) if fields else super().get_fields(request, obj)

    def steps_of(self, record: Any) -> Mapping[str, PageStep]:
        return steps_of(record)

    @admin.display(description=_("Where it stands"))
    def gate_state(self, version: ArtefactVersion) -> str:
        texts = (
            _("No version of this gate decides yet."),
            _("The gate decides by this version."),
            _("The gate decides by:"),
        )
        return _show_standing(version, *texts)

    @admin.display(description=_("Where it stands"))
    def reading_state(self, version: ArtefactVersion) -> str:
        texts = (
            _("Traces of this system are read as in any system."),
            _("Traces are read by this version."),
            _("Traces are read by:"),
        )
        return _show_standing(version, *texts)

    @admin.display(description=_("What it makes of stored traces"))
    def tried(self, version: ArtefactVersion) -> str:
        """Lead to where what the version says is tried, before somebody decides on it."""
        address = f"{reverse('admin:try_reading')}?{urlencode({'version': version.pk})}"
        return format_html('<a href="{}">{}</a>', address, _("Try it"))

    @admin.display(description=_("What it asks for"))
    def asks_for(self, version: ArtefactVersion) -> str:
        """Show each entry, and how it differs from the version this one was proposed in place of."""
        replaced = version.artefact.versions.filter(digest=replaced_digest(version)).first()
        before = read_references(replaced.metadata) if replaced else []
        told: list[tuple[str, object]] = [*compare_references(before, read_references(version.metadata))]
        told += _compare_environments(replaced, version)
        rows = format_html_join("", "<li>{} {}</li>", ((badge(change), str(entry)) for change, entry in told))
        against = format_html("<p>{} {}</p>", _("Compared with:"), link(replaced)) if replaced else ""
        return format_html("{}<ul class='tb-life'>{}</ul>", against, rows)

    @admin.display(description=_("Its life so far"))
    def life(self, version: ArtefactVersion) -> str:
        return show_life(proposals.transitions_of(version)) or "–"

    @admin.display(description="System", ordering="artefact__system")
    def system(self, version: ArtefactVersion) -> str:
        return version.artefact.system.key

    @admin.display(description="Kind", ordering="artefact__kind")
    def kind(self, version: ArtefactVersion) -> str:
        return choice_of(version.artefact.kind, version.artefact.kind)

    @admin.display(description="Digest", ordering="digest")
    def digest_start(self, version: ArtefactVersion) -> str:
        return short_digest(version.digest)

    @admin.display(description="Digest over", ordering="digest_basis")
    def basis(self, version: ArtefactVersion) -> str:
        return choice_of(version.digest_basis, version.get_digest_basis_display())

    @admin.display(description="Standing")
    def standing(self, version: ArtefactVersion) -> str:
        return badge("registered" if hasattr(version, "registration") else "unregistered")


@admin.register(Registration)
class RegistrationAdmin(ReadOnlyModelAdmin):
    list_display = ["version_link", "registered_by", "basis", "reason", "created_at"]
    list_filter = [related("version__artefact__system"), "basis"]
    list_select_related = ["version__artefact"]
    search_fields = ["registered_by", "version__artefact__key"]
    ordering = ["-id"]

    @admin.display(description="Version")
    def version_link(self, registration: Registration) -> str:
        return link(registration.version)
