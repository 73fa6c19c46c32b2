"""What is seen of live operation from outside: metrics, health over HTTP, and logs as JSON lines.

Nothing here changes what is detected. Metrics are kept in a registry of their own, and a client of the log is watched
from around it (`ObservedTransport`), so the workers know nothing of it.
"""
