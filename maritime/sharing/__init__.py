"""Sharing: an alert leaves the house only as an envelope that a policy has released to a partner."""
