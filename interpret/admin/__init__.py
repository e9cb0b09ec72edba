"""The admin of `interpret`: for whoever holds `interpret.view_internals`, and invisible to everybody else."""

from interpret.admin import finding, probe

__all__ = ["finding", "probe"]
