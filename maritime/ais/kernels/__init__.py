"""Compiled kernels of the AIS decoder: arrays in, arrays out, nothing else."""
