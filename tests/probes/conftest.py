"""Probe tests share a small machine with everything else: one thread each, which is also faster for tiny models."""

from __future__ import annotations

import torch

torch.set_num_threads(1)
