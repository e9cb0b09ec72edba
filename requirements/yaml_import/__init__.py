"""Requirement files in YAML: line numbers, all faults at once, nothing half-read, and nothing asked of the database."""

from requirements.yaml_import.contracts import FileProblem, RequirementFile
from requirements.yaml_import.kept import read_requirement_file
from requirements.yaml_import.parser import FORMAT_V1, parse_requirement_file
from requirements.yaml_import.single import Reading, read_form, read_text

__all__ = [
    "FORMAT_V1",
    "FileProblem",
    "Reading",
    "RequirementFile",
    "parse_requirement_file",
    "read_form",
    "read_requirement_file",
    "read_text",
]
