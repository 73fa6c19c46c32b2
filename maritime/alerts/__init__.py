"""Alerts: an episode told to people, and the files it is written to."""
