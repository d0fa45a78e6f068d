"""Kafka: where events are published, and requests of other systems are received."""
