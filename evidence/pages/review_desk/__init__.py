"""The review desk: one answer at a time, its claims, the source behind each, and the judgement beside them."""

from evidence.pages.review_desk.views import judge_answer, review_desk

__all__ = ["judge_answer", "review_desk"]
