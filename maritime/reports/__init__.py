"""Trend and route reports: how often what was told of, where, and against how much that was observed."""
