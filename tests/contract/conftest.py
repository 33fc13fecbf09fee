"""The three servers every case runs on: the fake one behind each of its doors, and a real one."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from kubernetes.client import Configuration

from steward.runtime.auth import Credentials
from steward.runtime.transport import HTTPTransport
from support.doors import Door
from support.envtest import ControlPlane
from support.fakeapi import FakeAPI, MemoryTransport
from support.fakeapi.http import HTTPServer


@pytest.fixture(scope="package")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A real etcd and kube-apiserver, for all tests of this directory."""
    plane = ControlPlane(tmp_path_factory.mktemp("control-plane"))
    plane.start()
    yield plane
    plane.stop()


@pytest.fixture
async def real_door(control_plane: ControlPlane) -> AsyncIterator[Door]:
    """The real server."""
    async with _over_http(control_plane.credentials(), control_plane.compact) as made:
        yield made


@pytest.fixture(params=["memory", "http", pytest.param("apiserver", marks=pytest.mark.apiserver)])
async def door(request: pytest.FixtureRequest) -> AsyncIterator[Door]:
    """Each of the three servers in turn."""
    api = FakeAPI()
    if request.param == "memory":
        made = Door(MemoryTransport(api), api.compact)
        await made.open()
        yield made
    elif request.param == "http":
        async with HTTPServer(api) as server, _over_http(_plain(server.url), api.compact) as made:
            yield made
    else:
        plane: ControlPlane = request.getfixturevalue("control_plane")
        async with _over_http(plane.credentials(), plane.compact) as made:
            yield made


@asynccontextmanager
async def _over_http(credentials: Credentials, compact: Callable[[], None]) -> AsyncIterator[Door]:
    transport = HTTPTransport(credentials)
    try:
        made = Door(transport, compact)
        await made.open()
        yield made
    finally:
        await transport.close()


def _plain(url: str) -> Credentials:
    configuration = Configuration()
    configuration.host = url
    return Credentials(configuration, user_agent="tests/1")
