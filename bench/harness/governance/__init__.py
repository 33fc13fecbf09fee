"""Admission and background evaluation of policies: what they cost, beside a webhook and a controller written in Go."""
