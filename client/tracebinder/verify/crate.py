"""The RO-Crate describes every file truly, every document is as its schema says: step 6, first half."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tracebinder.verify.bag import Bag
from tracebinder.verify.container import Container
from tracebinder.verify.errors import BinderFailed, BinderMalformed, VerifyError
from tracebinder.verify.schema import check_schema
from tracebinder.verify.strict_json import (
    JsonObject,
    object_at,
    objects_at,
    parse_json,
    parse_object,
    text_at,
)

CRATE: Final = "data/ro-crate-metadata.json"
_FILE: Final = "File"
_SCHEMAS: Final = "data/schemas/"


def check_crate(container: Container, bag: Bag) -> list[VerifyError]:
    """Check that each payload file is described once, with its digest.

    Returns:
        What does not hold.

    Raises:
        BinderMalformed: the RO-Crate cannot be read.
    """
    entities = _file_entities(container)
    one_sided = {f"data/{name}" for name in entities} ^ (set(bag.digests) - {CRATE})
    problems: list[VerifyError] = [
        BinderFailed("is not in both the RO-Crate and the manifest", member=path)
        for path in sorted(one_sided)
    ]
    for name, entity in entities.items():
        path = f"data/{name}"
        if path in bag.digests and entity.get("sha256") != bag.digests[path]:
            problems.append(BinderFailed("the RO-Crate gives another SHA-256", member=path))
    return problems


def check_documents(container: Container, bag: Bag) -> list[VerifyError]:
    """Check every JSON document and every JSON line against the schema that the RO-Crate names for it.

    Returns:
        The first problem of each file.

    Raises:
        BinderMalformed: the RO-Crate or a schema cannot be read.
    """
    problems: list[VerifyError] = []
    schemas: dict[str, object] = {}
    for name, entity in sorted(_file_entities(container).items()):
        path = f"data/{name}"
        try:
            schema = _schema_of(container, bag, entity, schemas, path)
            for value in _values(container, path, text_at(entity, "encodingFormat", member=CRATE)):
                check_schema(value, schema, member=path)
        except VerifyError as exc:
            problems.append(exc)
    return problems


def _file_entities(container: Container) -> dict[str, JsonObject]:
    graph = objects_at(parse_object(container.read(CRATE), member=CRATE), "@graph", member=CRATE)
    found: dict[str, JsonObject] = {}
    for entity in graph:
        if entity.get("@type") != _FILE:
            continue
        name = text_at(entity, "@id", member=CRATE)
        if name in found:
            raise BinderMalformed(f"describes {name!r} twice", member=CRATE)
        found[name] = entity
    return found


def _schema_of(
    container: Container, bag: Bag, entity: JsonObject, schemas: dict[str, object], path: str
) -> object:
    if "conformsTo" not in entity:
        return True
    named = text_at(object_at(entity, "conformsTo", member=CRATE), "@id", member=CRATE)
    schema_path = f"data/{named}"
    if not schema_path.startswith(_SCHEMAS) or schema_path not in bag.digests:
        raise BinderFailed(f"names a schema that is not in the binder: {named!r}", member=path)
    if schema_path not in schemas:
        schemas[schema_path] = parse_json(container.read(schema_path), member=schema_path)
    return schemas[schema_path]


def _values(container: Container, path: str, media_type: str) -> Iterator[object]:
    if media_type == "application/jsonl":
        for number, line in enumerate(container.lines(path), start=1):
            try:
                yield parse_json(line, member=path)
            except BinderMalformed as exc:
                raise BinderMalformed(f"line {number}: {exc.detail}", member=path) from exc
    elif media_type.endswith("json"):
        yield parse_json(container.read(path), member=path)
