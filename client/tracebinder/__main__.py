"""`python -m tracebinder` is `tracebinder`."""

from __future__ import annotations

import sys

from tracebinder.cli.main import main

sys.exit(main())
