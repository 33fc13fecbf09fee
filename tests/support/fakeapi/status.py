"""Refusals, with the bodies a real server sends."""

from collections.abc import Sequence
from typing import Any

import msgspec

from support.fakeapi.kinds import Kind
from support.fakeapi.rules import Cause

NO_REASON = "the server rejected our request due to an error in our request"

MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


class Refused(Exception):
    """The answer is a Status of failure.

    Attributes:
        code: HTTP status code.
        body: The Status.
        retry_after: Value of the Retry-After header, or None.
        text: Body in place of the Status, for what is refused before the API is reached.
    """

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        details: dict[str, Any] | None = None,
        token: str = "",
        retry_after: int | None = None,
        text: str = "",
    ) -> None:
        super().__init__(f"{code} {reason}: {message}")
        self.code = code
        self.retry_after = retry_after
        self.text = text
        self.body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {"continue": token} if token else {},
            "status": "Failure",
            "message": message,
            **({"reason": reason} if reason else {}),
            **({} if details is None else {"details": details}),
            "code": code,
        }

    def encoded(self) -> bytes:
        """The body on the wire."""
        return self.text.encode() if self.text else msgspec.json.encode(self.body)


def _about(kind: Kind, name: str, *, as_kind: bool = False) -> dict[str, Any]:
    details = {"name": name, "group": kind.group, "kind": kind.kind if as_kind else kind.plural}
    return {field: value for field, value in details.items() if value}


def bad_request(message: str) -> Refused:
    """400."""
    return Refused(400, "BadRequest", message)


def not_found(kind: Kind, name: str) -> Refused:
    """404 of an object."""
    return Refused(404, "NotFound", f'{kind.resource} "{name}" not found', details=_about(kind, name))


def no_such_resource() -> Refused:
    """404 of a path."""
    return Refused(404, "NotFound", "the server could not find the requested resource", details={})


def already_exists(kind: Kind, name: str) -> Refused:
    """409 of a create."""
    return Refused(409, "AlreadyExists", f'{kind.resource} "{name}" already exists', details=_about(kind, name))


def conflict(kind: Kind, name: str, why: str = MODIFIED) -> Refused:
    """409 of an update."""
    return Refused(409, "Conflict", f'Operation cannot be fulfilled on {kind.resource} "{name}": {why}', details=_about(kind, name))


def precondition(kind: Kind, name: str, why: str) -> Refused:
    """409 of a delete."""
    about = _about(kind, name, as_kind=True)
    return Refused(409, "Conflict", f'Operation cannot be fulfilled on {kind.qualified} "{name}": {why}', details=about)


def manager_conflict(fields: Sequence[tuple[str, str, str]]) -> Refused:
    """409 of an apply: fields of other managers, as (manager, apiVersion, path)."""
    causes = [{"reason": "FieldManagerConflict", "message": f'conflict with "{who}" using {api}', "field": path} for who, api, path in fields]
    if len(fields) == 1:
        text = f"Apply failed with 1 conflict: {causes[0]['message']}: {causes[0]['field']}"
    else:
        by_manager: dict[str, list[str]] = {}
        for cause in causes:
            by_manager.setdefault(cause["message"].replace("conflict", "conflicts", 1), []).append(f"- {cause['field']}")
        listed = "\n".join("\n".join([f"{who}:", *paths]) for who, paths in by_manager.items())
        text = f"Apply failed with {len(fields)} conflicts: {listed}"
    return Refused(409, "Conflict", text, details={"causes": causes})


def invalid(kind: Kind, name: str, causes: Sequence[Cause]) -> Refused:
    """422 of a validation."""
    said = list(dict.fromkeys(f"{cause.field}: {cause.message}" for cause in causes))
    text = said[0] if len(said) == 1 else f"[{', '.join(said)}]"
    details = _about(kind, name, as_kind=True) | {"causes": [{"reason": c.reason, "message": c.message, "field": c.field} for c in causes]}
    return Refused(422, "Invalid", f'{kind.qualified} "{name}" is invalid: {text}', details=details)


def manager_required() -> Refused:
    """422 of an apply without a field manager."""
    message = "Required value: is required for apply patch"
    causes = [{"reason": "FieldValueRequired", "message": message, "field": "fieldManager"}]
    details = {"group": "meta.k8s.io", "kind": "PatchOptions", "causes": causes}
    return Refused(422, "Invalid", f'PatchOptions.meta.k8s.io "" is invalid: fieldManager: {message}', details=details)


def patch_failed() -> Refused:
    """422 of a JSON patch that does not fit the object, a failed ``test`` too."""
    return Refused(422, "Invalid", NO_REASON, details={})


def expired_version(asked: int, oldest: int) -> Refused:
    """410 of a watch or of an exact list."""
    return Refused(410, "Expired", f"too old resource version: {asked} ({oldest})")


def expired_token(token: str) -> Refused:
    """410 of a continued list; carries the token of a list that goes on inconsistently."""
    return Refused(
        410,
        "Expired",
        "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or "
        "use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an "
        "inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in "
        "the list.",
        token=token,
    )


def version_too_large(asked: int, current: int) -> Refused:
    """504 of a list that asks for the future."""
    details = {"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}], "retryAfterSeconds": 1}
    return Refused(504, "Timeout", f"Timeout: Too large resource version: {asked}, current: {current}", details=details, retry_after=1)


def forbidden(kind: Kind, verb: str, namespace: str, name: str) -> Refused:
    """403 of RBAC."""
    where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    subject = f'{kind.resource} "{name}"' if name else kind.resource
    text = f'{subject} is forbidden: User "tests" cannot {verb} resource "{kind.plural}" in API group "{kind.group}" {where}'
    return Refused(403, "Forbidden", text, details=_about(kind, name))


def terminating(kind: Kind, name: str, namespace: str) -> Refused:
    """403 of a create in a namespace that is being deleted."""
    message = f"namespace {namespace} is being terminated"
    details = _about(kind, name) | {"causes": [{"reason": "NamespaceTerminating", "message": message, "field": "metadata.namespace"}]}
    text = f'{kind.resource} "{name}" is forbidden: unable to create new content in namespace {namespace} because it is being terminated'
    return Refused(403, "Forbidden", text, details=details)


_REASONS = {
    400: ("BadRequest", "the server rejected our request for an unknown reason"),
    401: ("Unauthorized", "Unauthorized"),
    403: ("Forbidden", "forbidden"),
    404: ("NotFound", "the server could not find the requested resource"),
    409: ("Conflict", "the server reported a conflict"),
    410: ("Expired", "The resourceVersion for the provided watch is too old."),
    422: ("Invalid", NO_REASON),
    429: ("TooManyRequests", "the server has received too many requests and has asked us to try again later"),
    500: ("InternalError", "an error on the server has prevented the request from succeeding"),
    503: ("ServiceUnavailable", "the server is currently unable to handle the request"),
    504: ("Timeout", "the server was unable to return a response in the time allotted, but may still be processing the request"),
}


def of_code(code: int, retry_after: int | None = None) -> Refused:
    """Any failure by its code, with the words of ``NewGenericServerResponse``; 429 comes from a filter before the API and is plain text."""
    reason, message = _REASONS.get(code, ("", "unknown"))
    details = {"retryAfterSeconds": retry_after} if retry_after else None
    text = "Too many requests, please try again later.\n" if code == 429 else ""
    return Refused(code, reason, message, details=details, retry_after=retry_after, text=text)


def watch_list_unknown() -> Refused:
    """422 of a server that cannot stream a list."""
    message = "Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled"
    causes = [{"reason": "FieldValueForbidden", "message": message, "field": "sendInitialEvents"}]
    details = {"group": "meta.k8s.io", "kind": "ListOptions", "causes": causes}
    return Refused(422, "Invalid", f'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: {message}', details=details)
