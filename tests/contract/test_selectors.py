"""What we take for a label selector is what a real API server takes."""

import pytest

from steward.runtime.transport import HTTPTransport
from support.doors import Door
from support.label_selectors import ACCEPTED, REFUSED


@pytest.mark.apiserver
async def test_selectors_are_taken_and_refused_as_by_the_server(control_plane):
    expected = dict.fromkeys(ACCEPTED, 200) | {text: 400 for text, _ in REFUSED}
    transport = HTTPTransport(control_plane.credentials())
    try:
        door = Door(transport, compact=lambda: None)
        codes = {text: (await door.call("GET", "/api/v1/pods", labelSelector=text, limit="1"))[0] for text in expected}
    finally:
        await transport.close()

    assert expected == codes
