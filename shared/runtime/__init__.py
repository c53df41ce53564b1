"""The stage runtime: declarations, delivery, retries, dead letters. Knows no Kafka client."""
