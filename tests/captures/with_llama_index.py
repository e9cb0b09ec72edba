"""LlamaIndex as OpenInference's instrumentation reports it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from functools import partial
from typing import Any

from capturing import main, start_tracing
from conversations import BALANCE, DOCUMENTS, FOREIGN, MODEL, get_balance


def _model(model: str = MODEL) -> Any:
    from llama_index.llms.openai import OpenAI

    return OpenAI(model=model, max_retries=0, api_base=os.environ["OPENAI_BASE_URL"])


def with_retrieval() -> None:
    """A query engine over two documents, reordered by a postprocessor that keeps the better one."""
    from llama_index.core import Document, VectorStoreIndex
    from llama_index.embeddings.openai import OpenAIEmbedding

    documents = [Document(text=text, doc_id=key) for key, text in DOCUMENTS.items()]
    embedding = OpenAIEmbedding(model="text-embedding-3-small", api_base=os.environ["OPENAI_BASE_URL"])
    index = VectorStoreIndex.from_documents(documents, embed_model=embedding)
    index.as_query_engine(llm=_model(), similarity_top_k=2).query(FOREIGN)


def with_tool() -> None:
    """A workflow's agent with a tool."""
    from llama_index.core.agent.workflow import FunctionAgent

    async def ask() -> None:
        await FunctionAgent(tools=[get_balance], llm=_model(), name="clerk", streaming=False).run(BALANCE)

    asyncio.run(ask())


def with_history() -> None:
    """The second turn of a talk."""
    from llama_index.core.chat_engine import SimpleChatEngine

    engine = SimpleChatEngine.from_defaults(llm=_model())
    engine.chat("Hello, I am Ann.")
    engine.chat(BALANCE)


def _run(scenario: Callable[[], None]) -> None:
    from openinference.instrumentation.llama_index import LlamaIndexInstrumentor

    LlamaIndexInstrumentor().instrument(tracer_provider=start_tracing())
    scenario()


if __name__ == "__main__":
    every = {"retrieval": with_retrieval, "tool": with_tool, "history": with_history}
    main("openinference_llama_index", {name: partial(_run, scenario) for name, scenario in every.items()})
