"""From events, the rows that kernels tell, to episodes with named reasons and evidence: one file per behaviour."""
