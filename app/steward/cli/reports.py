"""The result of ``steward check``, for people, for programs, and for what shows findings beside code (SARIF) and in pipelines (JUnit)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from steward import __version__
from steward.cli.output import printed
from steward.cli.verdicts import Judged
from steward.governance.rules import Exempted
from steward.governance.scores import Tally, summary
from steward.governance.violations import CHECKS, Check, Severity, Violation

ABOUT: dict[Check, str] = {
    "latest_tag": "The image is not pinned.",
    "missing_liveness": "A container has no liveness probe.",
    "missing_readiness": "A container has no readiness probe.",
    "high_restarts": "A container restarted too often.",
    "pending": "A pod is pending for too long.",
    "missing_resources": "A container has no requests and limits.",
}

LEVELS: dict[Severity, str] = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
"""Of SARIF 2.1.0, 3.27.10."""

SARIF = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


class Result(NamedTuple):
    """What was judged, what it counts, and the score that makes."""

    judged: list[Judged]
    counted: Tally
    score: float | None

    @property
    def summary(self) -> str:
        """A sentence."""
        return summary(sum(len(one.verdict.violations) for one in self.judged), self.counted.pods, self.score)


def _text(result: Result) -> str:
    return "\n".join((*(line for one in result.judged for line in _lines(one)), result.summary))


def _lines(judged: Judged) -> Iterator[str]:
    verdict = judged.verdict
    if verdict.violations or verdict.exempted:
        yield f"{verdict.workload} ({judged.document.where})"
    expired = {one.violation: one.exemption for one in verdict.expired}
    for one in verdict.violations:
        late = expired.get(one)
        until = f" Exempt until {late.expires.isoformat()}: {late.reason}" if late else ""
        yield f"  {one.severity:8} {one.check:17} {_said(one)}{until}"
    for exempted in verdict.exempted:
        of = f"{exempted.violation.container}: " if exempted.violation.container else ""
        yield f"  {'exempt':8} {exempted.violation.check:17} {of}{_why_exempt(exempted)}"


def _said(violation: Violation) -> str:
    return f"{violation.container}: {violation.message}" if violation.container else violation.message


def _why_exempt(exempted: Exempted) -> str:
    exemption = exempted.exemption
    by = f", by {exemption.approved_by}" if exemption.approved_by else ""
    return f"until {exemption.expires.isoformat()}{by}: {exemption.reason}"


def _data(result: Result) -> dict[str, Any]:
    return {
        "summary": result.summary,
        "pods": result.counted.pods,
        "violations": sum(len(one.verdict.violations) for one in result.judged),
        "score": result.score,
        "points": result.counted.points,
        "results": [
            {
                "where": document.where,
                "namespace": verdict.workload.namespace,
                "kind": verdict.workload.kind,
                "name": verdict.workload.name,
                "violations": verdict.violations,
                "exempted": verdict.exempted,
                "expired": verdict.expired,
            }
            for document, verdict in result.judged
        ],
    }


def _sarif(result: Result) -> str:
    """SARIF 2.1.0. What is exempt stays in, as suppressed: that is how viewers tell it from what is mended."""
    found: list[dict[str, Any]] = []
    for one in result.judged:
        found += [_sarif_result(one, violation) for violation in one.verdict.violations]
        for exempted in one.verdict.exempted:
            why = [{"kind": "external", "justification": _why_exempt(exempted)}]
            found.append({**_sarif_result(one, exempted.violation), "suppressions": why})
    rules = [{"id": check, "shortDescription": {"text": ABOUT[check]}} for check in CHECKS]
    driver = {"name": "steward", "semanticVersion": __version__, "rules": rules}
    return json.dumps({"$schema": SARIF, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": found}]}, indent=2)


def _sarif_result(judged: Judged, violation: Violation) -> dict[str, Any]:
    document, workload = judged.document, judged.verdict.workload
    place: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": str(workload), "kind": "resource"}]}
    if document.file != "-":
        place["physicalLocation"] = {"artifactLocation": {"uri": document.file}, "region": {"startLine": document.line}}
    return {
        "ruleId": violation.check,
        "ruleIndex": CHECKS.index(violation.check),
        "level": LEVELS[violation.severity],
        "message": {"text": f"{workload}: {_said(violation)}"},
        "locations": [place],
        "properties": {"severity": violation.severity},
    }


def _junit(result: Result) -> str:
    """A test case for each check that was made of a workload; exempt ones are skipped."""
    suites = Element("testsuites", name="steward check")
    for one in result.judged:
        verdict = one.verdict
        suite = SubElement(suites, "testsuite", name=f"{verdict.workload} ({one.document.where})")
        checks = dict.fromkeys(check for check, _ in verdict.applied)
        wrong = {check: [one for one in verdict.violations if one.check == check] for check in checks}
        exempt = {check: [one for one in verdict.exempted if one.violation.check == check] for check in checks}
        for check in checks:
            case = SubElement(suite, "testcase", classname=str(verdict.workload), name=check)
            if wrong[check]:
                failure = SubElement(case, "failure", type=wrong[check][0].severity, message=ABOUT[check])
                failure.text = "\n".join(map(_said, wrong[check]))
            elif exempt[check]:
                SubElement(case, "skipped", message="; ".join(map(_why_exempt, exempt[check])))
        suite.set("tests", str(len(checks)))
        suite.set("failures", str(sum(map(bool, wrong.values()))))
        suite.set("skipped", str(sum(bool(exempt[check]) and not wrong[check] for check in checks)))
        suite.set("errors", "0")
    for count in ("tests", "failures", "errors"):
        suites.set(count, str(sum(int(suite.get(count, "0")) for suite in suites)))
    indent(suites)
    return tostring(suites, encoding="unicode", xml_declaration=True)


REPORTS: dict[str, Callable[[Result], str]] = {
    "text": _text,
    "json": lambda result: printed(_data(result), "json"),
    "yaml": lambda result: printed(_data(result), "yaml"),
    "sarif": _sarif,
    "junit": _junit,
}
"""By the value of ``--output``."""
