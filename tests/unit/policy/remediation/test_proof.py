"""What is asked of the server before a patch is written, and what its answers mean."""

import msgspec
import pytest

from steward.policy.remediation import proof
from steward.policy.remediation.additions import Addition
from steward.policy.remediation.drafts import Draft
from steward.policy.remediation.surroundings import PodMetrics
from steward.runtime import errors
from steward.runtime.answers import Page
from steward.runtime.errors import Call
from support.workloads import container, read, workload

PATCH = (Addition("main", limits={"memory": "256Mi"}),)


class Server:
    """Answers as a test says: an error for the workload, one for the pod, and what pods use."""

    def __init__(self, *, workload=None, pod=None, used=None) -> None:
        self.errors = {"apply": workload, "create": pod}
        self.used = used

    def _answer(self, what):
        if self.errors[what] is not None:
            raise self.errors[what]

    async def apply(self, resource, desired, **options):
        self._answer("apply")
        return msgspec.convert({"spec": {"template": {"spec": {"containers": [container()]}}}}, Draft)

    async def create(self, resource, desired):
        self._answer("create")

    async def page(self, resource, *, namespace, selector):
        self.selector = selector
        if self.used is None:
            raise errors.NotFound(Call("list", "pods"), 404)
        pods = [{"containers": [{"name": "main", "usage": {"memory": used}}, {"name": "side", "usage": {"memory": "9Gi"}}]} for used in self.used]
        return Page(msgspec.convert(pods, list[PodMetrics]), "1", "")


async def _prove(**answers):
    await proof.prove(Server(**answers), kind="Deployment", workload=read(workload()), desired=Draft(), patch=PATCH)


def _error(kind, message=""):
    return kind(Call("create", "pods"), 403, message=message)


async def test_what_nobody_refuses_is_proved():
    await _prove()


@pytest.mark.parametrize("kind", [errors.Forbidden, errors.Invalid])
@pytest.mark.parametrize(("whose", "says"), [("workload", "the Deployment is refused"), ("pod", "its pods would be refused")])
async def test_a_refusal_is_told_in_the_words_of_the_server(kind, whose, says):
    with pytest.raises(errors.Unproved, match=f"{says}: exceeded quota: compute"):
        await _prove(**{whose: _error(kind, "exceeded quota: compute")})


@pytest.mark.parametrize("kind", [errors.Conflict, errors.ServerError, errors.Throttled, errors.NotFound])
async def test_what_is_no_refusal_stays_what_it_is(kind):
    with pytest.raises(kind):
        await _prove(workload=_error(kind))


@pytest.mark.parametrize("used", [["129Mi"], ["10Mi", "1Gi"], ["140000Ki"]])
async def test_a_memory_limit_close_to_what_is_used_is_refused(used):
    with pytest.raises(errors.Unproved, match="limit of 256Mi is less than 2 times that"):
        await _prove(used=used)


@pytest.mark.parametrize("used", [None, [], ["128Mi"], ["10Mi", "20Mi"]])
async def test_a_memory_limit_with_headroom_is_fine(used):
    await _prove(used=used)


async def test_only_pods_of_the_workload_are_looked_at():
    """By its whole selector: another workload of the namespace may have a container of the same name."""
    server = Server(used=["1Mi"])
    asks = [
        {"key": "tier", "operator": "In", "values": ["a", "b"]},
        {"key": "track", "operator": "NotIn", "values": ["canary"]},
        {"key": "zone", "operator": "Exists"},
        {"key": "old", "operator": "DoesNotExist"},
        {"key": "new", "operator": "ToBeInvented"},
    ]
    manifest = workload(selector={"matchLabels": {"app": "web"}, "matchExpressions": asks})
    await proof.prove(server, kind="Deployment", workload=read(manifest), desired=Draft(), patch=PATCH)

    assert "app=web,tier in (a,b),track notin (canary),zone,!old" == server.selector
