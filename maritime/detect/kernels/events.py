"""Kernels that tell an episode: one row of the event table each time people should hear of a change."""

import numpy as np

from maritime.jit import kernel

LOITERING, SILENCE, LANDFALL, BEACON, WITHHELD, OUTAGE, CLASH = 1, 2, 3, 4, 5, 6, 7  # kind
OPEN, UPDATE, CLOSED, RETRACTED = 0, 1, 2, 3  # what


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
    e.revision = revision
    e.alerted = alerted
    e.told_t = now_ms
    e.start_t = start_ms
    e.end_t = end_ms
    e.lat = lat_deg
    e.lon = lon_deg
    for k in range(e.v.shape[0]):
        out.rows[i].v[k] = np.nan
    return e
