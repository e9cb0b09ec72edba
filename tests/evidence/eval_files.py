"""Eval files as CI would post them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.utils import timezone
from rest_framework.test import APIClient

from evidence.digests import sha256_hex
from evidence.models import ArtefactKind, ArtefactVersion, Scope
from evidence.services import evals, registry
from tests.factories import World, acting

MODEL_DIGEST = sha256_hex(b"model")  # what `factories.manifest` pins
# What a poster says of a file that says none of it.
SAID = {
    "suite": "fees",
    "suite_label": "3",
    "evaluator": "match",
    "dataset": "tasks",
    "commit": "4b1d46ee0000000000000000000000000000aaaa",
    "observed_from": "2026-11-25T22:00:00Z",
    "observed_to": "2026-11-25T22:10:00Z",
}


def eval_file(
    values: Sequence[float | None] | None = None, *, slices: list[dict[str, str]] | None = None, **over: Any
) -> bytes:
    """Return a native file: one sample for each value, None being unscored."""
    now = timezone.now()
    listed = [1.0] * 30 if values is None else values
    document = {
        "format": "tracebinder.eval/1",
        "run_key": "run-1",
        "system": "credit-assistant",
        "release": "r1",
        "suite": {"key": "behaviour", "label": "1", "digest": sha256_hex(b"suite")},
        "evaluator": {"key": "judge", "label": "1", "digest": sha256_hex(b"judge")},
        "dataset": {"key": "tasks", "label": "1", "digest": sha256_hex(b"tasks")},
        "model": {"key": "smol", "digest": MODEL_DIGEST},
        "status": "success",
        "observed_from": (now - timedelta(hours=2)).isoformat(),
        "observed_to": (now - timedelta(hours=1)).isoformat(),
        "collected_at": (now - timedelta(hours=1)).isoformat(),
        "commit": "abc",
        "metrics": {"grounded": {"kind": "proportion", "direction": "higher", "unit": "share"}},
        "samples": [
            {
                "id": str(index),
                "slice": (slices or [{"language": "en"}])[index % len(slices or [0])],
                "input": "q",
                "output": "a",
                "scores": {
                    "grounded": {
                        "status": "unscored" if value is None else "scored",
                        "value": value,
                        "explanation": "",
                    }
                },
            }
            for index, value in enumerate(listed)
        ],
        **over,
    }
    return json.dumps(document).encode()


def post(world: World, raw: bytes, **over: Any) -> evals.RecordedRun:
    """Record a file through the service."""
    arguments = {"system": world.system, "raw": raw, "format_name": "native", **over}
    return evals.record_eval_run(**{"principal": acting("token:ci"), **arguments})


def register_eval_versions(world: World) -> dict[str, ArtefactVersion]:
    """Vouch for the suite, evaluator and dataset that `eval_file` names."""
    versions = {}
    for kind, key, content in (
        (ArtefactKind.SUITE, "behaviour", b"suite"),
        (ArtefactKind.EVALUATOR, "judge", b"judge"),
        (ArtefactKind.DATASET, "tasks", b"tasks"),
    ):
        versions[kind.value] = registry.ensure_version(
            system=world.system, kind=kind, key=key, label="1", digest=sha256_hex(content), actor="user:ci"
        )
        registry.register_version(principal=acting("user:ann"), version=versions[kind.value])
    return versions


def pusher(world: World, api: APIClient) -> Callable[..., Any]:
    """Return what posts a file, as bytes, with what its poster says of it."""
    headers = world.headers(Scope.PUSH_EVAL)

    def send(raw: bytes, **said: Any) -> Any:
        query = urlencode({"system": "credit-assistant", **said})
        return api.post(f"/api/v1/eval-runs?{query}", raw, content_type="application/octet-stream", **headers)

    return send
