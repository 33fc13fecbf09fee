"""Reconciles the policies of namespaces: what is violated, how it scores, and what is mended."""
