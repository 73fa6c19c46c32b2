"""Compiled kernels of the engine; nothing else stands in these files."""
