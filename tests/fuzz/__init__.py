"""Arbitrary bytes into everything that reads what others wrote: no error but its own may come out."""
