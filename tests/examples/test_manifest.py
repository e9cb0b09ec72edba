from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from examples.catalogue import COPILOTS
from examples.common.digests import sha256_hex
from examples.common.documents import index_digest, load_documents


@pytest.mark.parametrize("system", list(COPILOTS))
def test_the_manifest_is_the_same_each_time_and_has_a_digest_a_pin(system: str) -> None:
    first, second = (COPILOTS[system]().manifest(model_name="m", model_digest="ab" * 32) for _ in range(2))
    assert first == second
    assert first["system"]["key"] == system
    slots = [pin["slot"] for pin in first["pins"]]
    assert len(set(slots)) == len(slots) == 6
    assert {"model", "prompt", "index", "policy"} < set(slots)
    assert all(len(pin["digest"]) == 64 and int(pin["digest"], 16) for pin in first["pins"])


def test_the_digest_of_a_document_is_of_its_text() -> None:
    manifest = COPILOTS["credit-assistant"]().manifest(model_name="m", model_digest="ab" * 32)
    [index] = [pin for pin in manifest["pins"] if pin["kind"] == "index"]
    assert len(index["documents"]) == 12
    assert all(document["digest"] == sha256_hex(document["text"].encode()) for document in index["documents"])


@pytest.mark.parametrize("system", list(COPILOTS))
def test_the_index_says_of_each_document_until_when_it_holds(system: str) -> None:
    [index] = [
        pin for pin in COPILOTS[system]().manifest(model_name="m", model_digest="ab" * 32)["pins"]
        if pin["kind"] == "index"
    ]  # fmt: skip
    said = index["metadata"]["documents"]
    assert said.keys() == {document["id"] for document in index["documents"]}
    assert all(date.fromisoformat(each["valid_until"]) for each in said.values())


def test_one_changed_word_changes_the_index_and_order_does_not(tmp_path: Path) -> None:
    source = COPILOTS["aml-copilot"]().folder / "documents"
    folder = Path(shutil.copytree(source, tmp_path / "documents"))
    before = load_documents(folder)
    assert index_digest(before) == index_digest(before[::-1]) == COPILOTS["aml-copilot"]().index_digest
    changed = folder / "mules.md"
    changed.write_text(changed.read_text().replace("48 hours", "49 hours"))
    assert index_digest(load_documents(folder)) != index_digest(before)


@pytest.mark.parametrize("system", list(COPILOTS))
def test_one_task_runs_a_prompt_that_is_no_part_of_the_release(system: str) -> None:
    copilot = COPILOTS[system]()
    drafts = [task for task in copilot.tasks() if task.prompt is not None]
    assert len(drafts) == 1
    assert copilot.prompt_for(drafts[0]).digest != copilot.prompt.digest
