"""The review queue, the reviewer's page, and the records of reviews."""
