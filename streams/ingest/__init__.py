"""Live ingest: sources of AIS in any form, aligned by time, into the log."""
