"""The rules in alerts/ fire when they should and only then, and each alert leads to a runbook and a dashboard."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from steward.governance.policies import POLICIES
from steward.webhook.component import COMPONENT
from steward.webhook.model import NAMESPACES
from support import helm, promql

ROOT = helm.CHART.parent
FILES = sorted([*(ROOT / "alerts").glob("*.yaml"), *(ROOT / "alerts" / "slo").glob("*.yaml")])
CASES = sorted(path for path in Path(__file__).parent.glob("**/*.yaml") if path.parent.name != "compatibility")
RULES = [(path.stem, rule) for path in FILES for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]
ALERTS = [(name, rule) for name, rule in RULES if "alert" in rule]
RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("[A-Z]*.md"))
each_alert = pytest.mark.parametrize(("name", "rule"), ALERTS, ids=[rule["alert"] for _, rule in ALERTS])
each_runbook = pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)


def promtool(*arguments):
    """Run promtool; what it says goes into the failure."""
    done = subprocess.run([helm.tool("promtool"), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def blocks(page, language):
    """The blocks of code of a page."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_promtool_accepts_the_file(path):
    """The file is one that Prometheus reads, and its lint finds nothing."""
    promtool("check", "rules", "--lint=all", "--lint-fatal", str(path))


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_alerts_fire_when_they_should(path):
    """Every case of promtool's unit tests holds, with labels and annotations."""
    promtool("test", "rules", str(path))


def test_every_alert_has_a_case_that_fires_and_one_that_does_not():
    """A rule that was never seen firing is a hope; one that was never seen silent is a nuisance."""
    firing, silent = set(), set()
    for path in CASES:
        for case in yaml.safe_load(path.read_text())["tests"]:
            for expected in case.get("alert_rule_test", []):
                (firing if expected["exp_alerts"] else silent).add(expected["alertname"])
                assert all(alert.get("exp_labels") and alert.get("exp_annotations") for alert in expected["exp_alerts"]), case["name"]
    alerts = {rule["alert"] for _, rule in ALERTS}

    assert sorted(alerts - firing) == [], "alerts without a case that fires"
    assert sorted(alerts - silent) == [], "alerts without a case that stays silent"
    assert firing | silent == alerts


def test_every_recorded_series_has_a_case_with_its_value():
    """By name and by the labels that the rule gives it."""
    samples = [
        expected["expr"] + sample["labels"]
        for path in CASES
        for case in yaml.safe_load(path.read_text())["tests"]
        for expected in case.get("promql_expr_test", [])
        for sample in expected["exp_samples"]
    ]

    def is_expected(rule):
        wanted = [rule["record"], *(f'{name}="{value}"' for name, value in rule.get("labels", {}).items())]
        return any(all(part in sample for part in wanted) for sample in samples)

    assert [(rule["record"], rule.get("labels")) for _, rule in RULES if "record" in rule and not is_expected(rule)] == []


def test_the_age_of_caches_is_that_of_those_by_which_the_webhook_judges():
    """Of all that it follows; the rest is its certificates, which are somebody else's alert."""
    (rule,) = (rule for _, rule in ALERTS if rule["alert"] == "KubeDevopsWebhookCacheOld")
    ((_, matchers),) = promql.selectors(rule["expr"])
    followed = {str(right.resource) for right in COMPONENT.rights if "watch" in right.verbs}

    assert {str(POLICIES), str(NAMESPACES)} == {name for name in followed if re.fullmatch(matchers["resource"], name)}


@each_alert
def test_the_runbook_exists(name, rule):
    """The page has the alert's name and says what it means, what it costs, how to find the cause and what to do."""
    page = ROOT / "docs" / "runbooks" / f"{rule['alert']}.md"
    headings = [line.strip("# ") for line in page.read_text().splitlines() if line.startswith("#") and " " in line]

    assert rule["annotations"]["runbook_url"].endswith(f"/docs/runbooks/{page.name}")
    assert [heading for heading in headings if heading in {rule["alert"], "Meaning", "Impact", "Diagnosis", "Mitigation"}] == [
        rule["alert"],
        "Meaning",
        "Impact",
        "Diagnosis",
        "Mitigation",
    ]


def test_every_runbook_has_an_alert():
    """A page that no alert leads to is one that nobody keeps."""
    assert {page.stem for page in RUNBOOKS} - {"README"} == {rule["alert"] for _, rule in ALERTS}


@each_alert
def test_the_runbook_names_the_thresholds_of_the_alert(name, rule):
    """Whoever reads what it means can look up what it can be changed to."""
    text = (ROOT / "docs" / "runbooks" / f"{rule['alert']}.md").read_text()

    for threshold in re.findall(r"# \$(\w+)", rule["expr"]):
        assert f"`{threshold}`" in text
        assert f"prometheusRule.rules.{rule['alert']}.thresholds" in " ".join(text.split())


@each_runbook
def test_commands_of_a_runbook_are_ones_of_a_shell(page):
    """tests/cluster/test_runbooks.py runs those that only read; here all are parsed."""
    for block in blocks(page, "sh"):
        done = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@each_runbook
def test_queries_of_a_runbook_read_what_the_program_exports(page):
    """Or what alerts/ records of it; the metrics of the process itself come from the client library."""
    recorded = {rule["record"] for _, rule in RULES if "record" in rule}
    for block in blocks(page, "promql"):
        for query in block.splitlines():
            assert {name for name in promql.undeclared(query) if not name.startswith("process_")} - recorded == set()


@each_alert
def test_the_dashboard_exists(name, rule):
    """The link goes to a dashboard of the repository; that of a common alert to the one that shows every component, with the one concerned chosen."""
    uid, _, chosen = rule["annotations"]["dashboard_url"].removeprefix("/d/").partition("?")

    assert (ROOT / "dashboards" / f"{uid}.json").is_file()
    assert (uid == "steward-runtime") is (name == "common")
    assert chosen == ("var-component={{ $labels.component }}" if name == "common" else "")
