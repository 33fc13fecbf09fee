"""Remediation: what a policy that is enforced asks of workloads is added to them, where that is safe, watched, and undone where it was not.

From a workload to a patch: :mod:`~steward.policy.remediation.ownership` says whose it is, :mod:`~steward.policy.remediation.patch` what it
lacks, :mod:`~steward.policy.remediation.guards` and :mod:`~steward.policy.remediation.pace` why not now,
:mod:`~steward.policy.remediation.proof` tries it out, :mod:`~steward.policy.remediation.rollout` tells what came of it and
:mod:`~steward.policy.remediation.history` remembers. :mod:`~steward.policy.remediation.controller` puts them in their order.
"""
