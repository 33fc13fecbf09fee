"""Certificates that the component makes itself."""

from __future__ import annotations

from typing import Any

from steward.http.tls import Certificate
from steward.runtime.component import Context
from steward.runtime.resource import Key
from steward.webhook.certificates.leader import Leader
from steward.webhook.certificates.leaf import Leaf
from steward.webhook.certificates.looking import Seen
from steward.webhook.certificates.replica import Replica
from steward.webhook.certificates.timing import TIMING, Timing
from steward.webhook.config import Serving


def rotated(context: Context[Any], *, timing: Timing = TIMING) -> Certificate:
    """A certificate signed in memory by an authority of our own, and the two services that keep both up to date."""
    serving: Serving = context.config.serving
    namespace = context.own_namespace
    seen = Seen(context, secret=Key(namespace, serving.secret_name), configuration=serving.configuration_name, service=serving.service_name)
    leaf = Leaf(hosts(serving.service_name, namespace, serving.cluster_domain), timing)
    context.serve(Replica(context, seen, leaf, timing=timing))
    context.serve(Leader(context, seen, authority=f"{serving.service_name}.{namespace}", timing=timing))
    return leaf


def hosts(service: str, namespace: str, domain: str) -> tuple[str, ...]:
    """What a Service is called. API servers ask for the first."""
    return (f"{service}.{namespace}.svc", f"{service}.{namespace}", service, *((f"{service}.{namespace}.svc.{domain}",) if domain else ()))
