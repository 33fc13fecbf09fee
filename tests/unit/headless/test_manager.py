"""The whole component at work on the fake API server."""

import pytest

from support.builders import pod
from support.fakeapi import FakeAPI
from support.managers import running

pytestmark = pytest.mark.looptime


async def test_an_annotated_pod_gets_its_service_and_its_slice():
    """Both are there, owned by the pod, soon after the pod has an address."""
    api = FakeAPI()
    async with running(api) as steward:
        added = api.add(pod("web-0"))
        await steward.until(lambda: api.get("services", "shop/web-0") and api.get("endpointslices", "shop/web-0-ipv4"))

        service = api.get("services", "shop/web-0")
        assert "None" == service["spec"]["clusterIP"]
        assert added["metadata"]["uid"] == service["metadata"]["ownerReferences"][0]["uid"]
