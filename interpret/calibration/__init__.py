"""What findings are worth, as `make calibrate` measured it: `figures.json`, a file for `interpret.selectors`."""
