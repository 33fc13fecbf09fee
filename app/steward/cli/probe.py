"""``steward probe``: waits until a URL answers. What the chart's ``helm test`` runs, so that it needs no image but ours."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request

import click

PAUSE_SECONDS = 0.5
"""Between attempts: a pod that starts is seen soon, and a Service without endpoints is not hammered."""


@click.command(short_help="Wait until a URL answers 200.")
@click.argument("url")
@click.option("--expect", default="", metavar="TEXT", help="Text that the body must contain.")
@click.option("--timeout", default=30.0, show_default=True, metavar="SECONDS", type=click.FloatRange(min=0, min_open=True), help="When to give up.")
def probe(url: str, expect: str, timeout: float) -> None:
    """GET URL until the answer is 200 and contains TEXT.

    Exits with 0 then, and with 1 when that does not happen in time.
    """
    if not url.startswith(("http://", "https://")):
        raise click.UsageError(f'URL: expected http:// or https://, got "{url}"')
    started = time.monotonic()
    deadline = started + timeout
    while True:
        why = _why_not(url, expect, timeout=max(deadline - time.monotonic(), 0.1))
        if not why:
            click.echo(f"{url} answered 200 after {time.monotonic() - started:.1f} s")
            return
        if time.monotonic() + PAUSE_SECONDS > deadline:
            raise click.ClickException(f"{url} did not answer as expected within {timeout:g} s; last: {why}")
        time.sleep(PAUSE_SECONDS)


def _why_not(url: str, expect: str, *, timeout: float) -> str:
    """What is missing from the answer; empty when nothing is."""
    # Straight to the address: a proxy of the environment does not know the names of the cluster.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=timeout) as answer:
            body = answer.read().decode(errors="replace")
            if answer.status != 200:
                return f"status {answer.status}"
            return "" if expect in body else f'status 200, but no "{expect}" in {len(body)} characters'
    except urllib.error.HTTPError as error:
        return f"status {error.code}"
    except (OSError, http.client.HTTPException) as error:
        return str(getattr(error, "reason", "") or error)
