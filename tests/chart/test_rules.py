"""The rules that the chart renders are those of alerts/, changed as the values say, and promtool accepts them."""

import subprocess

import pytest
import yaml

from support import helm
from support.paths import merge

FOLDER = helm.CHART / "files" / "alerts"
FILES = sorted([*FOLDER.glob("*.yaml"), *FOLDER.glob("slo/*.yaml")])
ALERTS = {rule["alert"]: rule for path in FILES for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"] if "alert" in rule}
GROUPS = [group["name"] for path in FILES for group in yaml.safe_load(path.read_text())["groups"]]
OBJECTIVES = [name.removesuffix("-slo") for name in GROUPS if name.endswith("-slo")]
ON = {"prometheusRule": {"enabled": True}}


def changed(alert, **change):
    """Values that change one alert."""
    return merge(ON, {"prometheusRule": {"rules": {alert: change}}})


def groups(values=ON):
    """The groups of all PrometheusRules."""
    return [group for found in helm.of_kind(helm.render(values, component=None), "PrometheusRule") for group in found["spec"]["groups"]]


def rules(values=ON):
    """The rendered alerts by name."""
    return {rule["alert"]: rule for group in groups(values) for rule in group["rules"] if "alert" in rule}


def accepted_by_promtool(path, rendered):
    """Whether promtool accepts the groups, lint included; what it says goes into the failure."""
    file = path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": rendered}))
    done = subprocess.run(
        [helm.tool("promtool"), "check", "rules", "--lint=all", "--lint-fatal", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


LAYERS = {
    "additionalRuleLabels": {"team": "all", "tier": "all", "page": "all", "severity": "info"},
    "additionalRuleAnnotations": {"note": "all {{ $labels.namespace }}", "summary": "all", "wiki": "all"},
    "groups": {
        "steward-headless": {"interval": "2m", "labels": {"team": "group", "tier": "group"}, "annotations": {"note": "group", "summary": "group"}}
    },
    "rules": {"OperatorDown": {"labels": {"team": "alert"}, "annotations": {"note": "alert"}, "severity": "warning"}},
}

EVERYTHING = {
    alert: {
        "for": "1h",
        "keepFiringFor": "5m",
        "severity": "info",
        "labels": {"team": "a"},
        "annotations": {"summary": "Mine: {{ $labels.namespace }}"},
        "expr": "vector(1) > 0 # $limit",
        "thresholds": {"limit": 0.5},
    }
    for alert in ALERTS
}


@pytest.mark.parametrize(
    "values",
    [ON, merge(ON, {"prometheusRule": {"rules": EVERYTHING}}), {"prometheusRule": {"enabled": True, **LAYERS}}],
    ids=["defaults", "every alert changed", "all layers"],
)
def test_promtool_accepts_the_rendered_rules(values, tmp_path):
    """As they come, and with every alert changed in every way."""
    accepted_by_promtool(tmp_path, groups(values))


@pytest.mark.parametrize("alert", ALERTS)
def test_promtool_accepts_the_rules_without_one(alert, tmp_path):
    """Each alert can be switched off, and only that one is gone."""
    rendered = groups(changed(alert, enabled=False))

    accepted_by_promtool(tmp_path, rendered)
    assert {rule["alert"] for group in rendered for rule in group["rules"] if "alert" in rule} == ALERTS.keys() - {alert}


def test_defaults_are_the_files():
    """Without changes an alert is rendered as it stands in its file, but for its links and the names of the components."""
    for alert, rule in rules().items():
        source = ALERTS[alert]
        assert rule["expr"] == source["expr"].strip().replace('component=~".+"', f'component=~"{"|".join(sorted(helm.NAMES))}"')
        assert rule["labels"] == source["labels"] | ({"namespace": "steward"} if "absent(" in source["expr"] else {})
        assert [rule.get(key) for key in ("for", "keep_firing_for")] == [source.get(key) for key in ("for", "keep_firing_for")]
        assert rule["annotations"] == {key: text for key, text in source["annotations"].items() if key != "dashboard_url"}


def test_changes_to_all_to_a_group_and_to_one_alert():
    """The narrower wins: of labels and of annotations alike; what is not named anywhere stays."""
    found = rules({"prometheusRule": {"enabled": True, **LAYERS}})

    assert found["OperatorDown"]["labels"] == {
        "component": "headless",
        "namespace": "steward",
        "team": "alert",
        "tier": "group",
        "page": "all",
        "severity": "warning",
    }
    assert found["OperatorDown"]["annotations"]["note"] == "alert"
    assert found["OperatorDown"]["annotations"]["summary"] == "group"
    assert found["OperatorDown"]["annotations"]["wiki"] == "all"
    assert found["OperatorDown"]["annotations"]["description"] == ALERTS["OperatorDown"]["annotations"]["description"]
    assert found["StewardNoLeader"]["labels"] == {"team": "all", "tier": "all", "page": "all", "severity": "info"}
    assert found["StewardNoLeader"]["annotations"]["note"] == "all {{ $labels.namespace }}"


def test_the_interval_of_a_group():
    """By default Prometheus' own."""
    intervals = {group["name"]: group.get("interval") for group in groups({"prometheusRule": {"enabled": True, **LAYERS}})}

    assert intervals == dict.fromkeys(GROUPS) | {"steward-headless": "2m"}


def test_a_group_can_be_switched_off():
    """The others stay."""
    rendered = groups(merge(ON, {"prometheusRule": {"groups": {"steward-headless": {"enabled": False}}}}))

    assert {group["name"] for group in rendered} == set(GROUPS) - {"steward-headless"}


def test_groups_of_ones_own():
    """They are rendered as they are, with what Prometheus fills in; a map, so that several values files can each add one."""
    rule = {"alert": "Many", "expr": "sum(k8s_headless_service_operator_services) > 9", "annotations": {"summary": "{{ $value }}"}}
    found = {
        group["name"]: group
        for group in groups(merge(ON, {"prometheusRule": {"additionalGroups": {"a": {"rules": [rule]}, "b": {"rules": [rule]}}}}))
    }

    assert found["a"] == {"name": "a", "rules": [rule]}
    assert found.keys() == {*GROUPS, "a", "b"}


def test_names_of_before_can_be_recorded(tmp_path):
    """Off by default; they are rules of the component, and promtool accepts them beside the alerts."""
    rendered = groups(merge(ON, {"prometheusRule": {"compatibilityRules": True, "additionalRuleLabels": {"team": "a"}}}))
    recorded = {rule["record"] for group in rendered if group["name"].endswith("-compatibility") for rule in group["rules"]}

    accepted_by_promtool(tmp_path, rendered)
    assert recorded == {
        rule["record"]
        for path in FOLDER.glob("compatibility/*.yaml")
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
    }
    assert recorded.isdisjoint({rule.get("record") for group in groups() for rule in group["rules"]})


def test_an_unknown_group_fails_the_render():
    """As with alerts."""
    with pytest.raises(helm.RenderError, match=r"prometheusRule\.groups\.headless: no such group\. There are: steward-common, steward-headless"):
        helm.render({"prometheusRule": {"groups": {"headless": {"enabled": False}}}})


def test_all_alerts_off_leave_no_object():
    """A PrometheusRule without rules is not created; what an objective records is worth having without its alerts."""
    alerts = {alert: {"enabled": False} for alert in ALERTS}
    objectives = {f"{name}-slo": {"enabled": False} for name in OBJECTIVES}

    assert groups(merge(ON, {"prometheusRule": {"rules": alerts, "groups": objectives}})) == []
    assert {"alert" in rule for group in groups(merge(ON, {"prometheusRule": {"rules": alerts}})) for rule in group["rules"]} == {False}


@pytest.mark.parametrize("percent", [99.95, "99.95"], ids=["a number", "as --set gives it"])
def test_an_objective_can_be_changed(percent, tmp_path):
    """In one place, from which its budget and its alerts follow; the others stay."""
    rendered = groups(merge(ON, {"prometheusRule": {"objectives": {"steward-headless-names": percent}}}))
    recorded = {
        rule["labels"]["sloth_id"]: rule["expr"] for group in rendered for rule in group["rules"] if rule.get("record") == "slo:objective:ratio"
    }

    accepted_by_promtool(tmp_path, rendered)
    assert recorded.keys() == set(OBJECTIVES)
    assert recorded["steward-headless-names"] == "vector(\n  0.9995 # $objective\n)"
    assert "0.995 #" in recorded["steward-headless-availability"]


@pytest.mark.parametrize(
    ("objectives", "message"),
    [
        ({"names": 99}, "prometheusRule.objectives.names: no such objective. There are: steward-headless-availability, "),
        ({"steward-headless-names": 100}, "/prometheusRule/objectives/steward-headless-names"),
        ({"steward-headless-names": "100"}, "/prometheusRule/objectives/steward-headless-names"),
        ({"steward-headless-names": 0}, "/prometheusRule/objectives/steward-headless-names"),
    ],
    ids=["unknown", "no budget", "no budget, as a text", "nothing promised"],
)
def test_an_objective_that_makes_no_sense_fails_the_render(objectives, message):
    """100 % leaves no budget: every alert on it would fire at the first error."""
    with pytest.raises(helm.RenderError) as refused:
        helm.render({"prometheusRule": {"objectives": objectives}})

    assert message in str(refused.value)


def test_every_part_of_an_alert_can_be_changed():
    """for, keep_firing_for, severity, labels and annotations; what is not named stays."""
    values = changed(
        "OperatorDown",
        **{"for": "1h", "keepFiringFor": "5m", "severity": "warning", "labels": {"team": "a"}, "annotations": {"summary": "{{ $value }}"}},
    )
    rule = rules(values)["OperatorDown"]

    assert (rule["for"], rule["keep_firing_for"]) == ("1h", "5m")
    assert rule["labels"] == {"severity": "warning", "component": "headless", "namespace": "steward", "team": "a"}
    assert rule["annotations"]["summary"] == "{{ $value }}"
    assert rule["annotations"]["description"] == ALERTS["OperatorDown"]["annotations"]["description"]


@pytest.mark.parametrize("value", [0.25, "0.25", 1000000, 0, -1.5], ids=str)
def test_a_threshold_is_changed_where_it_is_marked(value):
    """Only the number before the marker changes; the other thresholds stay."""
    before = rules()["HighServiceCreationErrorRate"]["expr"]
    after = rules(changed("HighServiceCreationErrorRate", thresholds={"ratio": value}))["HighServiceCreationErrorRate"]["expr"]
    (line,) = set(after.splitlines()) - set(before.splitlines())

    assert line.endswith("# $ratio")
    assert float(line.split()[1]) == float(value)


def test_an_expression_can_be_replaced():
    """The last resort; the rest of the alert stays."""
    rule = rules(changed("OperatorDown", expr="vector(0)"))["OperatorDown"]

    assert rule["expr"] == "vector(0)"
    assert rule["for"] == ALERTS["OperatorDown"]["for"]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"OperatorUp": {"enabled": False}}, "OperatorUp: no such alert. There are: "),
        (
            {"HighServiceCreationErrorRate": {"thresholds": {"rato": 1}}},
            "HighServiceCreationErrorRate.thresholds.rato: no such threshold. HighServiceCreationErrorRate has: ratio, minErrors, perSecond.",
        ),
        (
            {"OperatorDown": {"thresholds": {"ratio": 1}}},
            "OperatorDown.thresholds.ratio: no such threshold. OperatorDown has: none.",
        ),
    ],
    ids=["alert", "threshold", "alert without thresholds"],
)
@pytest.mark.parametrize("enabled", [True, False], ids=["rules on", "rules off"])
def test_an_unknown_name_fails_the_render(rule, message, enabled):
    """A typo would leave the alert as it was; the message says what there is. Also while the rules are still off."""
    with pytest.raises(helm.RenderError) as refused:
        helm.render({"prometheusRule": {"enabled": enabled, "rules": rule}})

    assert f"prometheusRule.rules.{message}" in str(refused.value)


def test_rules_belong_to_enabled_components():
    """Without components there are no rules, with one only its own and the common ones; a change of an alert of another is no error."""
    change = changed("OperatorDown", severity="info")

    assert groups(merge(helm.alone(""), change)) == []
    assert {group["name"] for group in groups(merge(helm.alone("watch"), change))} == {"steward-common", "steward-watch"}


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://wiki.example.com/alerts", "https://wiki.example.com/alerts/OperatorDown"),
        ("https://wiki.example.com/alerts/", "https://wiki.example.com/alerts/OperatorDown"),
        ("https://wiki.example.com/find?q={alert}", "https://wiki.example.com/find?q=OperatorDown"),
    ],
    ids=["base", "base with a slash", "template"],
)
def test_runbooks_elsewhere(base, url):
    """The name of the alert is appended, or put where the address says."""
    assert rules(merge(ON, {"prometheusRule": {"runbookUrl": base}}))["OperatorDown"]["annotations"]["runbook_url"] == url


def test_runbooks_of_the_files_are_those_of_the_chart(values):
    """Whoever uses the plain files gets the same address as by the chart's default."""
    for alert, rule in ALERTS.items():
        assert rule["annotations"]["runbook_url"] == values["prometheusRule"]["runbookUrl"].replace("{alert}", alert)


def test_links_to_dashboards_need_an_address():
    """With Grafana's address an alert links to its dashboard; without it there is no link that leads nowhere."""
    linked = rules(merge(ON, {"prometheusRule": {"dashboardUrl": "https://grafana.example.com/"}}))

    assert linked["OperatorDown"]["annotations"]["dashboard_url"] == "https://grafana.example.com/d/steward-headless"
    runtime = "https://grafana.example.com/d/steward-runtime?var-component={{ $labels.component }}"
    assert linked["StewardNoLeader"]["annotations"]["dashboard_url"] == runtime
    assert all("dashboard_url" not in rule["annotations"] for rule in rules().values())
