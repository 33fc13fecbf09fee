"""The rules in alerts/ are right, are complete, and fire when they should and only then."""

import subprocess
from collections import Counter
from pathlib import Path

import pytest
import yaml

from support import helm, promql

ROOT = helm.CHART.parent
FILES = sorted((ROOT / "alerts").glob("*.yaml"))
CASES = sorted(Path(__file__).parent.glob("*.yaml"))
RULES = [(path.stem, rule) for path in FILES for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]
ALERTS = [(name, rule) for name, rule in RULES if "alert" in rule]
each_alert = pytest.mark.parametrize(("name", "rule"), ALERTS, ids=[rule["alert"] for _, rule in ALERTS])


def promtool(*arguments):
    """Run promtool; what it says goes into the failure."""
    done = subprocess.run([helm.tool("promtool"), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_promtool_accepts_the_file(path):
    """The file is one that Prometheus reads, and its lint finds nothing."""
    promtool("check", "rules", "--lint=all", "--lint-fatal", str(path))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should(path):
    """Every case of promtool's unit tests holds, with labels and annotations."""
    promtool("test", "rules", str(path))


def test_every_alert_has_a_case_that_fires_and_one_that_does_not():
    """A rule that was never seen firing is a hope; one that was never seen silent is a nuisance."""
    firing, silent = set(), set()
    for path in CASES:
        for case in yaml.safe_load(path.read_text())["tests"]:
            for expected in case["alert_rule_test"]:
                (firing if expected["exp_alerts"] else silent).add(expected["alertname"])
                assert all(alert.get("exp_labels") and alert.get("exp_annotations") for alert in expected["exp_alerts"]), case["name"]
    alerts = {rule["alert"] for _, rule in ALERTS}

    assert sorted(alerts - firing) == [], "alerts without a case that fires"
    assert sorted(alerts - silent) == [], "alerts without a case that stays silent"
    assert firing | silent == alerts


def test_names_are_unique():
    """The chart changes alerts by name, so a name must mean one rule."""
    assert [name for name, count in Counter(rule["alert"] for _, rule in ALERTS).items() if count > 1] == []


@each_alert
def test_an_alert_says_what_it_must(name, rule):
    """How bad, for how long, of which component, in words, and where to read on."""
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert rule["for"]
    if name == "common":
        assert "by (cluster, namespace, component)" in rule["expr"]
    else:
        assert rule["labels"]["component"] == name
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url", "dashboard_url"}
    assert "{{" not in rule["annotations"]["summary"]
    assert not any("{{" in value for value in rule["labels"].values()), "a label that changes makes a new alert each time"


@each_alert
def test_the_texts_name_no_duration(name, rule):
    """`for` can be changed by a value; a text that repeats it would then lie."""
    texts = rule["annotations"]["summary"] + rule["annotations"]["description"]

    assert not any(unit in texts for unit in ("minute", "second", "hour"))


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
    assert {path.stem for path in (ROOT / "docs" / "runbooks").glob("[A-Z]*.md")} - {"README"} == {rule["alert"] for _, rule in ALERTS}


@each_alert
def test_the_dashboard_exists(name, rule):
    """The link goes to a dashboard of the repository; common alerts to that of their component."""
    url = rule["annotations"]["dashboard_url"]
    uid = url.removeprefix("/d/").replace("{{ $labels.component }}", "headless")

    assert (ROOT / "dashboards" / f"{uid}.json").is_file()
    assert ("{{ $labels.component }}" in url) is (name == "common")


@pytest.mark.parametrize("rule", [rule for _, rule in RULES], ids=lambda rule: rule.get("alert") or rule["record"])
def test_every_metric_is_declared_by_the_program(rule):
    """A rule on a metric that nobody exports can never fire."""
    assert promql.undeclared(rule["expr"]) == set()


def test_common_alerts_can_be_narrowed():
    """Every selector of the common alerts has the matcher that the chart replaces by the enabled components."""
    for name, rule in ALERTS:
        if name == "common":
            assert all(matchers.get("component") == ".+" for _, matchers in promql.selectors(rule["expr"]))
            assert rule["expr"].count('component=~".+"') == len(promql.selectors(rule["expr"]))


@each_alert
def test_job_names_are_not_relied_upon(name, rule):
    """A job is called as whoever scrapes likes; our metrics say themselves which component they are of."""
    for metric, matchers in promql.selectors(rule["expr"]):
        assert metric != "up"
        assert "job" not in matchers


@each_alert
def test_thresholds_stand_in_block_scalars(name, rule):
    """On one line with its key a marker would be a comment of YAML, and be gone; and each names one number."""
    markers = [line.split("# $")[1] for line in rule["expr"].splitlines() if "# $" in line]

    assert len(set(markers)) == len(markers)
    for line in rule["expr"].splitlines():
        if "# $" in line:
            assert line.partition("#")[0].split()[-1].rstrip(")").replace(".", "").isdigit()
