"""Importing requirement files: a plan first, which is applied whole or not at all. This is the only door to it."""

from requirements.services.importing.applying import (
    ImportedRequirement,
    ImportResult,
    import_files,
    import_requirements,
)
from requirements.services.importing.consequences import After, Consequences, consequences_of
from requirements.services.importing.contracts import (
    NO_MOVES,
    Act,
    Conflict,
    FilePlan,
    ImportPlan,
    Moves,
    SourceText,
    Step,
)
from requirements.services.importing.exporting import export_file
from requirements.services.importing.planning import plan_import
from requirements.services.importing.telling import told_dropped, told_plan

__all__ = [
    "NO_MOVES",
    "Act",
    "After",
    "Conflict",
    "Consequences",
    "FilePlan",
    "ImportPlan",
    "ImportResult",
    "ImportedRequirement",
    "Moves",
    "SourceText",
    "Step",
    "consequences_of",
    "export_file",
    "import_files",
    "import_requirements",
    "plan_import",
    "told_dropped",
    "told_plan",
]
