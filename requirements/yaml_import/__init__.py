"""Requirement files in YAML: line numbers, all faults at once, nothing half-read, and nothing asked of the database."""

from requirements.yaml_import.contracts import FileProblem, RequirementFile
from requirements.yaml_import.parser import FORMAT_V1, parse_requirement_file

__all__ = ["FORMAT_V1", "FileProblem", "RequirementFile", "parse_requirement_file"]
