"""What the statistics of verdicts promise, measured: how often each method passes where it should not.

    python -m bench.calibration [--runs 4000] [--only TITLE …] [--write docs/reference/statistics.md]

Each module here declares sections of the page (`page.section`); a new one needs to be named nowhere.
"""
