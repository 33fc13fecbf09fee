"""Row 58: the messages of the seed, at the right levels."""

import logging

import pytest

from support.builders import ANNOTATION, pod, service
from support.fakeapi import FakeAPI
from support.managers import running, settled

pytestmark = pytest.mark.looptime

LEFT = "left as it is until something changes"
SAYING = (
    "created",
    "updated",
    "deleted",
    "nothing to write",
    "event recorded",
    "reconcile failed, trying again",
    "left as it is until something changes",
)

"""Messages about objects."""


@pytest.fixture
def api():
    return FakeAPI()


def lines(caplog):
    """What was said about objects: level, message and what stands beside it."""
    return [(record.levelname.lower(), record.message, record.steward_fields) for record in caplog.records if record.message in SAYING]


def said(caplog, *, least=logging.INFO):
    return [(level, message) for level, message, _ in lines(caplog) if logging.getLevelName(level.upper()) >= least]


async def test_what_is_written_is_said_at_info_with_the_pod_and_its_children(api, caplog):
    caplog.set_level(logging.INFO)
    api.add(pod())
    async with running(api) as operator:
        await operator.until(lambda: ("info", "created") in said(caplog))
        api.merge("pods", "shop/web-0", {"status": {"podIPs": [{"ip": "10.0.0.2"}]}})
        await operator.until(lambda: ("info", "updated") in said(caplog))
        api.merge("pods", "shop/web-0", {"metadata": {"annotations": {ANNOTATION: None}}})
        await operator.until(lambda: ("info", "deleted") in said(caplog))
        await settled(api)

    about = {"controller": "headless", "object": "shop/web-0"}
    both = {"Service web-0", "EndpointSlice web-0-ipv4"}
    created, updated, deleted = (fields for _, _, fields in lines(caplog))
    assert [about] * 3 == [{name: line[name] for name in about} for line in (created, updated, deleted)]
    assert both == set(created["children"].split(", ")) == set(deleted["children"].split(", "))
    assert "EndpointSlice web-0-ipv4" == updated["children"]


@pytest.mark.parametrize(
    ("manifests", "reason"),
    [
        ((pod("x" * 64),), "HeadlessServiceNameTooLong"),
        ((pod("9lives"),), "HeadlessServiceInvalidName"),
        ((pod(), service()), "HeadlessServiceNameConflict"),
        ((pod(ips=("127.0.0.1",)),), "HeadlessServiceInvalidAddress"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_its_owner_has_to_mend_is_said_once_at_warning(api, caplog, manifests, reason):
    caplog.set_level(logging.INFO)
    for manifest in manifests:
        api.add(manifest)
    async with running(api) as operator:
        await operator.until(lambda: lines(caplog))
        await operator.manager._loops[0].resync()
        await settled(api)

    assert [("warning", "event recorded")] == said(caplog)
    assert reason == lines(caplog)[0][2]["reason"]


async def test_a_pod_without_an_address_is_said_at_debug(api, caplog):
    caplog.set_level(logging.DEBUG)
    api.add(pod(ips=()))
    async with running(api):
        await settled(api)

    assert [("debug", "nothing to write", "no_ip")] == [(level, message, fields["reason"]) for level, message, fields in lines(caplog)]


async def test_a_pod_that_does_not_ask_is_not_said_at_all(api, caplog):
    caplog.set_level(logging.DEBUG)
    api.add(pod(annotated=False))
    async with running(api):
        await settled(api)

    assert [] == lines(caplog)


@pytest.mark.parametrize("operation", ["create", "patch", "delete"])
async def test_a_failure_is_said_at_error_with_its_reason(api, caplog, operation):
    caplog.set_level(logging.INFO)
    api.add(pod())
    async with running(api) as operator:
        if operation != "create":
            await operator.until(lambda: api.keys("services"))
        api.answer(500, match=f"{operation} services", times=1)
        change = {"annotations": {"steward.dev/headless-service-ports": "81"}} if operation == "patch" else {"annotations": {ANNOTATION: None}}
        if operation == "create":
            api.add(pod("web-1"))
        else:
            api.merge("pods", "shop/web-0", {"metadata": change})
        await operator.until(lambda: ("error", "reconcile failed, trying again") in said(caplog))
        await settled(api)

    (reason,) = (fields["reason"] for level, _, fields in lines(caplog) if level == "error")
    assert reason.startswith(f"{operation} services shop/web-")
    assert "500" in reason


async def test_a_write_that_will_never_be_taken_is_said_once_and_not_tried_again_and_again(api, caplog):
    """Only a change, or the next resync, brings another attempt."""
    caplog.set_level(logging.INFO)
    api.answer(422, match="create services")
    api.add(pod())
    async with running(api) as operator:
        await operator.until(lambda: ("error", LEFT) in said(caplog))
        await settled(api)
        # The one that came with the pod, and the one that its EndpointSlice woke.
        assert 2 >= api.requests("create services")
        await settled(api, quiet=300)

        api.heal()
        api.merge("pods", "shop/web-0", {"metadata": {"labels": {"new": "label"}}})
        await operator.until(lambda: api.keys("services"))
