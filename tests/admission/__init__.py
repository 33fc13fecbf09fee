"""The webhook, asked by a real API server. A package, so that what its fixtures start ends with its last test."""
