"""The operators on a control plane that is hurt. A package, so that what its fixtures start ends with its last test."""
