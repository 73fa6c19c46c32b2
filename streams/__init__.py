"""Kafka transport of the detector: topics, codec, workers. kafka-python lives here and only here."""
