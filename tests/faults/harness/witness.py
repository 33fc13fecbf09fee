"""The client outside: makes and deletes pods, keeps the truth about them, and takes the time until each has its name and until it is gone again.

It follows pods, Services and EndpointSlices by watches of its own and judges by lists of its own.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec
from faults.harness import truth
from faults.harness.kube import Kube, Object, Refused, Unreachable
from faults.harness.manifests import annotated, furniture
from faults.harness.wait import until

AT_ONCE = 32
"""Requests under way at once."""

RETRY_SECONDS = 0.2

GONE_SECONDS = 60
"""For the deletion of pods: what the API server, the garbage collector and kwok need on a busy machine."""


class Life(msgspec.Struct):
    """One pod, by its UID. Loop times, or None for what did not happen yet."""

    name: str
    eligible: float | None = None
    over: float | None = None
    service: float | None = None
    slice: float | None = None
    withdrawn: float | None = None

    @property
    def named(self) -> float | None:
        """When both children were there."""
        return None if self.service is None or self.slice is None else max(self.service, self.slice)

    def waited(self, now: float) -> float:
        """Seconds between being eligible and having a name, or until now or the pod's end."""
        assert self.eligible is not None, "asked only of pods that were eligible"
        return (self.named or self.over or now) - self.eligible


class Names(msgspec.Struct, frozen=True):
    """How the pods of a scenario fared.

    Attributes:
        pods: Pods that asked for a name and could have one.
        lost: Those of them that live and have none.
        never: Those that ended before they had one.
        longest: The longest wait for a name, in seconds.
        outlived: The longest time a name was answered after its pod had ended, in seconds.
    """

    pods: int
    lost: int
    never: int
    longest: float
    outlived: float


class Witness:
    """Follows one namespace.

    Args:
        kube: Where to ask.
        namespace: Made by :meth:`open`.
    """

    def __init__(self, kube: Kube, namespace: str) -> None:
        self.kube = kube
        self.namespace = namespace
        self.lives: dict[str, Life] = {}
        self.foreign: dict[truth.Name, Object] = {}
        self._serial = 0
        self._present: dict[str, dict[str, Object]] = {"Pod": {}, "Service": {}, "EndpointSlice": {}}
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._watches: list[asyncio.Task] = []

    async def open(self) -> None:
        """Make the namespace and its furniture, and begin to watch."""
        await self.kube.ask("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}})
        for manifest in sorted(furniture(self.namespace), key=lambda one: one["kind"] == "Pod"):
            await self.put(manifest)
        self._watches = [asyncio.create_task(self._follow(kind)) for kind in self._present]

    async def close(self) -> None:
        """Stop watching. What is in the namespace stays: it is right, hence quiet, and deleting it would not be."""
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)

    async def put(self, manifest: Object) -> None:
        """Make an object; one that is no pod is somebody else's, and will be compared in the end."""
        made = await self.kube.create(manifest["kind"], manifest)
        if manifest["kind"] != "Pod":
            self.foreign[manifest["kind"], manifest["metadata"]["name"]] = _bare(made)

    async def withdraw(self, kind: str, name: str) -> None:
        """Delete an object of somebody else."""
        await self.kube.delete(kind, self.namespace, name)
        del self.foreign[kind, name]

    async def children(self, names: Iterable[str]) -> list[Object]:
        """Services and EndpointSlices of these pods as they are at the server now."""
        services, slices = [(await self.kube.items(kind, self.namespace))[0] for kind in ("Service", "EndpointSlice")]
        wanted = set(names)
        found = [one for one in services if one["metadata"]["name"] in wanted]
        return found + [one for one in slices if one["metadata"].get("labels", {}).get("kubernetes.io/service-name") in wanted]

    async def create(self, number: int) -> list[str]:
        """Make pods that ask for a name; their names."""
        names = [f"pod-{self._serial + one}" for one in range(number)]
        self._serial += number
        await self.recreate(names)
        return names

    async def recreate(self, names: Iterable[str]) -> None:
        """Make pods of these names."""
        await asyncio.gather(*(self._limited(self.put, annotated(self.namespace, name)) for name in names))

    async def delete(self, names: Iterable[str]) -> None:
        """Delete pods."""
        await asyncio.gather(*(self._limited(self.kube.delete, "Pod", self.namespace, name) for name in names))

    def runs(self, name: str) -> bool:
        """Whether a pod is heard to run, with an address."""
        pod = self._present["Pod"].get(name)
        return pod is not None and not truth.is_between(pod)

    async def gone(self, names: Iterable[str]) -> None:
        """Wait until pods are heard to have gone."""
        waiting = set(names)
        await until(lambda: not waiting & self._present["Pod"].keys(), "end of pods", within=GONE_SECONDS)

    async def churn(self, *, per_second: float, pods: int) -> None:
        """Keep a number of pods, and replace some all the time: half of them by a pod of the same name. For ever; outages are waited out."""
        names = await self.create(pods)
        while True:
            await asyncio.sleep(1 / per_second)
            name = names.pop(random.randrange(len(names)))
            try:
                await self._replace(name, names)
            except (Unreachable, Refused):
                names.append(name)

    async def settled(self, *, within: float) -> float:
        """Wait until everything in the namespace is as it should be; the seconds that took.

        The watches say when to look, a list of each kind decides. Raises: AssertionError with what is not.
        """
        started = time.monotonic()
        wrong = ["nothing was looked at"]
        while time.monotonic() - started < within:
            try:
                wrong = self._problems_as_heard() or await self.problems()
            except (Unreachable, Refused) as error:
                wrong = [str(error)]
            if not wrong:
                return time.monotonic() - started
            await asyncio.sleep(RETRY_SECONDS)
        raise AssertionError(f"after {within:.0f} s {len(wrong)} things are wrong: " + "; ".join(wrong[:10]))

    async def problems(self) -> list[str]:
        """What is wrong at the server now."""
        lists = [(await self.kube.items(kind, self.namespace))[0] for kind in self._present]
        return list(truth.problems(*lists, foreign=self.foreign))

    def _problems_as_heard(self) -> list[str]:
        return list(truth.problems(*(heard.values() for heard in self._present.values()), foreign=self.foreign))

    def names(self) -> Names:
        """The account of all pods so far."""
        now = time.monotonic()
        lives = [life for life in self.lives.values() if life.eligible is not None]
        return Names(
            pods=len(lives),
            lost=sum(life.over is None and life.named is None for life in lives),
            never=sum(life.over is not None and life.named is None for life in lives),
            longest=max((life.waited(now) for life in lives), default=0.0),
            outlived=max(((life.withdrawn or now) - life.over for life in lives if life.over and life.named), default=0.0),
        )

    async def _replace(self, name: str, names: list[str]) -> None:
        await self.kube.delete("Pod", self.namespace, name)
        if self._serial % 2:
            names += await self.create(1)
            return
        self._serial += 1
        await self.gone([name])
        await self.recreate([name])
        names.append(name)

    async def _limited(self, ask: Callable[..., Awaitable[None]], *arguments: Any) -> None:
        async with self._at_once:
            await ask(*arguments)

    async def _follow(self, kind: str) -> None:
        while True:
            try:
                items, version = await self.kube.items(kind, self.namespace)
                self._compare(kind, items)
                async for type_, item in self.kube.watch(kind, self.namespace, version):
                    if type_ != "BOOKMARK":
                        self._note(kind, _bare(item), gone=type_ == "DELETED")
            except (Unreachable, Refused):
                await asyncio.sleep(RETRY_SECONDS)

    def _compare(self, kind: str, items: list[Object]) -> None:
        """After a gap: what is there, and what has gone meanwhile."""
        uids = {item["metadata"]["uid"] for item in items}
        for item in [one for one in self._present[kind].values() if one["metadata"]["uid"] not in uids]:
            self._note(kind, item, gone=True)
        for item in items:
            self._note(kind, item, gone=False)

    def _note(self, kind: str, item: Object, *, gone: bool) -> None:
        now, name = time.monotonic(), item["metadata"]["name"]
        if gone:
            self._present[kind].pop(name, None)
        else:
            self._present[kind][name] = item
        if kind == "Pod":
            self._note_pod(item, now, gone=gone)
        elif uid := truth.owner(item):
            self._note_child(self.lives.get(uid), kind, now, gone=gone)

    def _note_pod(self, pod: Object, now: float, *, gone: bool) -> None:
        if not truth.asks(pod) or ("Service", pod["metadata"]["name"]) in self.foreign:
            return
        life = self.lives.setdefault(pod["metadata"]["uid"], Life(pod["metadata"]["name"]))
        if life.eligible is None and truth.is_eligible(pod):
            life.eligible = now
        if life.over is None and (gone or "deletionTimestamp" in pod["metadata"]):
            life.over = now

    def _note_child(self, life: Life | None, kind: str, now: float, *, gone: bool) -> None:
        if life is None:
            return
        if gone:
            life.withdrawn = now
        elif kind == "Service":
            life.service = life.service or now
        else:
            life.slice = life.slice or now


def _bare(item: Object) -> Object:
    """Without the two fields that items of a list lack."""
    return {key: value for key, value in item.items() if key not in ("apiVersion", "kind")}
