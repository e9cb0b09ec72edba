"""How often probes say what is not there, and miss what is: `make calibrate`, docs/reference/calibration.md."""
