"""A copilot: its documents, prompts, tools and policy, read from its folder, and the release they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examples.common.documents import Document, index_digest, load_documents
from examples.common.policy import Policy, load_policy
from examples.common.prompts import PromptVersion, load_prompt
from examples.common.retrieval import Retriever
from examples.common.tasks import Task, load_tasks
from examples.common.tools import Tool


@dataclass(frozen=True, slots=True)
class Copilot:
    """One worked system, as released."""

    key: str  # of the system
    name: str
    risk_tier: str
    release: str
    folder: Path
    documents: tuple[Document, ...]
    index_name: str
    index_version: str
    retriever: Retriever
    prompt: PromptVersion
    policy: Policy
    tools: Mapping[str, Tool]

    @property
    def index_digest(self) -> str:
        """Digest over the digests of its documents."""
        return index_digest(self.documents)

    def tasks(self) -> tuple[Task, ...]:
        """Return its tasks, in the order of its file."""
        return load_tasks(self.folder / "tasks.yaml")

    def prompt_for(self, task: Task) -> PromptVersion:
        """Return the prompt version a task runs with: the release's, unless the task names another."""
        return self.prompt if task.prompt is None else load_prompt(self.folder / "prompts", task.prompt)

    def manifest(self, *, model_name: str, model_digest: str) -> dict[str, Any]:
        """Return the release as a plain dict: what registers it with the evidence store.

        `pins` has one entry a slot: slot, kind, name, label, digest. That of the index also has `documents`, and in its
        `metadata` until when each holds.
        """
        documents = [
            {"id": d.id, "title": d.title, "language": d.language, "digest": d.digest, "text": d.text}
            for d in self.documents
        ]
        pins: list[dict[str, Any]] = [
            _pin("model", "model", model_name, model_name, model_digest),
            _pin("prompt", "prompt", self.prompt.name, self.prompt.version, self.prompt.digest),
            {
                **_pin("index", "index", self.index_name, self.index_version, self.index_digest),
                "documents": documents,
                "metadata": {"documents": {d.id: {"valid_until": d.valid_until} for d in self.documents}},
            },
            _pin("policy", "policy", self.policy.name, self.policy.version, self.policy.digest),
        ]
        pins += [_pin(f"tool:{t.name}", "tool", t.name, t.version, t.digest) for t in self.tools.values()]
        return {
            "system": {"key": self.key, "name": self.name, "risk_tier": self.risk_tier},
            "release": self.release,
            "pins": pins,
        }


def load_copilot(
    folder: Path,
    *,
    key: str,
    name: str,
    risk_tier: str,
    release: str,
    prompt_version: str,
    index_version: str,
    tools: tuple[Tool, ...],
) -> Copilot:
    """Read a copilot's folder: `documents/`, `prompts/<version>.yaml`, `policy.yaml`.

    Raises:
        DocumentError, PromptError: a file is missing or cannot be read.
    """
    documents = load_documents(folder / "documents")
    return Copilot(
        key=key,
        name=name,
        risk_tier=risk_tier,
        release=release,
        folder=folder,
        documents=documents,
        index_name=f"{key}-index",
        index_version=index_version,
        retriever=Retriever(documents),
        prompt=load_prompt(folder / "prompts", prompt_version),
        policy=load_policy(folder / "policy.yaml"),
        tools={tool.name: tool for tool in tools},
    )


def _pin(slot: str, kind: str, name: str, label: str, digest: str) -> dict[str, Any]:
    return {"slot": slot, "kind": kind, "name": name, "label": label, "digest": digest}
