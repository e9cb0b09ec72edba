"""The conventions that are read, a file each, and the order in which they are believed.

To add one: declare a `Dialect` in a file of its own and put it in its place in `DIALECTS`. The readers beside this
folder know meanings, not attributes. What changes what a span is taken to mean, changes `mapping.MAPPER_VERSION`.
"""

from __future__ import annotations

from typing import Final

from evidence.semconv.dialects.contract import Dialect, Meaning, Operation, VersionAttributes
from evidence.semconv.dialects.genai import GENAI
from evidence.semconv.dialects.genai_legacy import GENAI_LEGACY
from evidence.semconv.dialects.genkit import GENKIT
from evidence.semconv.dialects.google_adk import GOOGLE_ADK
from evidence.semconv.dialects.langfuse import LANGFUSE
from evidence.semconv.dialects.langsmith import LANGSMITH
from evidence.semconv.dialects.livekit import LIVEKIT
from evidence.semconv.dialects.mcp import MCP
from evidence.semconv.dialects.mlflow import MLFLOW
from evidence.semconv.dialects.openai_agents import OPENAI_AGENTS
from evidence.semconv.dialects.openinference import OPENINFERENCE
from evidence.semconv.dialects.pydantic_ai import PYDANTIC_AI
from evidence.semconv.dialects.strands import STRANDS
from evidence.semconv.dialects.tracebinder import TRACEBINDER
from evidence.semconv.dialects.traceloop import TRACELOOP
from evidence.semconv.dialects.vector_stores import VECTOR_STORES
from evidence.semconv.dialects.vercel_ai import VERCEL_AI

__all__ = [
    "DIALECTS",
    "GENAI",
    "GENAI_LEGACY",
    "OPENINFERENCE",
    "TRACEBINDER",
    "Dialect",
    "Meaning",
    "Operation",
    "attributes_for",
    "indexed_prefixes",
    "version_attributes",
]

DIALECTS: Final = (
    TRACEBINDER, LANGSMITH, OPENAI_AGENTS, MCP, GENAI, OPENINFERENCE, PYDANTIC_AI, TRACELOOP, VERCEL_AI, LANGFUSE,
    MLFLOW, GOOGLE_ADK, GENKIT, STRANDS, LIVEKIT, VECTOR_STORES, GENAI_LEGACY,
)  # fmt: skip
"""Most telling first: of two attributes with the same meaning, that of the earlier dialect counts."""


def attributes_for(meaning: Meaning) -> tuple[str, ...]:
    """Return the attributes that carry a meaning, in any dialect, most telling first."""
    return tuple(key for dialect in DIALECTS for key in dialect.attributes.get(meaning, ()))


def version_attributes(kind: str) -> VersionAttributes:
    """Return where a version of this kind of artefact is named, in any dialect, most telling first."""
    stated = [dialect.versions[kind] for dialect in DIALECTS if kind in dialect.versions]
    return VersionAttributes(
        name=tuple(key for one in stated for key in one.name),
        label=tuple(key for one in stated for key in one.label),
        digest=tuple(key for one in stated for key in one.digest),
    )


def indexed_prefixes(dialect: Dialect) -> tuple[str, ...]:
    """Return what the names of flattened lists begin with in a dialect."""
    messages = (where.prefix for said in (dialect.asked, dialect.answered) for where in said.indexed)
    return (*messages, *dialect.documents.indexed)
