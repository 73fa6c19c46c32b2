"""Prior alerts: how often a hull has been alerted for the same before.

A hull remembers the days on which its last four alerts began, of all types together; retracted ones are struck out. An
alert tells how many of them are of its own type and began in the 30 and 365 days before it: at least so many, as four
is all that is remembered, and none from before the hull's first report, which the alert names. A hull that is silent
for 30 days is forgotten, and its alerts with it (maritime/tracks/hulls.py).
"""

from typing import Final

PRIORS: Final = 4
PRIOR_FIELDS: Final = [
    ("prior_day", "u2", (PRIORS,)),  # day since 1970 on which an alert began, newest first; 0 = none
    ("prior_kind", "u1", (PRIORS,)),  # its kind, see kernels.events
]
"""State of a hull; zero before its first alert."""
