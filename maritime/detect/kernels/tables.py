"""Kernels that fill a larger table from a smaller one."""

import numpy as np

from maritime.detect.kernels.reception import cell_slot
from maritime.jit import allocating_kernel, kernel
from maritime.times import NEVER
from maritime.tracks.hull_kernels import vessel_slot


@allocating_kernel
def slots_for(keys, wanted):
    """Put the keys `wanted` into an empty open-addressing table; returns the slot of each."""
    slots = np.empty(wanted.shape[0], np.int64)
    for i in range(wanted.shape[0]):
        slots[i] = cell_slot(keys, wanted[i])
        keys[slots[i]] = wanted[i]
    return slots


@kernel
def chain_vessels(table, vessels, n):
    """Put the first n vessels, but for free rows, into an empty table from MMSI to row."""
    for i in range(n):
        if vessels[i].heard_t != NEVER:
            table[vessel_slot(table, vessels, vessels[i].mmsi)] = i
