"""The command line against a real API server. A package, so that what its fixtures start ends with its last test."""
