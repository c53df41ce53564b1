"""A process that is one or more stages: wiring, health, metrics, drain."""
