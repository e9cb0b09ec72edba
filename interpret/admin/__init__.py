"""The admin of `interpret`: for whoever holds `interpret.view_internals`, and invisible to everybody else."""

from interpret.admin import dictionary, finding, probe

__all__ = ["dictionary", "finding", "probe"]
