"""Two replicas of the webhook before a real API server, with lives of seconds, and creates that have to pass both."""

import asyncio
import base64
import contextlib
import datetime as dt
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry

from steward.http.admission import AdmissionServer, Call, Reply
from steward.http.tls import CertificateUnreadable
from steward.runtime import metrics
from steward.runtime.component import Component, Right
from steward.runtime.manager import Manager
from steward.runtime.transport import HTTPTransport
from steward.telemetry.metrics import bind
from steward.telemetry.probes import Verdict
from steward.webhook import certificates
from steward.webhook import metrics as reviews
from steward.webhook.certificates.own import rotated
from steward.webhook.certificates.timing import Timing
from steward.webhook.config import Config, Serving
from steward.webhook.endpoint import CLOSED
from support.doors import MERGE_PATCH, Door
from support.managers import until

SECONDS = Timing(
    authority=dt.timedelta(seconds=240),
    leaf=dt.timedelta(seconds=60),
    left=0.97,
    spread=dt.timedelta(seconds=2),
    drain=dt.timedelta(seconds=3),
    poll=dt.timedelta(seconds=0.5),
)
"""An authority is replaced every 7 s and a leaf every 2 s, long before its end: what a machine that stands still for a moment must not reach."""

SERVICE = "localhost"
"""The API server calls by URL, for nobody has the addresses of Services here; and this name is in every certificate of a Service called so."""

SECRET, CONFIGURATION = "webhook-certificates", "webhook-{}"
CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
SECRETS = "/api/v1/namespaces/{}/secrets"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices"
PODS = "/api/v1/namespaces/{}/pods"
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "a-"}, "spec": {"containers": [{"name": "a", "image": "a:1"}]}}


class Answering:
    """A server that allows everything, and ends every third connection, so that many of them are made.

    Attributes:
        calls: How many there were.
        NEEDS: What it reads at the API server.
    """

    NEEDS: tuple[Right, ...] = ()
    name = "admission"

    def __init__(self, _context: Any, certificate: Any) -> None:
        self.calls = 0
        self._certificate = certificate
        self.server = AdmissionServer(self._answer, paths=(CLOSED,), port=0, certificate=certificate)

    async def run(self, stopping: asyncio.Event) -> None:
        await self.server.run(stopping)

    def ready(self) -> Verdict:
        with contextlib.suppress(CertificateUnreadable):
            self._certificate.context()
            return Verdict(self.server.is_listening)
        return Verdict(False, "no certificate")

    async def _answer(self, call: Call) -> Reply:
        self.calls += 1
        self.server._is_going = self.calls % 3 == 0
        return await self.reply(call)

    async def reply(self, call: Call) -> Reply:
        """What is said."""
        uid = msgspec.json.decode(call.body)["request"]["uid"]
        review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": {"uid": uid, "allowed": True}}
        return Reply(200, json.dumps(review).encode())


class Replica:
    """One process of the webhook, as far as certificates go."""

    def __init__(self, rig: "Rig", name: str, timing: Timing) -> None:
        self.name = name
        self.registry = CollectorRegistry()
        self.transport = HTTPTransport(rig.plane.credentials(rig.user))
        self.answering: Answering
        self.task: asyncio.Task[None] | None = None

        def build(context: Any) -> tuple[()]:
            self.leaf = rotated(context, timing=timing)
            self.answering = rig.answering(context, self.leaf)
            context.serve(self.answering)
            return ()

        component = Component(
            name="webhook",
            summary="",
            config=Config,
            rights=(*certificates.RIGHTS, *rig.answering.NEEDS),
            metrics=(*reviews.ALL, *certificates.metrics.ALL),
            reasons=certificates.reasons.ALL,
            build=build,
            elects_leader=False,
        )
        serving = Serving(service_name=SERVICE, secret_name=SECRET, configuration_name=rig.configuration, port=1)
        self.manager = Manager(
            component,
            Config(serving=serving),
            transport=self.transport,
            instruments=bind((*metrics.ALL, *component.metrics), self.registry, component="webhook"),
            identity=f"{name}_1",
            instance=f"{rig.door.namespace}.webhook",
            lease=None,
            own_namespace=rig.door.namespace,
        )

    def start(self) -> None:
        self.task = asyncio.create_task(self.manager.run())

    async def kill(self) -> None:
        """As SIGKILL does: nothing is given back."""
        assert self.task is not None
        self.task.cancel()
        with contextlib.suppress(BaseException):
            await self.task
        await self.transport.close()

    def steps(self) -> Counter[str]:
        """How often each step was taken."""
        found = {sample.labels["step"]: sample.value for family in self.registry.collect() for sample in family.samples
                 if sample.name == "kube_devops_webhook_certificate_rotations_total"}  # fmt: skip
        return Counter({step: int(value) for step, value in found.items() if value})


class Rig:
    """A namespace with a webhook that pods have to pass.

    Args:
        plane: The control plane.
        door: The way there, and the namespace.
        user: Who the replicas are.
        answering: What answers in a replica.

    Attributes:
        created: Creates that went through.
        refused: Messages of those that did not.
    """

    def __init__(self, plane: Any, door: Door, *, user: str = "admin", answering: type[Answering] = Answering) -> None:
        self.plane, self.door, self.user, self.answering = plane, door, user, answering
        self.configuration = CONFIGURATION.format(door.namespace)
        self.replicas: list[Replica] = []
        self.created = 0
        self.refused: list[str] = []
        self._past: Counter[str] = Counter()

    async def open(self, *names: str, timing: Timing = SECONDS, front: Any = None) -> None:
        """Start replicas, and make the configuration that calls them all, once they are listening: each, or any of them by the balancer in front."""
        self.replicas = [Replica(self, name, timing) for name in names]
        labels = {"kubernetes.io/service-name": SERVICE}
        await self.door.create(
            SLICES,
            {
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": SERVICE, "labels": labels},
                "addressType": "IPv4", "endpoints": [self._endpoint(one) for one in self.replicas], "ports": [],
            },
        )  # fmt: skip
        for replica in self.replicas:
            replica.start()
        await self.until(lambda: all(hasattr(one, "answering") and one.answering.server.is_listening for one in self.replicas))
        ports = {replica.name: replica.answering.server.port for replica in self.replicas}
        if front is not None:
            front.backends = [*ports.values()]
            ports = {"pods": front.port}
        hooks = [self._hook(*one) for one in ports.items()]
        body = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": self.configuration}}
        await self.door.create(CONFIGURATIONS, body | {"webhooks": hooks}, "helm")
        await self.until(lambda: all(one.manager.is_ready for one in self.replicas))
        await self.passes()

    async def passes(self, *, seconds: float = 10.0) -> float:
        """Wait until a create goes through; the seconds that took."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        while await self._create():
            assert loop.time() - started < seconds
            await asyncio.sleep(0.05)
        return loop.time() - started

    async def until(self, condition: Callable[[], Any], *, seconds: float = 60.0) -> None:
        """Wait for something while all replicas that were not killed live."""
        died = [one.task for one in self.replicas if one.task is not None and one.task.done() and not one.task.cancelled()]
        for task in died:
            task.result()
        await until(condition, seconds=seconds)

    def steps(self) -> Counter[str]:
        """How often each step was taken, by whoever took it."""
        return sum((replica.steps() for replica in self.replicas), self._past)

    @contextlib.asynccontextmanager
    async def load(self, clients: int = 3) -> AsyncIterator[None]:
        """Create pods all the time, as dry runs."""
        stopping = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for _ in range(clients):
                group.create_task(self._keep_creating(stopping))
            yield
            stopping.set()

    async def secret(self) -> dict[str, Any] | None:
        """The Secret, or None."""
        code, found = await self.door.call("GET", f"{SECRETS}/{SECRET}")
        return found if code == 200 else None

    async def authority(self) -> str:
        """The certificate of the active authority."""
        found = await self.secret()
        return found["data"]["ca.crt"] if found is not None else ""

    async def merge(self, path: str, body: Any) -> Any:
        """As somebody else does."""
        return await self.door.ok("PATCH", path, body, content_type=MERGE_PATCH, fieldManager="somebody")

    async def is_believed(self) -> bool:
        """Whether each entry of the configuration trusts the active authority."""
        # The active one is the first.
        active, end, _ = base64.b64decode(await self.authority()).partition(b"-----END")
        return bool(end) and all(active in base64.b64decode(hook["clientConfig"].get("caBundle", "")) for hook in await self.hooks())

    async def hooks(self) -> list[dict[str, Any]]:
        """The entries of the configuration."""
        return (await self.door.ok("GET", f"{CONFIGURATIONS}/{self.configuration}"))["webhooks"]

    async def kill(self, replica: Replica) -> None:
        """End a replica as SIGKILL does; it is called no more, as if its pod were gone."""
        self._past += replica.steps()
        self.replicas.remove(replica)
        await self.merge(f"{SLICES}/{SERVICE}", {"endpoints": [self._endpoint(one) for one in self.replicas]})
        hooks = [hook for hook in await self.hooks() if not hook["name"].startswith(f"{replica.name}.")]
        await self.merge(f"{CONFIGURATIONS}/{self.configuration}", {"webhooks": hooks})
        # What API servers need to learn that.
        await asyncio.sleep(1)
        await replica.kill()

    async def close(self) -> None:
        await self.door.call("DELETE", f"{CONFIGURATIONS}/{self.configuration}")
        await asyncio.gather(*(replica.kill() for replica in self.replicas))

    def _endpoint(self, replica: Replica) -> dict[str, Any]:
        return {"addresses": [f"10.9.0.{1 + ord(replica.name[-1]) - ord('a')}"], "targetRef": {"kind": "Pod", "name": replica.name}}

    async def _keep_creating(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            message = await self._create()
            if message:
                self.refused.append(message)
            else:
                self.created += 1

    async def _create(self) -> str:
        """Why it did not go through, or nothing."""
        code, answer = await self.door.call("POST", PODS, POD, dryRun="All")
        return "" if code == 201 else f"{code} {answer.get('message')}"

    def _hook(self, name: str, port: int) -> dict[str, Any]:
        return {
            "name": f"{name}.webhook.steward.dev",
            "clientConfig": {"url": f"https://{SERVICE}:{port}{CLOSED}"},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": self.door.namespace}},
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "failurePolicy": "Fail",
            "timeoutSeconds": 5,
        }
