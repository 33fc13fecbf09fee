"""What policies say about the pods of their namespace, written where their teams look; and what is mended of it.

From a pod to a status: :mod:`~steward.policy.ledger` keeps what each pod adds, so that a change of one pod costs one evaluation;
:mod:`~steward.policy.controller` looks at the sums, and :mod:`~steward.policy.decision` says what is worth writing; :mod:`~steward.policy.status`,
:mod:`~steward.policy.results` and :mod:`~steward.policy.reports` have the words of each kind of object. :mod:`~steward.policy.remediation` mends.
"""
