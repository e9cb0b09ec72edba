"""Chroma, a vector store, and the OpenAI client as OpenLLMetry's instrumentations report them."""

from __future__ import annotations

from typing import Any

from capturing import main, start_tracing
from conversations import DOCUMENTS, MODEL

QUESTION = "Which card has no foreign fee?"


def _embed(client: Any, texts: list[str]) -> list[list[float]]:
    told = client.embeddings.create(model="text-embedding-3-small", input=texts)
    return [one.embedding for one in told.data]


def with_retrieval() -> None:
    """What a question is near to is found, and put to the model."""
    import chromadb
    from openai import OpenAI
    from opentelemetry import trace
    from opentelemetry.instrumentation.chromadb import ChromaInstrumentor
    from opentelemetry.instrumentation.openai import OpenAIInstrumentor

    client = OpenAI()
    store = chromadb.EphemeralClient().create_collection("cards")
    texts = list(DOCUMENTS.values())
    store.add(ids=list(DOCUMENTS), documents=texts, embeddings=_embed(client, texts))
    provider = start_tracing()
    OpenAIInstrumentor().instrument(tracer_provider=provider)
    ChromaInstrumentor().instrument(tracer_provider=provider)
    with trace.get_tracer("acme").start_as_current_span("ask"):
        found = store.query(query_embeddings=_embed(client, [QUESTION]), n_results=2)
        known = "\n".join(found["documents"][0])
        client.chat.completions.create(
            model=MODEL,
            messages=[
                {"role": "system", "content": f"Answer from this:\n{known}"},
                {"role": "user", "content": QUESTION},
            ],
        )


if __name__ == "__main__":
    main("traceloop_chroma", {"retrieval": with_retrieval})
