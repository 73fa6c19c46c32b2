"""AIS: bytes to columns. Framing, bit kernels, message tables, MMSI classes and flags."""
