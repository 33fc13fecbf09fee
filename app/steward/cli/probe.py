"""``steward probe``: waits until a URL answers. What the chart's ``helm test`` runs, so that it needs no image but ours."""

from __future__ import annotations

import http.client
import ssl
import time
import urllib.request
from typing import Any

import click

PAUSE_SECONDS = 0.5
"""Between attempts: a pod that starts is seen soon, and a Service without endpoints is not hammered."""


@click.command(short_help="Wait until a URL answers.")
@click.argument("url")
@click.option("--expect", default="", metavar="TEXT", help="Text that the body must contain.")
@click.option("--status", default=200, show_default=True, metavar="CODE", help="Status that the answer must have.")
@click.option("--insecure-skip-tls-verify", "insecure", is_flag=True, help="Take any certificate; nothing secret is sent.")
@click.option("--timeout", default=30.0, show_default=True, metavar="SECONDS", type=click.FloatRange(min=0, min_open=True), help="When to give up.")
def probe(url: str, expect: str, status: int, insecure: bool, timeout: float) -> None:  # noqa: FBT001 - click hands it over
    """GET URL until the answer has status CODE and contains TEXT.

    Exits with 0 then, and with 1 when that does not happen in time.
    """
    if not url.startswith(("http://", "https://")):
        raise click.UsageError(f'URL: expected http:// or https://, got "{url}"')
    started = time.monotonic()
    deadline = started + timeout
    while True:
        why = _why_not(url, expect, status=status, insecure=insecure, timeout=max(deadline - time.monotonic(), 0.1))
        if not why:
            click.echo(f"{url} answered {status} after {time.monotonic() - started:.1f} s")
            return
        if time.monotonic() + PAUSE_SECONDS > deadline:
            raise click.ClickException(f"{url} did not answer as expected within {timeout:g} s; last: {why}")
        time.sleep(PAUSE_SECONDS)


def _why_not(url: str, expect: str, *, status: int, insecure: bool, timeout: float) -> str:
    """What is missing from the answer; empty when nothing is."""
    trust = ssl.create_default_context()
    if insecure:
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    # Straight to the address: a proxy of the environment does not know the names of the cluster.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust), _AnyStatus)
    try:
        with opener.open(url, timeout=timeout) as answer:
            body = answer.read().decode(errors="replace")
            if answer.status != status:
                return f"status {answer.status}"
            return "" if expect in body else f'status {status}, but no "{expect}" in {len(body)} characters'
    except (OSError, http.client.HTTPException) as error:
        return str(getattr(error, "reason", "") or error)


class _AnyStatus(urllib.request.HTTPErrorProcessor):
    """Hands out every answer as it is, also one that is an error or leads elsewhere: the status is what is asked for."""

    def http_response(self, request: urllib.request.Request, response: Any) -> Any:
        return response

    def https_response(self, request: urllib.request.Request, response: Any) -> Any:
        return response
