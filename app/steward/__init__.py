"""Steward: operators for a Kubernetes cluster, one process per component, from one image."""

__version__ = "0.1.0"
