"""The admin site: its name, a front page of what waits for a person, and nouns in the order of the chain."""

from __future__ import annotations

from functools import wraps
from http import HTTPStatus
from typing import Any, Final

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.text import capfirst
from django.utils.translation import gettext, gettext_lazy
from django.utils.translation import gettext_noop as _

from config.navigation import own_pages_of, places_of
from config.read_only import allow_methods
from evidence.access import principal_of_user
from evidence.api.inputs import check_parameters
from evidence.services.people import sign_ins
from evidence.services.people.passwords import record_password_changed

# All records, in the order of the chain. A noun that is missing here stands under its app, at the end.
SECTIONS: Final[dict[str, tuple[str, ...]]] = {
    _("Human review"): (
        "ReviewTask", "QueuedTask", "QueuePause", "ReviewerPause", "ReviewerSkill", "SavedFilter", "ReviewDraft",
        "Review", "ClaimJudgement", "Adjudication", "SamplingPlan", "FrozenPopulation", "SampleDraw",
        "GoldAnswer", "GoldDraw", "GoldTask", "GoldJudgement",
    ),
    _("What must hold"): (
        "Requirement", "RequirementVersion", "RequirementTransition", "RetirementRequest",
        "RetirementDismissal", "AcceptanceCriterion", "Assessment", "AssessmentWatch", "Baseline", "BaselineMember",
        "BaselineSignOff", "SourceFile", "SourceFileImport", "SourceFileEntry", "TraceLink", "LinkReview",
    ),
    _("What was released"): (
        "System", "Release", "ReleasePin", "Deployment", "Admission", "ServiceName", "Artefact", "ArtefactVersion",
        "Registration", "SourceDocument", "ReadingTransition",
    ),
    _("What was measured"): (
        "EvalRun", "EvalScore", "EvalSample", "EvalRemark", "EvalTotal", "LabelSet", "Label", "RetractionRequest",
        "Retraction", "RetractionDismissal",
        "GateTransition", "GateDecision", "WaiverRequest", "Waiver", "WaiverDismissal", "Evidence", "EvidenceLink",
        "Defeater", "DefeaterAnswer",
    ),
    _("What happened"): (
        "Trace", "Claim", "Citation", "PolicyCheck", "ToolCall", "Retrieval", "TraceVersion", "TraceDocument",
        "TraceFacts", "Span", "IngestBatch", "Reject", "PendingTrace",
    ),
    _("What the inside says"): (
        "ProbeSpec", "ProbeRun", "ProbePart", "Finding", "Dictionary", "Feature", "FeatureLabel",
    ),
    _("What can be verified"): (
        "Binder", "BinderRequest", "AuditEvent", "AuditPayload", "Leaf", "Checkpoint", "Tile", "OpenBinding",
        "Cosignature", "CheckpointTimestamp", "Moment", "Blob",
    ),
    _("What was kept and what went"): (
        "LegalHold", "LegalHoldRelease", "Erasure", "ErasureCertificate", "Disposal", "DisposedRows", "BlobRemoval",
    ),
    _("People and keys"): (
        "User", "Pseudonym", "Group", "Membership", "AccessProposal", "AccessConfirmation", "AccessToken",
        "SecondFactor", "SignInBinding",
    ),
}  # fmt: skip


class TracebinderAdminSite(admin.AdminSite):
    """Django's admin, with our name, the person's own work first, and nouns in the order of the chain."""

    site_header = "Tracebinder"
    site_title = "Tracebinder"
    index_title = gettext_lazy("Your work")
    site_url = None
    enable_nav_sidebar = True
    index_template = "admin/tracebinder/index.html"
    login_template = "admin/tracebinder/login.html"

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        from evidence.admin.front_page import proposals_of, unread_of, work_of  # noqa: PLC0415  # register with this site

        told = {"work": work_of(request), "proposals": proposals_of(request), "unread": unread_of(request)}
        return super().index(request, told | (extra_context or {}))

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:  # noqa: FBT001, FBT002  # Django's signature
        """Refuse the methods and the parameters that a page of the admin does not have; Django would ignore both."""
        return allow_methods("GET", "HEAD", "POST")(super().admin_view(_strict(view), cacheable))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the form to sign in; `next` says where to go then. Who came, or could not, is on record."""
        from config.sign_in.form import SignInForm  # noqa: PLC0415  # as above

        check_parameters(request.GET, [REDIRECT_FIELD_NAME], may_be_empty=True)
        self.login_form = SignInForm
        told = {
            "provider": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
            "takes_passwords": settings.PASSWORD_SIGN_IN,
        }
        with transaction.atomic():
            answer = super().login(request, told | (extra_context or {}))
            if request.method == "POST":
                _record_sign_in(request, answer)
        return answer

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Sign a person out, on record."""
        person = request.user
        with transaction.atomic():
            answer = super().logout(request, extra_context)
            if isinstance(person, User) and not request.user.is_authenticated:
                sign_ins.record_sign_out(person)
        return answer

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Let a person change their own password, on record."""
        with transaction.atomic():
            answer = super().password_change(request, extra_context)
            if request.method == "POST" and answer.status_code == HTTPStatus.FOUND:
                record_password_changed(principal=principal_of_user(request.user))
        return answer

    def choose_password(self, request: HttpRequest, uidb64: str, token: str) -> HttpResponseBase:
        """Show whoever comes by a one-time link where they choose a password. Nobody is signed in."""
        from config.password_link import PasswordLinkView  # noqa: PLC0415  # its forms need models

        check_parameters(request.GET, ())
        view = PasswordLinkView.as_view(extra_context=self.each_context(request))
        return view(request, uidb64=uidb64, token=token)

    def get_urls(self) -> list[Any]:
        from config.health_page import health  # noqa: PLC0415  # as above
        from config.records import all_records  # noqa: PLC0415  # as above
        from config.sign_in.proof import prove  # noqa: PLC0415  # as above
        from config.sign_in.provider import pages as provider  # noqa: PLC0415  # as above
        from config.sign_in.second_factor import second_factor  # noqa: PLC0415  # as above
        from evidence.pages.binder_check import check_binder  # noqa: PLC0415  # as above
        from evidence.pages.conversation import conversation  # noqa: PLC0415  # as above
        from evidence.pages.erasure import erasure  # noqa: PLC0415  # as above
        from evidence.pages.eval_comparison import compare_two_runs  # noqa: PLC0415  # as above
        from evidence.pages.eval_matrix import eval_matrix  # noqa: PLC0415  # as above
        from evidence.pages.gold import gold_answers  # noqa: PLC0415  # as above
        from evidence.pages.label_sheet import label_sheet  # noqa: PLC0415  # as above
        from evidence.pages.own_sample import own_sample  # noqa: PLC0415  # as above
        from evidence.pages.read_again import read_again  # noqa: PLC0415  # as above
        from evidence.pages.readings import try_a_reading  # noqa: PLC0415  # as above
        from evidence.pages.retention import retention  # noqa: PLC0415  # as above
        from evidence.pages.review_agreement import review_agreement  # noqa: PLC0415  # as above
        from evidence.pages.review_desk import judge_answer, review_desk  # noqa: PLC0415  # as above
        from evidence.pages.review_filters import review_filters, review_pause  # noqa: PLC0415  # as above
        from evidence.pages.review_reasons import review_reasons  # noqa: PLC0415  # as above
        from evidence.pages.review_tokens import review_tokens  # noqa: PLC0415  # as above
        from evidence.pages.search.page import search  # noqa: PLC0415  # as above
        from interpret.pages.asking import ask_probe  # noqa: PLC0415  # as above
        from interpret.pages.dictionaries import dictionaries, dictionary  # noqa: PLC0415  # as above
        from interpret.pages.feature import feature  # noqa: PLC0415  # as above
        from interpret.pages.finding import finding  # noqa: PLC0415  # as above
        from interpret.pages.findings import findings, tried  # noqa: PLC0415  # as above
        from interpret.pages.probe_run import probe_run  # noqa: PLC0415  # as above
        from requirements.pages.baselines import baseline  # noqa: PLC0415  # as above
        from requirements.pages.binder_export import export_binder  # noqa: PLC0415  # as above
        from requirements.pages.by_release import by_release  # noqa: PLC0415  # as above
        from requirements.pages.chain import chain  # noqa: PLC0415  # as above
        from requirements.pages.coverage import coverage, impact  # noqa: PLC0415  # as above
        from requirements.pages.desk import edit_draft, new_draft  # noqa: PLC0415  # as above
        from requirements.pages.dossier import dossier  # noqa: PLC0415  # as above
        from requirements.pages.importing import import_plan  # noqa: PLC0415  # as above
        from requirements.pages.links import link, links  # noqa: PLC0415  # as above

        choose_password = allow_methods("GET", "HEAD", "POST")(self.choose_password)
        return [
            path("records/", all_records, name="records"),
            path("search/", search, name="search"),
            path("health/", health, name="health"),
            path("readings/again/", read_again, name="read_again"),
            path("readings/try/", try_a_reading, name="try_reading"),
            path("conversation/", conversation, name="conversation"),
            path("erasures/plan/", erasure, name="erase"),
            path("retention/", retention, name="retention"),
            path("eval-runs/matrix/", eval_matrix, name="eval_matrix"),
            path("eval-runs/compare/", compare_two_runs, name="compare_runs"),
            path("label-sheet/<int:run_id>/", label_sheet, name="label_sheet"),
            path("review-agreement/", review_agreement, name="review_agreement"),
            path("review-desk/", review_desk, name="review_desk"),
            path("review-desk/<int:trace_id>/", judge_answer, name="judge_answer"),
            path("review-filters/", review_filters, name="review_filters"),
            path("review-gold/", gold_answers, name="gold_answers"),
            path("review-pause/", review_pause, name="review_pause"),
            path("review-reasons/", review_reasons, name="review_reasons"),
            path("review-tokens/", review_tokens, name="review_tokens"),
            path("draft/", new_draft, name="new_draft"),
            path("draft/<int:requirement_id>/", edit_draft, name="edit_draft"),
            path("import/", import_plan, name="import_plan"),
            path("links/", links, name="links"),
            path("links/<int:link_id>/", link, name="link"),
            path("by-release/", by_release, name="by_release"),
            path("coverage/<int:release_id>/", coverage, name="coverage"),
            path("dossier/<int:release_id>/", dossier, name="dossier"),
            path("dossier/<int:release_id>/sample/", own_sample, name="own_sample"),
            path("chain/<slug:kind>/<int:record_id>/", chain, name="chain"),
            path("binders/export/<int:release_id>/", export_binder, name="export_binder"),
            path("binders/verify/<int:binder_id>/", check_binder, name="check_binder"),
            path("impact/<int:release_id>/", impact, name="impact"),
            path("baselines/<int:baseline_id>/", baseline, name="baseline"),
            path("findings/", findings, name="findings"),
            path("findings/tried/", tried, name="tried"),
            path("findings/<int:finding_id>/", finding, name="finding"),
            path("probe-runs/ask/", ask_probe, name="ask_probe"),
            path("probe-runs/<int:run_id>/", probe_run, name="probe_run"),
            path("dictionaries/", dictionaries, name="dictionaries"),
            path("dictionaries/<int:dictionary_id>/", dictionary, name="dictionary"),
            path("features/<int:feature_id>/", feature, name="feature"),
            path("password-link/<uidb64>/<token>/", choose_password, name="password_link"),
            path("proof/", prove, name="proof"),
            path("second-factor/", second_factor, name="second_factor"),
            path("provider/sign-in/", provider.sign_in, name="provider_sign_in"),
            path("provider/proof/", provider.prove, name="provider_proof"),
            path("provider/return/", provider.come_back, name="provider_return"),
            *super().get_urls(),
        ]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Return what the frame of the admin's pages, and of ours, shows: with places in place of Django's sidebar.

        That would list all nouns, for a quarter of the time of every page. The page of all records asks for them.
        """
        return {
            "site_title": self.site_title,
            "site_header": self.site_header,
            "site_url": self.site_url,
            "has_permission": self.has_permission(request),
            "is_popup": False,
            "is_nav_sidebar_enabled": self.enable_nav_sidebar,
            "places": places_of(request),
            "own_pages": own_pages_of(request),
        }

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Return the nouns the person may see, by section; one app's own page keeps Django's order."""
        from evidence.admin.frame.headings import nouns_of  # noqa: PLC0415  # as above

        apps = super().get_app_list(request, app_label)
        for model in (model for app in apps for model in app["models"]):
            model["name"] = capfirst(nouns_of(model["name"]))
        if app_label is not None:
            return apps
        by_name = {model["object_name"]: (app, model) for app in apps for model in app["models"]}
        sections = []
        for title, names in SECTIONS.items():
            found = [by_name.pop(name) for name in names if name in by_name]
            if found:
                app = found[0][0]
                sections.append({**app, "name": gettext(title), "models": [model for _, model in found]})
        rest = [{**app, "models": [m for m in app["models"] if m["object_name"] in by_name]} for app in apps]
        return sections + [app for app in rest if app["models"]]


def _record_sign_in(request: HttpRequest, answer: HttpResponse) -> None:
    if answer.status_code == HTTPStatus.FOUND and isinstance(request.user, User):
        sign_ins.record_sign_in(request.user)
    elif typed := request.POST.get("username"):
        sign_ins.record_failed_sign_in(typed)


def _strict(view: Any) -> Any:
    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        from evidence.admin.frame.address import check_address  # noqa: PLC0415  # as above
        from evidence.pages.told_once import take_told  # noqa: PLC0415  # as above

        told = take_told(request)
        if told is not None:
            return told
        check_address(request, view)
        answer: HttpResponseBase = view(request, *args, **kwargs)
        return answer

    return checked
