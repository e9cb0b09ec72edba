"""Dictionaries on disk, by the digest of their bytes: `<store>/<digest>/dictionary/`, three files.

`cfg.json` and `sae_weights.safetensors` are as sae-lens writes them, and `about.json` says where and how it was
trained. A dictionary that does not say is refused: which model's activations it is for would be a guess.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Final

from interpret import model_store
from interpret.dictionaries import library
from interpret.dictionaries.about import About, Site, check_site
from interpret.dictionaries.coding import Dictionary
from interpret.dictionaries.files import ABOUT, FOLDER, about_of, verified
from interpret.errors import DictionaryInvalid, DictionaryMisfit

MOVED: Final = 0.1  # of L0: what may be lost between training and reading back


def load(store: Path, digest: str, site: Site) -> Dictionary:
    """Return the dictionary kept under `digest`, after verifying all its bytes.

    Args:
        site: what it is to read.

    Raises:
        DictionaryMissing: nothing is kept under `digest`.
        DictionaryChanged: the bytes are not those it names.
        DictionaryUnreadable: they are no dictionary.
        DictionaryMisfit: it is of another model, layer or width.
    """
    folder = verified(store, digest)
    about = about_of(folder)
    check_site(about.site, site)
    sae = library.read(folder)
    if (about.site.width, about.features) != (sae.cfg.d_in, sae.cfg.d_sae):
        raise DictionaryMisfit(
            f"the dictionary's weights are {sae.cfg.d_sae} features of width {sae.cfg.d_in}, not"
            f" {about.features} of {about.site.width}, as it says of itself"
        )
    return Dictionary(sae, digest, about)


def store_trained(store: Path, sae: object, about: About) -> str:
    """Keep a trained SAE and return its digest."""
    with tempfile.TemporaryDirectory(prefix="dictionary-") as scratch:
        folder = Path(scratch)
        library.write_for_inference(sae, folder)
        return _keep(store, folder, about)


def add_foreign(store: Path, folder: Path, site: Site, l0: float | None = None) -> str:
    """Keep a dictionary that others trained, of any architecture sae-lens reads, and return its digest.

    Args:
        site: what it was trained on; sae-lens's own files name models and hooks, and no bytes.
        l0: what they say of it.

    Raises:
        DictionaryUnreadable: sae-lens does not read it.
        DictionaryMisfit: it is of another width.
    """
    sae = library.read(folder)
    check_site(Site(site.model, site.layer, sae.cfg.d_in), site)
    about = About(site, sae.cfg.architecture(), sae.cfg.d_sae, l0)
    return _keep(store, folder, about)


def check_l0(before: float, after: float) -> None:
    """Refuse a dictionary that reads back as another: some architectures are written as others than were trained.

    Args:
        before: features that fire on a token, of the SAE as it was trained.
        after: the same on the same tokens, of what was read back.

    Raises:
        DictionaryInvalid: it moved by more than `MOVED`, or nothing fired.
    """
    if not before > 0 or not abs(after / before - 1) <= MOVED:
        raise DictionaryInvalid(
            f"{after:.1f} features fire on a token where {before:.1f} did before it was stored: it may move by"
            f" {MOVED:.0%} at most, so this is not the dictionary that was trained"
        )


def _keep(store: Path, source: Path, about: About) -> str:
    """Copy the two files of sae-lens, write what they are beside them, and name all by their digest."""
    store.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=store, prefix=".stage-") as scratch:
        folder = Path(scratch) / "kept" / FOLDER
        folder.mkdir(parents=True)
        for name in (library.CONFIG, library.WEIGHTS):
            shutil.copyfile(source / name, folder / name)
        (folder / ABOUT).write_text(json.dumps(about.as_json(), indent=1, sort_keys=True) + "\n")
        digest = model_store.digest_of_folder(folder)
        if not (store / digest).exists():
            folder.parent.rename(store / digest)
    return digest
