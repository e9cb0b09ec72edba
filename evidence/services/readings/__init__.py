"""How a system says that its traces are read: proposed, and approved by another. This is the only door to it.

What a reading makes of a stored trace, and the traces that are to be read again, are assembly's.
"""

from evidence.services.readings.definition import find_reading_version, propose_reading
from evidence.services.readings.transitions import SETTLED, settle_reading_proposal

__all__ = ["SETTLED", "find_reading_version", "propose_reading", "settle_reading_proposal"]
