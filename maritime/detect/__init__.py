"""Detection: the engine and one file per behaviour."""
