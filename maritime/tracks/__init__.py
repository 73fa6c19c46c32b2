"""Tracks: from reports to hulls. Hull separation, duplicates, impossible points."""
