"""Rules and scores: what is wrong with a pod, and how healthy that makes a namespace, a cluster, several clusters.

From a pod to a number: :mod:`~steward.governance.rules` looks at a pod and gives a verdict, from which
:mod:`~steward.governance.exemptions` has taken what somebody answers for; :mod:`~steward.governance.scores` counts verdicts.
:mod:`~steward.governance.images` reads image references, :mod:`~steward.governance.bundles` holds rules that are ready to use.

Pure: no I/O, no clock, no log. Admission, background and command line ask the same functions, so they agree.
"""
