"""What a GitOps tool compares: the objects as they were rendered, and as they are."""

import pytest
from cluster.support.cluster import Failed
from cluster.support.wait import until

from support import helm

# With an autoscaler, whose number of replicas is the commonest difference there is.
VALUES = {**helm.ENABLED, "autoscaling": {"enabled": True, "minReplicas": 2, "maxReplicas": 2}}


def test_nothing_differs_from_what_was_rendered(cluster, releases):
    """Neither the API server nor a controller changes what the chart says, so nothing has to be excluded from the comparison."""
    release = releases("test-drift-steward")
    release.install(VALUES)
    until("it is scaled", lambda: cluster.get("deployment", release.workload, "-n", release.namespace)["status"].get("readyReplicas") == 2)
    rendered = cluster.run("helm", "get", "manifest", release.name, "--namespace", release.namespace)

    def compare():
        """Ends with 1, which raises with the difference, if there is one."""
        cluster.kubectl("diff", "--server-side", "--force-conflicts", "--namespace", release.namespace, "-f", "-", stdin=rendered)

    compare()

    cluster.kubectl("label", "deployment", release.workload, "-n", release.namespace, "app.kubernetes.io/part-of=other", "--overwrite")
    with pytest.raises(Failed, match=r"part-of: other"):
        compare()
