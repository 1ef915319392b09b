"""Logs in and out of Kafka."""
