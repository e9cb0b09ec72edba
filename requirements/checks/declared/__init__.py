"""The checks: a file each, found by lying here (`requirements.checks.registry`)."""
