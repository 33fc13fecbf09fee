"""A cluster to develop and test on: an existing one, kind, or a single node made here from pinned Go modules.

`cli` reads the command line, `commands` does what it says with one of the `providers`. `tools` builds Go programs and caches them by the hash of what
they are made of, `images` makes container images without a registry. Only the standard library is used: a fresh clone needs no virtual environment.
"""
