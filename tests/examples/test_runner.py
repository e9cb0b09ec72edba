from __future__ import annotations

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from examples.catalogue import COPILOTS
from examples.common.pipeline import count_generations
from examples.common.runner import assign, run_tasks
from tests.examples.scripted import ScriptedGenerator, reply_like_a_small_model


def test_copilots_share_batches_and_keep_their_spans_apart() -> None:
    generator = ScriptedGenerator(reply_like_a_small_model)
    told: list[int] = []
    sent: dict[str, InMemorySpanExporter] = {}
    assignments = []
    for key in ("credit-assistant", "customer-service"):
        sent[key], provider = InMemorySpanExporter(), TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(sent[key]))
        copilot = COPILOTS[key]()
        assignments += assign(copilot, copilot.tasks()[:3], provider)
    outcomes = run_tasks(assignments, generator, concurrency=64, report=told.append)
    assert [outcome.task for outcome in outcomes] == [assigned.task.id for assigned in assignments]
    assert len(generator.batches[0]) == 6
    assert sum(told) == sum(count_generations(assigned.task) for assigned in assignments)
    for key, exporter in sent.items():
        roots = {span.name for span in exporter.get_finished_spans() if span.parent is None}
        assert roots == {f"invoke_agent {key}"}


def test_waves_are_of_like_size() -> None:
    generator = ScriptedGenerator(reply_like_a_small_model)
    copilot = COPILOTS["customer-service"]()
    tasks = [task for task in copilot.tasks() if not task.choices][:5]
    run_tasks(assign(copilot, tasks, TracerProvider()), generator, concurrency=4, report=lambda _: None)
    assert [len(batch) for batch in generator.batches] == [2, 2, 3, 3]
