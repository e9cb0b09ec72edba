"""The reference page of the checks, made from their declarations, so that it cannot go stale."""

from __future__ import annotations

import json
from collections.abc import Mapping

from requirements.checks.contracts import Check
from requirements.checks.registry import known_checks

_HEAD = """# Checks

Written from the declarations in `requirements/checks/`; a test compares the two.

A criterion names one of these checks, its parameters and a threshold. It is met when the *bound* of the
interval that lies on the wrong side of the value reaches the threshold: the lower bound for `at_least`, the
upper one for `at_most`, one-sided at the criterion's `confidence` (0.95 unless stated). It is not met when the
opposite bound misses the threshold, and insufficient in between. Observations of one unit, such as the claims of a
trace, count as what they show together. Traces that name the same conversation are one unit, with their claims and
reviews (decision 0049).

A check that reads rejects counts each trace that was set aside as not good for a pass and as good for a fail (decisions
0028 and 0044).

Each check says its unit of independence: what the observations are counted by, because only whole units are evidence
anew. A `sample` is an item of a dataset with all attempts at it. A `conversation` is the traces that name it, with what
hangs on them; a trace that names none stands for itself. A `document` is all answers that rely on it within
`settle_hours`.

A check of your own is a module that the setting `TRACEBINDER_CHECKS` names
([how to add](../guides/how-to-add.md#a-check)). A criterion whose check is gone is not assessed, and so never met.

准则比较的是置信区间的界限，而不是点估计。同一独立单元内的观测相互依赖，按单元计算；注明同一对话的各条轨迹及其陈述和审阅为一个独立单元。
"""


def render_checks_reference() -> str:
    """Return docs/reference/checks.md."""
    return "\n".join([_HEAD, *(_render(check) for _, check in sorted(known_checks().items()))])


def _render(check: Check) -> str:
    unit = check.unit or "the metric's own; the criterion states it"
    direction = {"higher": "higher is better (`at_least`)", "lower": "lower is better (`at_most`)"}
    dimensions = ", ".join(f"`{name}`" for name in check.dimensions or ()) or "any the eval file uses"
    return "\n".join(
        [
            f"## `{check.name}`",
            "",
            f"**{check.title.en}** · {check.title.zh}",
            "",
            check.measures.en,
            "",
            check.measures.zh,
            "",
            f"- unit: {unit}",
            f"- direction: {direction.get(check.direction or '', 'the direction of the metric')}",
            f"- unit of independence: {check.independent.value}",
            f"- slices by: {dimensions}",
            f"- reads: {', '.join(check.reads)}",
            f"- version of the measuring code: {check.version}",
            "",
            *_parameters(check.parameters),
            "",
        ]
    )


def _parameters(schema: Mapping[str, object]) -> list[str]:
    properties, required = schema["properties"], schema["required"]
    if not isinstance(properties, dict) or not isinstance(required, list):
        raise TypeError("a check's parameters must be a JSON Schema object")
    rows = ["| parameter | type | default | meaning |", "|---|---|---|---|"]
    for name, entry in properties.items():
        default = "required" if name in required else "none"
        if "default" in entry:
            default = f"`{json.dumps(entry['default'])}`"
        rows.append(f"| `{name}` | {_type(entry)} | {default} | {entry.get('description', '')} |")
    return rows


def _type(entry: Mapping[str, object]) -> str:
    if "enum" in entry:
        return " or ".join(f"`{option}`" for option in entry["enum"])  # type: ignore[attr-defined]  # JSON Schema: a list
    if entry.get("type") == "array":
        items = entry["items"]
        return f"list of {_type(items)}" if isinstance(items, Mapping) else "list"
    if entry.get("type") == "object":
        return "`{key, label?, digest?}`"
    low, high = entry.get("minimum", entry.get("exclusiveMinimum")), entry.get("maximum")
    bounds = f" in [{low}, {high}]" if low is not None and high is not None else ""
    return f"{entry['type']}{bounds}"
