"""How healthy namespaces and the cluster are, from their pods: :mod:`~steward.watch.census` counts, everything else is declarations."""
