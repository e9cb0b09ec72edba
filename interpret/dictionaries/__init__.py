"""Dictionaries: sparse autoencoders trained on what is inside a model, and what they are worth.

Pure, as probes are: no Django, no database, no network. What is measured here describes; it supports and counters
nothing (docs/decisions/0078).
"""
