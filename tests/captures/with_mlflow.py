"""MLflow tracing of the OpenAI client and of decorated functions, exported over OTLP."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import partial

import openai_scenarios
from capturing import main
from conversations import BALANCE, DOCUMENTS, FOREIGN, get_balance


def _run(scenario: Callable[[], None]) -> None:
    os.environ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = (
        os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] + "/v1/traces"
    )
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{tempfile.mkdtemp()}/mlflow.db"
    import mlflow

    mlflow.openai.autolog()
    scenario()
    mlflow.flush_trace_async_logging()


def with_workflow() -> None:
    """A traced function with a tool and a title at its end."""
    import mlflow

    looked_up = mlflow.trace(get_balance, span_type="TOOL")

    @mlflow.trace(name="generate_title")
    def entitle() -> None:
        openai_scenarios._ask(openai_scenarios.TITLE)

    @mlflow.trace(name="clerk", span_type="AGENT")
    def answer(question: str) -> str:
        mlflow.update_current_trace(metadata={"mlflow.trace.user": "u-204", "mlflow.trace.session": "s-9"})
        looked_up("HL-9")
        said = str(openai_scenarios._ask(question).choices[0].message.content)
        entitle()
        return said

    answer(BALANCE)


def with_retrieval() -> None:
    """A retriever's documents."""
    import mlflow
    from mlflow.entities import Document

    @mlflow.trace(span_type="RETRIEVER")
    def retrieve(query: str) -> list[Document]:
        del query
        return [
            Document(page_content=text, metadata={"doc_uri": key}, id=key) for key, text in DOCUMENTS.items()
        ]

    @mlflow.trace(name="clerk", span_type="CHAIN")
    def answer(question: str) -> str:
        retrieve(question)
        return str(openai_scenarios._ask(question).choices[0].message.content)

    answer(FOREIGN)


if __name__ == "__main__":
    chats = {name: openai_scenarios.CHAT[name] for name in ("history", "tool", "choices", "failed")}
    every = {
        **chats,
        "responses": openai_scenarios.responses,
        "workflow": with_workflow,
        "retrieval": with_retrieval,
    }
    main("mlflow", {name: partial(_run, scenario) for name, scenario in every.items()})
