"""The registry: systems, artefacts and their versions, releases. This is the only door to it."""

from evidence.services.registry.many_versions import VersionSpec, ensure_versions
from evidence.services.registry.releases import (
    DocumentSpec,
    PinSpec,
    ReleaseManifest,
    find_release,
    index_digest,
    register_release,
)
from evidence.services.registry.service_names import declare_service, services_of, systems_of_services
from evidence.services.registry.systems import open_system, register_system
from evidence.services.registry.versions import (
    ensure_version,
    find_version,
    record_registration,
    register_version,
)

__all__ = [
    "DocumentSpec",
    "PinSpec",
    "ReleaseManifest",
    "VersionSpec",
    "declare_service",
    "ensure_version",
    "ensure_versions",
    "find_release",
    "find_version",
    "index_digest",
    "open_system",
    "record_registration",
    "register_release",
    "register_system",
    "register_version",
    "services_of",
    "systems_of_services",
]
