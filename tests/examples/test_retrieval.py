from __future__ import annotations

from pathlib import Path

import pytest

from examples.catalogue import COPILOTS
from examples.common.documents import DocumentError, load_documents
from examples.common.retrieval import tokenise


def test_words_and_chinese_bigrams_are_the_terms() -> None:
    assert tokenise("What is the 40 percent limit?") == ["40", "percent", "limit"]
    assert tokenise("税后月收入40%") == ["税后", "后月", "月收", "收入", "40"]
    assert tokenise("每 月") == ["每", "月"]


@pytest.mark.parametrize(
    ("copilot", "question", "document"),
    [
        ("credit-assistant", "What must a self-employed applicant provide?", "CR-INCOME"),
        ("credit-assistant", "自雇申请人须提供什么收入证明？", "CR-ZH-INCOME"),
        ("aml-copilot", "How long are records kept?", "FC-RECORDS"),
        ("aml-copilot", "什么是现金拆分？", "FC-ZH-STRUCT"),
        ("customer-service", "I lost my card", "CS-CARD"),
        ("customer-service", "加急跨境汇款收费多少？", "CS-ZH-TRANSFER"),
    ],
)
def test_the_question_finds_its_document(copilot: str, question: str, document: str) -> None:
    hits = COPILOTS[copilot]().retriever.search(question)
    assert hits[0].passage.document.id == document
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_a_question_without_a_known_term_finds_nothing() -> None:
    assert COPILOTS["customer-service"]().retriever.search("xylophone 琵琶") == []


def test_every_copilot_has_documents_in_both_languages_and_enough_tasks() -> None:
    for load in COPILOTS.values():
        copilot = load()
        assert len(copilot.documents) >= 8
        assert {"en", "zh-Hans"} == {document.language for document in copilot.documents}
        tasks = copilot.tasks()
        assert len(tasks) >= 12
        assert {"en", "zh-Hans"} == {task.language for task in tasks}
        assert len({task.id for task in tasks}) == len(tasks)
        assert len(copilot.tools) == 2
        assert {tool.name for task in tasks for tool in task.tools} == set(copilot.tools)


def test_a_document_without_its_header_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.md").write_text("no header here\n")
    with pytest.raises(DocumentError, match=r"bad\.md"):
        load_documents(tmp_path)


def test_two_documents_of_one_id_are_refused(tmp_path: Path) -> None:
    for name in ("a.md", "b.md"):
        header = "id: X-1\ntitle: T\nlanguage: en\nvalid_until: 2027-12-31\n"
        (tmp_path / name).write_text(f"---\n{header}---\ntext\n")
    with pytest.raises(DocumentError, match="same id"):
        load_documents(tmp_path)
