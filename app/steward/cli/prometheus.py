"""A reader of Prometheus' HTTP API (https://prometheus.io/docs/prometheus/latest/querying/api/), for ``steward verify``."""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from steward.runtime.errors import StewardError
from steward.telemetry.secret import Secret

SECONDS = 30.0
"""Limit of one request: more than Prometheus' own limit of a query by Grafana's default."""


class PrometheusError(StewardError):
    """Prometheus could not be asked, or refused; the message says which URL and why."""


class Prometheus:
    """A server that speaks Prometheus' query API: Prometheus, Thanos, Mimir, VictoriaMetrics.

    Args:
        url: Its address, with the path prefix if it has one.
        token_file: File with a bearer token, for servers behind authentication.
        ca_file: File with certificates to trust in place of the system's.

    Raises:
        PrometheusError: The URL or a file is not usable. The methods raise it when the server does not answer as the API says.
    """

    def __init__(self, url: str, *, token_file: str | None = None, ca_file: str | None = None) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise PrometheusError(f'--prometheus: expected http://HOST or https://HOST, got "{url}"')
        self._url = url.rstrip("/")
        self._token = Secret(_read("--token-file", token_file)) if token_file else None
        if ca_file:
            _read("--ca-file", ca_file)
        try:
            context = ssl.create_default_context(cafile=ca_file)
        except ssl.SSLError as error:
            raise PrometheusError(f"--ca-file {ca_file}: no certificates in PEM form ({error.reason or error})") from error
        # A redirect could carry the token to another host.
        self._opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _NoRedirect())

    def targets(self) -> list[dict[str, Any]]:
        """The active targets."""
        targets: list[dict[str, Any]] = self._get("targets", state="active")["activeTargets"]
        return targets

    def rules(self) -> list[dict[str, Any]]:
        """Every rule, with the name of its group under ``group``."""
        return [{**rule, "group": group["name"]} for group in self._get("rules")["groups"] for rule in group["rules"]]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series of an expression now; a scalar is one series without labels."""
        data = self._get("query", query=expression)
        if data["resultType"] in {"scalar", "string"}:
            return [{"metric": {}, "value": data["result"]}]
        result: list[dict[str, Any]] = data["result"]
        return result

    def _get(self, path: str, **parameters: str) -> Any:
        query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
        where = f"{self._url}/api/v1/{path}"
        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {self._token.reveal()}"} if self._token else {})
        request = urllib.request.Request(where + query, headers=headers)  # noqa: S310 - http or https, see __init__
        try:
            with self._opener.open(request, timeout=SECONDS) as answer:
                body = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                raise PrometheusError(f"{where}: {_refusal(error)}") from error
        except (OSError, http.client.HTTPException) as error:
            raise PrometheusError(f"{where}: {getattr(error, 'reason', '') or error}") from error
        try:
            document = json.loads(body)
            if document["status"] == "success":
                return document["data"]
        except (ValueError, KeyError, TypeError):
            pass
        raise PrometheusError(f"{where}: the answer is not that of Prometheus' API. Is the path prefix missing from --prometheus?")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def _refusal(error: urllib.error.HTTPError) -> str:
    """What the server says of a bad request; else the status, with what is usually the matter."""
    try:
        return str(json.loads(error.read())["error"])
    except (ValueError, KeyError, TypeError, OSError):
        pass
    hints = {
        401: ". It wants a token: --token-file",
        403: ". The token may not read here",
        404: ". Is the path prefix missing from --prometheus?",
    }
    redirect = f" to {error.headers.get('Location', '')}. Give that address" if 300 <= error.code < 400 else ""
    return f"status {error.code}{redirect or hints.get(error.code, '')}"


def _read(option: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise PrometheusError(f"{option} {path}: {getattr(error, 'strerror', None) or error}") from error
