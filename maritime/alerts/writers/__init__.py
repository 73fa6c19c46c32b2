"""Writers of alerts, episodes and rejects: one file per format."""
