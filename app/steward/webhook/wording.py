"""What people are told: the reason of a denial, warnings, and notes in the audit log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from steward.governance.combining import Combined, Excused, Finding

PREFIX = "Denied by DevOpsPolicy: "
"""Beginning of every denial, the seed's. Tools look for it."""

WARNING_LIMIT, WARNINGS_LIMIT = 256, 4096
"""Characters of one warning, and of all of an answer: what is longer is cut by the API server (apiserver, warning.go)."""

MESSAGE_LIMIT = 4096
"""Characters of a denial. Terminals show all of it."""

NOTE_LIMIT = 1024
"""Characters of a note in the audit log, which keeps them for each request."""


def denial(found: Iterable[Finding]) -> str:
    """Why a pod is denied: each policy, container and mend."""
    sentences = [_sentence([one.policy for one in finding.opinions if one.denies], finding.container, finding.message) for finding in found]
    return PREFIX + " ".join(_fitting(sentences, MESSAGE_LIMIT - len(PREFIX)))


def warnings(found: Iterable[Finding], expired: Iterable[Excused], *, is_template: bool) -> tuple[str, ...]:
    """What is wrong and lets the object pass all the same; in ASCII, because it travels in a header."""
    # What pods get only when they are made, such as defaults of the namespace and sidecars, is not in a template.
    kind = "Pod template: DevOpsPolicy" if is_template else "DevOpsPolicy"
    sentences = [f"{kind} {_sentence(one.policies, one.container, one.message)} [{one.check}, {one.severity}]" for one in found]
    sentences += [f"{kind} {_ended(one)}" for one in expired]
    return tuple(_fitting([_header(sentence) for sentence in sentences], WARNINGS_LIMIT))


def notes(combined: Combined, policies: Iterable[str]) -> dict[str, str]:
    """What the audit log keeps of a judgement."""
    found = {
        "policies": ", ".join(sorted(policies)),
        "violations": ", ".join(f"{one.check}({one.container})={one.severity}" for one in combined.findings),
        "exempted": ", ".join(_excuse(one) for one in combined.excused),
    }
    return {key: _cut(text, NOTE_LIMIT) for key, text in found.items() if text}


def _sentence(policies: Iterable[str], container: str, message: str) -> str:
    place = f"container {container}: " if container else ""
    return f"{', '.join(policies)}: {place}{message}"


def _ended(expired: Excused) -> str:
    exemption, violation = expired.exempted.exemption, expired.exempted.violation
    place = f" of container {violation.container}" if violation.container else ""
    return f"{expired.policy}: the exemption from {violation.check}{place} ended at {exemption.expires:%Y-%m-%dT%H:%M:%SZ}: {exemption.reason}"


def _excuse(excused: Excused) -> str:
    violation = excused.exempted.violation
    return f"{excused.policy}: {violation.check}({violation.container}): {excused.exempted.exemption.reason}"


def _fitting(sentences: list[str], limit: int) -> Iterator[str]:
    """As many as fit, and how many do not."""
    room = limit - len(f"and {len(sentences)} more")
    for position, sentence in enumerate(sentences):
        # One for what stands between them.
        room -= len(sentence) + 1
        if room < 0:
            yield f"and {len(sentences) - position} more"
            return
        yield sentence


def _header(text: str) -> str:
    """Text as a header can carry it: printable ASCII in one line."""
    cut = _cut(text, WARNING_LIMIT)
    return cut if cut.isascii() and cut.isprintable() else "".join(one if " " <= one <= "~" else "?" for one in cut)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
