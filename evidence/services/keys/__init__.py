"""Signing keys: Ed25519 in files. The log's and the binder signer's are two, and so are those who may hold them."""
