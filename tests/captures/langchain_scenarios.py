"""Scenarios of LangChain and LangGraph, for the libraries that watch them."""

from __future__ import annotations

from typing import Any

from conversations import (
    BALANCE,
    DOCUMENTS,
    FOLLOW_UP,
    FOREIGN,
    LOAN,
    MODEL,
    STANDALONE,
    TITLE,
    WORTH,
    get_balance,
)


def _model(**options: Any) -> Any:
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(**{"model": MODEL, "max_retries": 0, **options})


def _agent(tools: list[Any], *, after: Any = None) -> Any:
    """A graph that asks the model, calls tools while it wants to, and then does `after`."""
    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.graph import END, START, MessagesState, StateGraph
    from langgraph.prebuilt import ToolNode, tools_condition

    model = _model().bind_tools(tools)
    graph = StateGraph(MessagesState)
    graph.add_node("agent", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_node("tools", ToolNode(tools))
    graph.add_edge(START, "agent")
    ending = END
    if after:
        graph.add_node("title", after)
        graph.add_edge("title", END)
        ending = "title"
    graph.add_conditional_edges("agent", tools_condition, {"tools": "tools", END: ending})
    graph.add_edge("tools", "agent")
    return graph.compile(checkpointer=InMemorySaver(), name="clerk")


def _told(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


def _thread() -> Any:
    return {"configurable": {"thread_id": "thread-7"}}


def with_tool() -> None:
    """A graph that calls a tool."""
    _agent([get_balance]).invoke(_told(BALANCE), _thread())


def with_history() -> None:
    """The second turn of a thread that is kept."""
    agent = _agent([get_balance])
    agent.invoke(_told("Hello, I am Ann."), _thread())
    agent.invoke(_told(BALANCE), _thread())


def with_title() -> None:
    """A graph whose last step gives the chat a title, which is no answer."""

    def entitle(state: Any) -> dict[str, Any]:
        del state
        _model().invoke(TITLE)
        return {}

    _agent([get_balance], after=entitle).invoke(_told(BALANCE), _thread())


def with_subagent() -> None:
    """A tool of the graph is another graph."""

    def ask_valuer(question: str) -> str:
        """Ask the valuer."""
        told = _agent([get_balance]).invoke(_told(question or WORTH), _thread())
        return str(told["messages"][-1].content)

    _agent([ask_valuer]).invoke(_told(LOAN), _thread())


def with_retrieval() -> None:
    """A chain that rewrites the question, retrieves, and answers."""
    from langchain_core.documents import Document
    from langchain_core.output_parsers import StrOutputParser
    from langchain_core.runnables import RunnableLambda
    from langchain_core.vectorstores import InMemoryVectorStore
    from langchain_openai import OpenAIEmbeddings

    store = InMemoryVectorStore(
        OpenAIEmbeddings(model="text-embedding-3-small", check_embedding_ctx_length=False)
    )
    documents = [Document(id=key, page_content=text) for key, text in DOCUMENTS.items()]
    store.add_documents(documents)
    retriever = store.as_retriever(search_kwargs={"k": 2})

    def answer(question: str) -> Any:
        found = "\n".join(document.page_content for document in retriever.invoke(question))
        return [("system", f"Answer from these documents:\n{found}"), ("user", question)]

    (RunnableLambda(answer) | _model() | StrOutputParser()).invoke(FOREIGN)


def with_rewriting() -> None:
    """A chain whose first model call rewrites the question."""
    from langchain_core.output_parsers import StrOutputParser
    from langchain_core.runnables import RunnableLambda

    rewriter = _model() | StrOutputParser()

    def rewrite(question: str) -> str:
        return str(
            rewriter.with_config(run_name="rewrite").invoke(STANDALONE if question == FOLLOW_UP else question)
        )

    (RunnableLambda(rewrite) | _model() | StrOutputParser()).with_config(run_name="clerk").invoke(FOLLOW_UP)


def failed() -> None:
    """The model call fails."""
    from openai import OpenAIError

    try:
        _model(model="broken").invoke(BALANCE)
    except OpenAIError:
        return
    raise AssertionError("the model server answered")


EVERY = {
    "tool": with_tool,
    "history": with_history,
    "title": with_title,
    "subagent": with_subagent,
    "retrieval": with_retrieval,
    "rewriting": with_rewriting,
    "failed": failed,
}
