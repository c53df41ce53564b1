"""Kafka, and the only place that knows its client library."""
