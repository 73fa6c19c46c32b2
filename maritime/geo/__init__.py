"""Places: geodesy kernels, grid cells, coastline, ports and zones."""
