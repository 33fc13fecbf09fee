"""Admission review of pods against the policies of their namespace."""
