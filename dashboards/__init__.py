"""Grafana dashboards: one module per dashboard, and the builder that writes them as JSON beside this file.

``python -m dashboards`` in the root of the repository writes all of them. What a panel warns of is read from ``alerts/``,
so that a threshold stands in one place.
"""
