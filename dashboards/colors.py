"""Colours that several dashboards share, by regular expressions of the series' names."""

RESULTS = {"error$": "red", "success$": "green", "requeue_after$": "blue"}
"""How a reconcile ended."""

ANSWERS = {"^2": "green", "^(4..|5..|<error>)$": "red", "^(404|409)$": "yellow"}
"""Codes of the API server's answers. What is not there, and a conflict, are no faults."""
