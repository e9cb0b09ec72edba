"""A time-stamping authority for tests: OpenSSL's `ts` behind HTTP, with certificates made for the occasion."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

_CONFIG = """
[req]
distinguished_name = dn
prompt = no
[dn]
CN = Test TSA
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[tsa_cert]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[tsa]
default_tsa = tsa_config
[tsa_config]
serial = {folder}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


@dataclass(frozen=True)
class Authority:
    """Where it answers, and its root certificate."""

    url: str
    root: Path  # PEM
    folder: Path

    def stamp(self, query: bytes) -> bytes:
        return _stamp(self.folder, query)


@contextmanager
def running_authority(folder: Path) -> Iterator[Authority]:
    """Have an authority that answers inside the block."""
    _make_certificates(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            answer = _stamp(folder, query)
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield Authority(f"http://127.0.0.1:{server.server_port}/tsa", folder / "root.pem", folder)
        finally:
            server.shutdown()
            thread.join()


def _make_certificates(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "openssl.cnf"
    config.write_text(_CONFIG.format(folder=folder))
    (folder / "serial").write_text("01\n")
    for name in ("root", "tsa"):
        _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", folder / f"{name}.key")
    _openssl(
        "req", "-x509", "-new", "-key", folder / "root.key", "-days", "3650", "-subj", "/CN=Test root",
        "-config", config, "-extensions", "ca", "-out", folder / "root.pem",
    )  # fmt: skip
    _openssl(
        "req", "-new", "-key", folder / "tsa.key", "-subj", "/CN=Test TSA", "-config", config,
        "-out", folder / "tsa.csr",
    )  # fmt: skip
    _openssl(
        "x509", "-req", "-in", folder / "tsa.csr", "-CA", folder / "root.pem", "-CAkey", folder / "root.key",
        "-CAcreateserial", "-days", "3650", "-extfile", config, "-extensions", "tsa_cert", "-out", folder / "tsa.pem",
    )  # fmt: skip


def _stamp(folder: Path, query: bytes) -> bytes:
    (folder / "query.tsq").write_bytes(query)
    _openssl(
        "ts", "-reply", "-config", folder / "openssl.cnf", "-section", "tsa_config", "-queryfile", folder / "query.tsq",
        "-signer", folder / "tsa.pem", "-inkey", folder / "tsa.key",
        "-out", folder / "answer.tsr",
    )  # fmt: skip
    return (folder / "answer.tsr").read_bytes()


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
