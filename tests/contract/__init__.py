"""The client against three servers, of which one is real. A package, so that what its fixtures start ends with its last test."""
