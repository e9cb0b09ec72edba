"""Gold answers: made in a form, withdrawn by a button, with the draws that gave them and what was said of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from evidence import acts
from evidence.access import Principal
from evidence.admin.frame.add_form import AddPage, AddsThroughService
from evidence.admin.frame.base import ReadOnlyModelAdmin
from evidence.admin.frame.display import badge, link, listed
from evidence.admin.frame.filters import related
from evidence.admin.frame.steps import PageStep, SteppedModelAdmin
from evidence.admin.frame.words import in_words
from evidence.admin.gold_form import GoldAnswerForm
from evidence.admin.review.records import ByTokenFilter, CameByToken
from evidence.models import GoldAnswer, GoldDraw, GoldJudgement, GoldTask
from evidence.services.gold import make_gold, withdraw_gold

_LONG: Final = [
    "task__trace__answer", "task__trace__question", "task__trace__exchanges", "task__trace__sources",
    "task__trace__confidence_factors", "task__trace__limitations",
]  # fmt: skip


def _may_withdraw(principal: Principal, gold: GoldAnswer) -> bool:
    return not gold.is_withdrawn and acts.can_withdraw_gold(principal, gold.task)


def _withdraw(*, principal: Principal, reason: str, gold: GoldAnswer) -> GoldAnswer:
    return withdraw_gold(principal=principal, task=gold.task, reason=reason)


STEPS: Final[Mapping[str, PageStep]] = {
    "withdrawn": PageStep(
        gettext_lazy("Withdraw"),
        _may_withdraw,
        _withdraw,
        gettext_lazy("It is gold no more, and what was said of it counts in no result."),
    ),
}


@admin.register(GoldAnswer)
class GoldAnswerAdmin(AddsThroughService, SteppedModelAdmin):
    change_list_template = "admin/evidence/gold_answers.html"
    list_display = ["__str__", "answer", "says_right", "is_withdrawn", "made_by", "created_at"]
    list_filter = [related("task__system"), "is_withdrawn"]
    list_select_related = ["task__trace", "task__system"]
    list_defer = ["rationale", *_LONG]
    ordering = ["-id"]
    fields = ["answer", "number", "says_right", "rationale", "is_withdrawn", "made_by", "created_at"]
    steps, step_of, steps_title = STEPS, "gold", gettext_lazy("Decide on this")
    reason_label = gettext_lazy("Why it is gold no more")

    adds = AddPage(
        form=GoldAnswerForm,
        store=make_gold,
        said=gettext_lazy("What is right of this answer is on record. A draw gives it to reviewers."),
        title=gettext_lazy("Say what is right of an answer"),
        lead=gettext_lazy(
            "An answer whose reviews are there can be given to reviewers again, hidden among the others, to "
            "see how they judge. Say which decisions are right, and why. Nobody picks who is given it, or "
            "when, and you never are."
        ),
        button=gettext_lazy("Put it on record"),
        listed=gettext_lazy("Gold answers"),
    )

    def may_add(self, principal: Principal) -> bool:
        """Approvers say what is right; the form calls the service, which asks again for the answer."""
        return acts.can_approve(principal)

    @admin.display(description=gettext_lazy("Answer"))
    def answer(self, gold: GoldAnswer) -> SafeString | str:
        return link(gold.task, gold.task.trace)

    @admin.display(description=gettext_lazy("What is right"))
    def says_right(self, gold: GoldAnswer) -> str:
        return listed(in_words(each) for each in gold.right) or "–"


@admin.register(GoldDraw)
class GoldDrawAdmin(ReadOnlyModelAdmin):
    """The secret of a draw is shown once the draw that it settles is on record."""

    list_display = ["__str__", "system", "reviewer", "number", "gold_link", "created_at"]
    list_filter = [related("system")]
    list_select_related = ["system", "reviewer", "gold"]
    list_defer = ["gold__rationale"]
    ordering = ["-id"]
    fields = [
        "system", "reviewer", "number", "gold_link", "among", "reviews_before", "every", "used_seed", "created_at",
    ]  # fmt: skip
    kept_columns = ["seed"]

    @admin.display(description=gettext_lazy("Gold answer"))
    def gold_link(self, draw: GoldDraw) -> SafeString | str:
        return link(draw.gold)

    @admin.display(description=gettext_lazy("Secret of the next draw"))
    def used_seed(self, draw: GoldDraw) -> str:
        next_one = GoldDraw.objects.filter(
            system=draw.system_id, reviewer=draw.reviewer_id, number=draw.number + 1
        )
        return draw.seed if next_one.exists() else "–"


@admin.register(GoldTask)
class GoldTaskAdmin(ReadOnlyModelAdmin):
    list_display = ["task", "reviewer", "draw"]
    list_filter = [related("task__system")]
    list_select_related = ["task__trace", "reviewer", "draw"]
    list_defer = _LONG
    ordering = ["-draw"]


@admin.register(GoldJudgement)
class GoldJudgementAdmin(CameByToken, ReadOnlyModelAdmin):
    list_display = ["decided", "reviewer", "by_token", "answer", "reason_code", "created_at"]
    list_filter = [related("task__system"), "decision", ByTokenFilter]
    list_select_related = ["reviewer", "task__trace"]
    list_defer = ["rationale", "corrected_answer", *_LONG]
    ordering = ["-id"]

    @admin.display(description=gettext_lazy("Decision"), ordering="decision")
    def decided(self, judged: GoldJudgement) -> SafeString:
        return badge(judged.decision)

    @admin.display(description=gettext_lazy("Answer"))
    def answer(self, judged: GoldJudgement) -> SafeString | str:
        return link(judged.task, judged.task.trace)
