"""Kernels that tell an episode: one row of the event table each time people should hear of a change."""

import numpy as np

from maritime.detect.kernels.reception import WINDOW_MS, popcount
from maritime.detect.kernels.samples import ms_of
from maritime.detect.prior import PRIORS
from maritime.jit import kernel
from maritime.times import NEVER
from maritime.units import DAY_MS

LOITERING, SILENCE, LANDFALL, BEACON, WITHHELD, OUTAGE, CLASH = 1, 2, 3, 4, 5, 6, 7  # kind
OPEN, UPDATE, CLOSED, RETRACTED = 0, 1, 2, 3  # what
RECENT_WINDOWS = 36  # six hours


@kernel
def count_priors(h, kind, start_ms, days):
    """How many of the hull's remembered alerts of a kind began in the `days` before `start_ms`."""
    today = start_ms // DAY_MS
    n = 0
    for k in range(PRIORS):
        if h.prior_day[k] > 0 and h.prior_kind[k] == kind and 0 <= today - h.prior_day[k] <= days:
            n += 1
    return n


@kernel
def remember_alert(h, kind, start_ms):
    """Put an alert before the hull's earlier ones; the oldest leaves."""
    for k in range(PRIORS - 1, 0, -1):
        h.prior_day[k] = h.prior_day[k - 1]
        h.prior_kind[k] = h.prior_kind[k - 1]
    h.prior_day[0] = start_ms // DAY_MS
    h.prior_kind[0] = kind


@kernel
def strike_alert(h, kind):
    """Take the newest alert of a kind back out."""
    found = False
    for k in range(PRIORS):
        if not found and h.prior_kind[k] == kind and h.prior_day[k] > 0:
            found = True
        if found:
            h.prior_day[k] = h.prior_day[k + 1] if k + 1 < PRIORS else 0
            h.prior_kind[k] = h.prior_kind[k + 1] if k + 1 < PRIORS else 0


@kernel
def _note_priors(e, h, kind, what, revision, alerted, start_ms):
    """Tell the earlier alerts of the kind; a newly raised one is remembered, a retracted one struck out."""
    own = 1 if alerted and revision > 0 else 0  # it was remembered when it was raised
    e.prior_30d = max(count_priors(h, kind, start_ms, 30) - own, 0)
    e.prior_365d = max(count_priors(h, kind, start_ms, 365) - own, 0)
    if alerted and what == RETRACTED:
        strike_alert(h, kind)
    elif alerted and revision == 0:
        remember_alert(h, kind, start_ms)


@kernel
def tell(out, kind, what, h, revision, alerted, now_ms, start_ms, end_ms, lat_deg, lon_deg):
    """Append an event for hull `h`; returns its record, whose values `v` the caller fills. out.n[0] counts."""
    i = out.n[0]
    out.n[0] = i + 1
    e = out.rows[i]
    e.kind = kind
    e.what = what
    e.mmsi = h.mmsi
    e.number = h.number
    e.source = h.source
    e.clock_off_s = np.nan
    e.revision = revision
    e.alerted = alerted
    e.told_t = now_ms
    e.start_t = start_ms
    e.end_t = end_ms
    e.lat = lat_deg
    e.lon = lon_deg
    e.first_t = ms_of(h.first_s)
    e.identity_t = NEVER
    known = min(h.heard_t // WINDOW_MS - h.windows_from + 1, RECENT_WINDOWS)
    e.windows_known = known
    e.windows_heard = popcount(h.windows_heard & ((np.uint64(1) << np.uint64(known)) - np.uint64(1)))
    _note_priors(e, h, kind, what, revision, alerted, start_ms)
    for k in range(e.v.shape[0]):
        out.rows[i].v[k] = np.nan
    return e
