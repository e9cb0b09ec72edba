"""The release: each version it pins, who vouches for it, and where it was live."""

from __future__ import annotations

from collections.abc import Iterator

from evidence.binder.files import BinderFile, json_file
from evidence.binder.paths import file_stem
from evidence.models import Deployment, Registration, ReleasePin
from evidence.selectors.binder.scope import BinderScope, moment, plain, read_by_keyset, version_reference


def version_files(scope: BinderScope) -> Iterator[BinderFile]:
    """Yield one file a pin, and the release with its deployments."""
    pins = list(scope.release.pins.select_related("version__artefact").order_by("slot"))
    for pin in pins:
        yield json_file(
            f"versions/{file_stem(pin.slot)}-{pin.pk}.json",
            _version(scope, pin),
            title=f"Version in slot {pin.slot} / 版本",
            schema="version",
        )
    yield json_file("versions/release.json", _release(scope, pins), title="The release / 发布版本")


def _version(scope: BinderScope, pin: ReleasePin) -> dict[str, object]:
    version = pin.version
    registration = Registration.objects.filter(scope.as_of.knew("created_at"), version=version).first()
    return {
        **version_reference(version, slot=pin.slot),
        "name": version.artefact.name,
        "digestBasis": version.digest_basis,
        "metadata": plain(version.metadata),
        "createdAt": moment(version.created_at),
        "createdBy": version.created_by,
        "registered": registration is not None,
        "registeredBy": registration.registered_by if registration else None,
        "registeredAt": moment(registration.created_at) if registration else None,
        "registrationBasis": registration.basis if registration else None,
    }


def _release(scope: BinderScope, pins: list[ReleasePin]) -> dict[str, object]:
    deployments = Deployment.objects.filter(scope.as_of.knew("created_at"), release=scope.release)
    return {
        "name": scope.release.name,
        "digest": scope.release.digest,
        "createdAt": moment(scope.release.created_at),
        "createdBy": scope.release.created_by,
        "pins": [version_reference(pin.version, slot=pin.slot) for pin in pins],
        "deployments": [
            _deployment(row) for row in read_by_keyset(deployments.select_related("replaces__release"))
        ],
    }


def _deployment(row: Deployment) -> dict[str, object]:
    """Return where the release went live, why it could, and what each gate that protects the place said."""
    admissions = row.admissions.select_related("gate_version__artefact").order_by("pk")
    return {
        "id": str(row.pk),
        "environment": row.environment,
        "effectiveFrom": moment(row.effective_from),
        "deployedBy": row.deployed_by,
        "recordedAt": moment(row.created_at),
        "basis": row.basis,
        "reason": row.reason,
        "inPlaceOf": row.replaces.release.name if row.replaces else None,
        "restores": str(row.restores_id) if row.restores_id else None,
        "admissions": [
            {
                "gate": each.gate_version.artefact.key,
                "gateVersion": each.gate_version.number,
                "gateDigest": each.gate_version.digest,
                "decision": str(each.decision_id) if each.decision_id else None,
                "asOf": moment(each.as_of),
                "verdict": each.verdict,
                "unmet": plain(each.unmet),
                "inputsDigest": each.inputs_digest,
                "codeVersion": each.code_version,
            }
            for each in admissions
        ],
    }
