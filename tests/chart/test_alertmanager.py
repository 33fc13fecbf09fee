"""Where alerts go: what Alertmanager itself makes of the configuration, and that both forms of it say the same."""

import subprocess

import pytest
import yaml

from support import helm
from support.paths import merge

KEY = {"name": "secret", "key": "key"}
RECEIVERS = {
    "on-call": {"pagerduty": [{"routingKey": KEY}], "webhook": [{"urlSecret": KEY, "maxAlerts": 5}]},
    "platform": {
        "slack": [{"apiURL": KEY, "channel": "#alerts"}, {"apiURL": KEY, "channel": "#more", "title": "t", "text": "t"}],
        "email": [{"to": "a@b.c", "from": "d@b.c", "smarthost": "b.c:587", "authUsername": "d", "authPassword": KEY, "requireTLS": False}],
        "webhook": [{"url": "https://hooks.example.com", "sendResolved": False}],
    },
}
ROUTES = {"critical": {"receiver": "on-call"}, "warning": {"receiver": "platform"}}
CONFIGURED = {"alertmanagerConfig": {"enabled": True, "plain": {"enabled": True}, "receivers": RECEIVERS, "routes": ROUTES}}


def configured(**changes):
    """Values with receivers, and these changes."""
    return merge(CONFIGURED, {"alertmanagerConfig": changes})


def plain(values=CONFIGURED):
    """The configuration in the Secret."""
    (found,) = [one for one in helm.of_kind(helm.render(values), "Secret") if "alertmanager.yaml" in one.get("stringData", {})]
    return found["stringData"]["alertmanager.yaml"]


def amtool(path, text, *arguments):
    """What amtool says of a configuration."""
    file = path / "alertmanager.yaml"
    file.write_text(text)
    command = [helm.tool("amtool"), *(str(file) if argument == "FILE" else argument for argument in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def test_nothing_is_created_unless_it_is_asked_for():
    kinds = {found["kind"] for found in helm.render({"prometheusRule": {"enabled": True}})}

    assert {"AlertmanagerConfig", "Secret"}.isdisjoint(kinds)


def test_alertmanager_accepts_the_configuration(tmp_path):
    """With every kind of receiver and every field."""
    assert "SUCCESS" in amtool(tmp_path, plain(), "check-config", "FILE")


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["component=headless", "severity=critical"], "on-call"),
        (["component=headless", "severity=warning"], "platform"),
        (["component=headless", "severity=info"], "null"),
        (["component=other", "severity=critical"], "null"),
        (["severity=critical"], "null"),
    ],
    ids=" ".join,
)
def test_an_alert_is_routed_by_severity(labels, receiver, tmp_path):
    """As Alertmanager's own router says. An alert of somebody else goes nowhere."""
    assert amtool(tmp_path, plain(), "config", "routes", "test", "--config.file", "FILE", *labels) == receiver


def test_alerts_of_others_go_to_the_default_receiver(tmp_path):
    """Of an Alertmanager that has this configuration as its whole one."""
    text = plain(configured(plain={"enabled": True, "defaultReceiver": "platform"}))

    assert amtool(tmp_path, text, "config", "routes", "test", "--config.file", "FILE", "severity=critical", "component=other") == "platform"


def test_no_secret_is_in_either_form():
    """The AlertmanagerConfig names the Secret, the plain form the file it is mounted as."""
    platform = yaml.safe_load(plain())["receivers"][2]
    spec = helm.only(helm.render(CONFIGURED), "AlertmanagerConfig")["spec"]

    assert spec["receivers"][2]["slackConfigs"][0]["apiURL"] == KEY
    assert platform["slack_configs"][0]["api_url_file"] == "/etc/alertmanager/secrets/secret/key"
    assert platform["email_configs"][0]["auth_password_file"] == "/etc/alertmanager/secrets/secret/key"
    assert yaml.safe_load(plain())["receivers"][1]["webhook_configs"][0]["url_file"] == "/etc/alertmanager/secrets/secret/key"


def test_what_is_false_stays_false():
    """sendResolved is true by default, and a TLS that is not wanted is not required."""
    platform = yaml.safe_load(plain())["receivers"][2]

    assert platform["webhook_configs"][0] == {"send_resolved": False, "url": "https://hooks.example.com"}
    assert platform["email_configs"][0]["require_tls"] is False
    assert platform["email_configs"][0]["send_resolved"] is True


def test_both_forms_say_the_same():
    """Receivers, grouping, times, and what keeps what silent."""
    spec = helm.only(helm.render(CONFIGURED), "AlertmanagerConfig")["spec"]
    ours = yaml.safe_load(plain())
    (branch,) = ours["route"]["routes"]

    assert [receiver["name"] for receiver in spec["receivers"]] == [receiver["name"] for receiver in ours["receivers"]] == ["null", *RECEIVERS]
    assert spec["route"]["groupBy"] == branch["group_by"] == ["cluster", "namespace", "component", "severity"]
    for theirs, plainly in zip(spec["route"]["routes"], branch["routes"], strict=True):
        assert theirs["receiver"] == plainly["receiver"]
        assert f'severity="{theirs["matchers"][0]["value"]}"' == plainly["matchers"][0]
        assert [theirs[key] for key in ("groupWait", "groupInterval", "repeatInterval")] == [
            plainly[key] for key in ("group_wait", "group_interval", "repeat_interval")
        ]
    assert spec["inhibitRules"][0]["equal"] == ours["inhibit_rules"][0]["equal"] == ["cluster", "namespace", "component"]


def test_inhibition_can_be_switched_off():
    values = configured(inhibition=False)

    assert "inhibit_rules" not in yaml.safe_load(plain(values))
    assert "inhibitRules" not in helm.only(helm.render(values), "AlertmanagerConfig")["spec"]


def test_the_alert_on_absence_has_a_namespace_to_be_chosen_by():
    """absent() has no labels of what is gone, and an AlertmanagerConfig gets the alerts of its namespace."""
    rendered = helm.of_kind(helm.render({"prometheusRule": {"enabled": True}}, namespace="here"), "PrometheusRule")
    alerts = [rule for found in rendered for group in found["spec"]["groups"] for rule in group["rules"] if "alert" in rule]

    assert {rule["labels"].get("namespace") for rule in alerts if "absent(" in rule["expr"]} == {"here"}
    assert {rule["labels"].get("namespace") for rule in alerts if "absent(" not in rule["expr"]} == {None}


@pytest.mark.parametrize("form", [{"enabled": True}, {"plain": {"enabled": True}}], ids=["AlertmanagerConfig", "plain"])
def test_the_notes_say_when_nobody_is_told(form):
    told = "nobody is told of an alert"

    assert told in helm.notes({"alertmanagerConfig": form})
    assert told not in helm.notes(merge(CONFIGURED, {"alertmanagerConfig": form}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"routes": {"critical": {"receiver": "oncall"}}},
            "alertmanagerConfig.routes.critical.receiver: no receiver oncall. alertmanagerConfig.receivers has: on-call, platform.",
        ),
        (
            {"plain": {"defaultReceiver": "all"}},
            "alertmanagerConfig.plain.defaultReceiver: no receiver all. alertmanagerConfig.receivers has: on-call, platform.",
        ),
        ({"routes": {"page": {"receiver": "on-call"}}}, "/alertmanagerConfig/routes"),
        ({"receivers": {"platform": {"slak": []}}}, "/alertmanagerConfig/receivers/platform"),
        ({"receivers": {"platform": {"slack": [{"apiURL": "https://hooks.slack.com/T0/secret", "channel": "#a"}]}}}, "/slack/0/apiURL"),
        ({"receivers": {"platform": {"slack": [{"apiURL": {"key": "url"}, "channel": "#a"}]}}}, "/slack/0/apiURL"),
        ({"receivers": {"platform": {"webhook": [{"maxAlerts": 1}]}}}, "/webhook/0"),
        ({"receivers": {"platform": {"email": [{"to": "a@b.c", "from": "d@b.c", "smarthost": "b.c"}]}}}, "/email/0/smarthost"),
    ],
    ids=["unknown receiver", "unknown default", "unknown severity", "unknown kind", "a secret in plain text", "no secret", "no address", "no port"],
)
def test_what_cannot_work_fails_the_render(changes, message):
    with pytest.raises(helm.RenderError) as refused:
        helm.render(configured(**changes))

    assert message in str(refused.value)
