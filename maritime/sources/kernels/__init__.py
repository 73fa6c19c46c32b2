"""Compiled kernels of the sources: arrays in, arrays out."""
