"""Signed notes, checkpoints and log proofs: published examples, round trips, every flipped bit refused."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.log.errors import LogError, MalformedNote, ProofRefused, SignatureRefused
from evidence.log.notes import (
    Checkpoint,
    SignerKey,
    open_checkpoint,
    open_note,
    parse_checkpoint,
    parse_note,
    parse_vkey,
    sign_note,
)
from evidence.log.proof import LogProof, parse_log_proof, verify_log_proof
from evidence.log.tree import EMPTY_ROOT, leaf_hash, node_hash

# The example of the Go checksum database's note package, from which the C2SP format comes.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\u2014 PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
# The example of C2SP signed-note, whose text has an empty line in it.
C2SP_NOTE = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    "\u2014 quasimodo.example/salvatore "
    "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
)
ORIGIN = "tracebinder.example/log"
SIGNER = SignerKey(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER = SignerKey(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(32)))
WITNESS = SignerKey("witness.example/w1", Ed25519PrivateKey.from_private_bytes(bytes([7] * 32)))
ENTRIES = [b'{"a":1}', b'{"b":2}']
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
HEAD = Checkpoint(ORIGIN, 2, node_hash(*LEAVES))
NOTE = sign_note(HEAD.text, SIGNER, WITNESS).to_text()
PROOF = LogProof(1, (LEAVES[0],), NOTE).to_text()


def test_published_notes() -> None:
    text, signed = open_note(GO_NOTE, [parse_vkey(GO_KEY)])
    assert text.endswith("your problem is.\n")
    assert [key.vkey for key in signed] == [GO_KEY]
    note = parse_note(C2SP_NOTE)
    assert note.text.endswith("\n\ned è subito sera.\n")
    assert (note.signatures[0].key_id.hex(), len(note.signatures[0].signature)) == ("367ba04b", 64)
    assert note.to_text() == C2SP_NOTE


def test_a_checkpoint_has_three_lines_and_both_signatures() -> None:
    origin, size, root, empty, *signatures = NOTE.split("\n")
    assert (origin, size, empty) == (ORIGIN, "2", "")
    assert base64.b64decode(root) == HEAD.root
    assert [line.split(" ")[1] for line in signatures[:-1]] == [ORIGIN, "witness.example/w1"]
    assert open_checkpoint(NOTE, key=SIGNER.verifier, origin=ORIGIN) == HEAD
    assert open_note(NOTE, [SIGNER.verifier, WITNESS.verifier])[1] == [SIGNER.verifier, WITNESS.verifier]


def test_an_empty_log_has_a_checkpoint() -> None:
    empty = Checkpoint(ORIGIN, 0, EMPTY_ROOT)
    assert empty.text == f"{ORIGIN}\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    assert parse_checkpoint(empty.text) == empty


def test_a_signature_of_a_key_of_the_same_name_is_not_enough() -> None:
    with pytest.raises(SignatureRefused, match="no trusted key"):
        open_note(NOTE, [OTHER.verifier])
    with pytest.raises(SignatureRefused, match="no trusted key"):
        open_note(NOTE, [])


def test_a_checkpoint_of_another_log_is_refused() -> None:
    elsewhere = sign_note(Checkpoint("other.example/log", 2, HEAD.root).text, SIGNER).to_text()
    with pytest.raises(SignatureRefused, match=r"other\.example"):
        open_checkpoint(elsewhere, key=SIGNER.verifier, origin=ORIGIN)


def test_one_bad_signature_of_a_trusted_key_spoils_the_note() -> None:
    forged = sign_note(HEAD.text, WITNESS).to_text().splitlines()[-1]
    note = sign_note("other text\n", SIGNER).to_text() + forged + "\n"
    with pytest.raises(SignatureRefused, match="does not verify"):
        open_note(note, [SIGNER.verifier, WITNESS.verifier])


@pytest.mark.parametrize("text", [NOTE, PROOF])
def test_every_flipped_bit_is_refused(text: str) -> None:
    """Every one-bit change of the signed text, of the signature, of the index or of the proof."""
    data = text.replace(
        text.splitlines()[-1] + "\n", ""
    ).encode()  # a witness we do not trust is not our business
    assert accepts(data)
    accepted = [bit for bit in range(8 * len(data)) if accepts(flip(data, bit))]
    assert accepted == []


def flip(data: bytes, bit: int) -> bytes:
    return data[: bit // 8] + bytes([data[bit // 8] ^ (1 << bit % 8)]) + data[bit // 8 + 1 :]


def accepts(data: bytes) -> bool:
    try:
        text = data.decode()
        if text.startswith("c2sp.org"):
            verify_log_proof(text, entry=ENTRIES[1], key=SIGNER.verifier, origin=ORIGIN)
        else:
            open_checkpoint(text, key=SIGNER.verifier, origin=ORIGIN)
    except (LogError, UnicodeDecodeError):
        return False
    return True


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n\n",
        "text\n",
        "text\n\n",
        "text\n\nno dash\n",
        NOTE[:-1],
        NOTE.replace("\n\n", "\n"),
        NOTE + "\n",
        "te\rxt\n\n" + NOTE.splitlines()[-1] + "\n",
        "te\udc80xt\n\n" + NOTE.splitlines()[-1] + "\n",
        "text\n\n\u2014 name AAAAAA==\n",
        "text\n\n\u2014 na+me AAAAAAA=\n",
        "text\n\n\u2014  AAAAAAA=\n",
        "text\n\n" + "\u2014 name AAAAAAA=\n" * 65,
    ],
)
def test_texts_that_are_no_note(note: str) -> None:
    with pytest.raises(MalformedNote):
        parse_note(note)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n",
        f"a\n02\n{'A' * 43}=\n",
        f"a\n-1\n{'A' * 43}=\n",
        "a\n1\nAAAA\n",
        f"\n1\n{'A' * 43}=\n",
        f"a\n1\n{'A' * 42}B=\n",
        f"a\n1\n{'A' * 43}=\n\nx\n",
        f"a\n1\n{'A' * 43}=",
        f"a\n1\u0661\n{'A' * 43}=\n",
    ],
)
def test_texts_that_are_no_checkpoint(text: str) -> None:
    with pytest.raises(MalformedNote):
        parse_checkpoint(text)


def test_extension_lines_are_allowed() -> None:
    assert parse_checkpoint(HEAD.text + "extension\n") == HEAD


def test_vkeys_round_trip_and_refuse_other_keys() -> None:
    vkey = SIGNER.verifier.vkey
    assert parse_vkey(vkey) == SIGNER.verifier
    name, key_id, data = vkey.split("+", 2)
    other = base64.b64encode(b"\x02" + SIGNER.verifier.public_key).decode()
    no_text = f"{name}\udcf1+{key_id}+{data}"  # a byte that was no UTF-8, as Python hands it through
    for bad in (
        f"{name}+00000000+{data}", f"x{name}+{key_id}+{data}", f"{name}+{key_id}+{other}", no_text, name, "",
    ):  # fmt: skip
        with pytest.raises(MalformedNote):
            parse_vkey(bad)


def test_signing_refuses_what_a_note_cannot_carry() -> None:
    with pytest.raises(MalformedNote):
        sign_note("no last newline", SIGNER)
    with pytest.raises(MalformedNote):
        sign_note("tab\there\n", SIGNER)
    with pytest.raises(MalformedNote):
        sign_note("text\n", SignerKey("a name", SIGNER.private_key))


def test_a_log_proof_reads_as_the_format_says() -> None:
    assert PROOF.splitlines()[:4] == [
        "c2sp.org/tlog-proof@v1",
        "index 1",
        base64.b64encode(LEAVES[0]).decode(),
        "",
    ]
    proof, head = verify_log_proof(PROOF, entry=ENTRIES[1], key=SIGNER.verifier, origin=ORIGIN)
    assert (proof.index, head) == (1, HEAD)
    with_extra = LogProof(1, (LEAVES[0],), NOTE, extra=b"\x00opaque")
    assert parse_log_proof(with_extra.to_text()) == with_extra


def test_the_first_entry_of_a_log_has_an_empty_path() -> None:
    note = sign_note(Checkpoint(ORIGIN, 1, LEAVES[0]).text, SIGNER).to_text()
    text = LogProof(0, (), note).to_text()
    assert verify_log_proof(text, entry=ENTRIES[0], key=SIGNER.verifier, origin=ORIGIN)[0].hashes == ()


def test_a_log_proof_of_another_entry_is_refused() -> None:
    for entry, text in [
        (ENTRIES[0], PROOF),
        (ENTRIES[1], PROOF.replace("index 1", "index 0")),
        (ENTRIES[1], PROOF.replace("index 1", "index 2")),
    ]:
        with pytest.raises(ProofRefused):
            verify_log_proof(text, entry=entry, key=SIGNER.verifier, origin=ORIGIN)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "c2sp.org/tlog-proof@v2" + PROOF[22:],
        PROOF.replace("index 1\n", ""),
        PROOF.replace("index 1", "index 01"),
        PROOF.replace("index 1\n", "extra !\nindex 1\n"),
        PROOF.replace("index 1\n", "index 1\nAAAA\n"),
        PROOF.replace("index 1\n", "index 1\n" + ("A" * 43 + "=\n") * 64),
    ],
)
def test_texts_that_are_no_log_proof(text: str) -> None:
    with pytest.raises(MalformedNote):
        parse_log_proof(text)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200) | st.text(alphabet="\n\u2014 +=AB1index", max_size=80))
def test_readers_only_raise_their_own_error(text: str) -> None:
    for read in (parse_vkey, parse_checkpoint, parse_note, parse_log_proof):
        try:
            read(text)
        except LogError:
            continue


@given(
    index=st.integers(0, 2**60),
    hashes=st.lists(st.binary(min_size=32, max_size=32), max_size=60),
    extra=st.none() | st.binary(max_size=40),
)
def test_log_proofs_round_trip(index: int, hashes: list[bytes], extra: bytes | None) -> None:
    proof = LogProof(index, tuple(hashes), NOTE, extra)
    assert parse_log_proof(proof.to_text()) == proof
