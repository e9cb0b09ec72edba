"""Client of Tracebinder: post eval results, ask a gate, verify a binder without trusting any server."""

from __future__ import annotations

from typing import Final

__version__: Final = "0.1.0"
