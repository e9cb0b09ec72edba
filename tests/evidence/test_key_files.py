"""Key files: read by their owner alone, of one kind, and one for all who start at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from evidence.services.keys.files import KeyFileUnusable, create_key_file, read_key_file


def test_a_new_key_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "k.pem"
    create_key_file(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o077 == 0
    first = read_key_file(path).private_bytes_raw()
    create_key_file(path)  # another process that had seen no file
    assert read_key_file(path).private_bytes_raw() == first
    assert list(path.parent.iterdir()) == [path]


def test_what_is_no_key_of_ours_is_refused_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "k.pem"
    path.write_text("not a key")
    path.chmod(0o644)
    with pytest.raises(KeyFileUnusable, match=f"chmod 600 {path}"):
        read_key_file(path)
    path.chmod(0o600)
    with pytest.raises(KeyFileUnusable, match="holds no private key in PEM"):
        read_key_file(path)
    path.write_bytes(
        X25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    with pytest.raises(KeyFileUnusable, match="another kind of key than Ed25519"):
        read_key_file(path)
