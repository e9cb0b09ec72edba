"""Attacks that print a table of figures; short forms of them run with the tests."""
