"""Console: what is served over HTTP. Each partner reads what it was sent, and nothing else."""
