"""The search over everything a person may see: one box, and what it finds by noun."""
