"""Pages of `interpret` in the admin's frame: findings, and what was tried. Without `interpret.view_internals`: none."""
