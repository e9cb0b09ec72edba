"""What every page of the admin shares: narrowing to a person's systems, lists without counting, how values look."""
