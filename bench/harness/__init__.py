"""Measures Steward and its peers in one run: the same pods, the same server, one after the other, round by round."""
