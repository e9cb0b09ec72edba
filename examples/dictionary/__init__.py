"""Makes the dictionary that ships: `make dictionary`."""
