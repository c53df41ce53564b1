"""The brokers that the tests run on: the embedded one, Apache Kafka from its published jars, or containers."""
