"""Pages of `requirements` in the admin's frame: links, coverage, impact, baselines."""
