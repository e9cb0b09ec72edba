"""What lies beside a dictionary's weights: what it says of itself, its card, its features. Free of torch."""

from __future__ import annotations

import json
import lzma
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from interpret import model_store
from interpret.dictionaries.about import About
from interpret.dictionaries.described import Described
from interpret.errors import DictionaryChanged, DictionaryMissing, DictionaryUnreadable

FOLDER: Final = "dictionary"
ABOUT: Final = "about.json"
CARD: Final = "card.json"
CARD_FORMAT: Final = "dictionary-card/1"
FEATURES: Final = "features.json.xz"
MOST_BYTES: Final = 256 * 2**20  # of what features are read from, unpacked
SHIPPED: Final = Path(__file__).parent / "shipped"  # a store that comes with the code


def stored(store: Path) -> list[str]:
    """Return the digests of the dictionaries that are kept, in order."""
    return sorted(path.parent.name for path in store.glob(f"*/{FOLDER}"))


def verified(store: Path, digest: str) -> Path:
    """Return the folder of the dictionary kept under `digest`, after verifying all its bytes.

    Raises:
        DictionaryMissing: nothing is kept under `digest`.
        DictionaryChanged: the bytes are not those it names.
    """
    folder = store / digest / FOLDER
    if len(digest) != 64 or not folder.is_dir():
        raise DictionaryMissing(f"no dictionary {digest!r} in {store}")
    found = model_store.digest_of_folder(folder)
    if found != digest:
        raise DictionaryChanged(f"{folder} has digest {found}, not {digest}: remove it and make it again")
    return folder


def about_of(folder: Path) -> About:
    """Return what a dictionary says of itself.

    Raises:
        DictionaryUnreadable: it says nothing, or nothing that is understood.
    """
    try:
        return About.from_json(json.loads((folder / ABOUT).read_bytes()))
    except (OSError, ValueError) as exc:
        raise DictionaryUnreadable(f"{folder} has no {ABOUT} that can be read: {exc}") from exc


def write_card(store: Path, digest: str, card: Mapping[str, Any]) -> None:
    """Write what a dictionary was found to be worth beside it; it is no part of what the digest names."""
    (store / digest / CARD).write_text(json.dumps(card, indent=1) + "\n")


def card_of(store: Path, digest: str) -> dict[str, Any]:
    """Return the card of a dictionary.

    Raises:
        DictionaryMissing: it has none.
        DictionaryUnreadable: what is there is no card, or another dictionary's.
    """
    try:
        told = json.loads((store / digest / CARD).read_bytes())
    except OSError as exc:
        raise DictionaryMissing(f"dictionary {digest!r} in {store} has no card") from exc
    except ValueError as exc:
        raise DictionaryUnreadable(f"the card of dictionary {digest!r} cannot be read: {exc}") from exc
    if not isinstance(told, dict) or (told.get("format"), told.get("dictionary")) != (CARD_FORMAT, digest):
        raise DictionaryUnreadable(f"what lies beside dictionary {digest!r} is no {CARD_FORMAT} of it")
    return told


def write_features(store: Path, digest: str, told: Mapping[str, Any]) -> None:
    """Write what the features of a dictionary do beside it, packed; it is no part of what the digest names."""
    data = json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()
    (store / digest / FEATURES).write_bytes(lzma.compress(data, preset=9))


def features_of(store: Path, digest: str) -> Described:
    """Return what the features of a dictionary do.

    Raises:
        DictionaryMissing: nobody has described them.
        DictionaryUnreadable: what is there is of another format or dictionary, or larger than `MOST_BYTES`.
    """
    path = store / digest / FEATURES
    try:
        with lzma.open(path) as packed:
            data = packed.read(MOST_BYTES + 1)
        told = json.loads(data) if len(data) <= MOST_BYTES else None
    except FileNotFoundError as exc:
        raise DictionaryMissing(
            f"the features of dictionary {digest!r} in {store} were not described: make dictionary ARGS=--describe"
        ) from exc
    except (OSError, EOFError, lzma.LZMAError, ValueError) as exc:
        raise DictionaryUnreadable(f"{path} cannot be read: {exc!r}") from exc
    if not isinstance(told, dict):
        raise DictionaryUnreadable(f"{path} holds no object of at most {MOST_BYTES} bytes")
    described = Described.from_json(told)
    if described.dictionary != digest:
        raise DictionaryUnreadable(f"{path} says of itself that it is of dictionary {described.dictionary!r}")
    return described
