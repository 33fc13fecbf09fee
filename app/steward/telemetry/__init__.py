"""Metrics, logs and health checks, for every other package; imports none of them."""
