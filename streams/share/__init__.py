"""Sharing live: alerts of the log, decided about by the policy, delivered to the topics of partners."""
