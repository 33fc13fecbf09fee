"""Metrics over TLS, and only for those who may read them: who gets what to make that work."""

import pytest
import yaml

from steward.runtime import authorizer
from support import helm
from support.paths import merge

MODES = {
    "self": {},
    "certManager": {"mode": "certManager", "certManager": {"issuerRef": {"name": "ca"}}},
    "existingSecret": {"mode": "existingSecret", "existingSecret": "mine"},
}
SECRETS = {"certManager": "steward-headless-metrics-tls", "existingSecret": "mine"}
HOST = "steward-headless-metrics.steward.svc"
TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"


def protected(mode="self", *, authorization=False, **more):
    """Values for metrics over TLS."""
    return merge({"metrics": {"tls": {"enabled": True, **MODES[mode]}, "authorization": {"enabled": authorization}}}, more)


def scraped(objects, kind="ServiceMonitor"):
    """The endpoint of the monitor."""
    spec = helm.only(objects, kind)["spec"]
    return (spec.get("endpoints") or spec["podMetricsEndpoints"])[0]


def mounted(objects):
    """Secrets in the pod by where the container finds them."""
    pod = helm.only(objects, "Deployment")["spec"]["template"]["spec"]
    secrets = {volume["name"]: volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume}
    return {mount["mountPath"]: secrets[mount["name"]] for mount in pod["containers"][0]["volumeMounts"] if mount["name"] in secrets}


def http(objects):
    """What the process is told."""
    return yaml.safe_load(helm.only(objects, "ConfigMap")["data"]["config.yaml"])["http"]


@pytest.mark.parametrize("mode", SECRETS)
def test_the_process_finds_the_certificate_of_the_secret(mode):
    objects = helm.render(protected(mode))
    told, (directory, secret) = http(objects), *mounted(objects).items()

    assert SECRETS[mode] == secret
    assert (True, f"{directory}/tls.crt", f"{directory}/tls.key") == (told["tls"], told["tlsCertFile"], told["tlsPrivateKeyFile"])


@pytest.mark.parametrize("values", [{}, protected(), {"metrics": {"tls": MODES["certManager"]}}], ids=["plain", "self", "not enabled"])
def test_no_secret_is_mounted_that_nobody_made(values):
    """A pod would wait for it for ever."""
    objects = helm.render(values)

    assert {} == mounted(objects)
    assert ("", "") == (http(objects)["tlsCertFile"], http(objects)["tlsPrivateKeyFile"])
    assert [] == helm.of_kind(objects, "Certificate")


@pytest.mark.parametrize("kind", ["serviceMonitor", "podMonitor"])
@pytest.mark.parametrize("mode", MODES)
def test_prometheus_checks_the_certificate_where_that_can_be_checked(mode, kind):
    found = scraped(helm.render(protected(mode, **{kind: {"enabled": True}})), kind[0].upper() + kind[1:])

    assert "https" == found["scheme"]
    if mode == "self":
        assert {"insecureSkipVerify": True} == found["tlsConfig"]
    else:
        assert {"ca": {"secret": {"name": SECRETS[mode], "key": "ca.crt"}}, "serverName": HOST} == found["tlsConfig"]


def test_the_certificate_is_for_the_name_that_prometheus_asks_for():
    """Also where names are cut."""
    values = protected("certManager", serviceMonitor={"enabled": True}, fullnameOverride="x" * 53)
    objects = helm.render(values)
    certificate = helm.only(objects, "Certificate")["spec"]

    assert scraped(objects)["tlsConfig"]["serverName"] in certificate["dnsNames"]
    assert f"{helm.only(objects, 'Service')['metadata']['name']}.steward.svc" in certificate["dnsNames"]
    assert scraped(objects)["tlsConfig"]["ca"]["secret"]["name"] == certificate["secretName"]
    assert {"name": "ca", "kind": "Issuer", "group": "cert-manager.io"} == certificate["issuerRef"]
    assert "duration" not in certificate


def test_what_the_values_say_of_a_monitor_wins():
    """As a whole: half of one way to check and half of another would be none."""
    own = {"tlsConfig": {"caFile": "/ca.crt"}, "authorization": {"credentials": {"name": "a", "key": "b"}}}
    found = scraped(helm.render(protected("existingSecret", authorization=True, serviceMonitor={"enabled": True, **own})))

    assert own == {key: found[key] for key in own}
    assert "bearerTokenFile" not in found


@pytest.mark.parametrize(("authorization", "token"), [(True, TOKEN), (False, None)])
def test_prometheus_sends_its_token_only_where_one_is_wanted(authorization, token):
    found = scraped(helm.render(protected(authorization=authorization, serviceMonitor={"enabled": True})))

    assert token == found.get("bearerTokenFile")


def rules(objects):
    """The rules of the component's ClusterRole."""
    return next(role["rules"] for role in helm.of_kind(objects, "ClusterRole") if role["metadata"]["name"].endswith("-headless"))


def test_the_process_may_ask_who_somebody_is_only_where_it_has_to():
    plain, asking = rules(helm.render(protected())), rules(helm.render(protected(authorization=True)))
    declared = [{"apiGroups": [right.resource.group], "resources": [right.resource.plural], "verbs": [right.verbs]} for right in authorizer.RIGHTS]

    assert plain + declared == asking


def test_subjects_are_bound_to_a_role_that_may_read_all_that_is_guarded():
    subject = {"kind": "ServiceAccount", "name": "prometheus", "namespace": "monitoring"}
    objects = helm.render(protected(metrics={"authorization": {"enabled": True, "subjects": [subject]}}))
    (binding,) = [one for one in helm.of_kind(objects, "ClusterRoleBinding") if one["metadata"]["name"].endswith("-metrics-reader")]
    (role,) = [one for one in helm.of_kind(objects, "ClusterRole") if one["metadata"]["name"] == binding["roleRef"]["name"]]

    assert [subject] == binding["subjects"]
    assert [{"nonResourceURLs": ["/", "/metrics", "/events"], "verbs": ["get"]}] == role["rules"]


def test_the_role_of_readers_is_there_for_others_to_bind_and_away_without_a_reason():
    names = [
        [role["metadata"]["name"] for role in helm.of_kind(helm.render(values), "ClusterRole")]
        for values in (protected(authorization=True), protected(), protected(authorization=True, rbac={"create": False}))
    ]

    assert [True, False, False] == [any(name.endswith("-metrics-reader") for name in found) for found in names]


@pytest.mark.parametrize(
    ("values", "annotations"),
    [(protected(), {"scheme": "https", "scrape": "true", "port": "8080", "path": "/metrics"}), (protected(authorization=True), {})],
    ids=["tls", "authorization"],
)
def test_a_plain_prometheus_is_told_what_it_can_do(values, annotations):
    service = helm.only(helm.render(values), "Service")

    assert {f"prometheus.io/{key}": value for key, value in annotations.items()} == service["metadata"].get("annotations", {})


def test_the_test_of_the_release_needs_no_token():
    """A refusal through the Service says that a ready pod answers."""
    args = helm.only(helm.render(protected(authorization=True)), "Pod")["spec"]["containers"][0]["args"]

    assert f"https://{HOST}:8080/metrics" in args
    assert "401" == args[args.index("--status") + 1]
    assert "--expect" not in args


def test_the_probes_of_the_kubelet_stay_as_they_are():
    plain, safe = (helm.only(helm.render(values), "Deployment")["spec"]["template"]["spec"]["containers"][0] for values in ({}, protected()))

    assert [plain[probe] for probe in ("startupProbe", "livenessProbe", "readinessProbe")] == [
        safe[probe] for probe in ("startupProbe", "livenessProbe", "readinessProbe")
    ]


REFUSED = {
    "tokens in the clear": (
        {"metrics": {"authorization": {"enabled": True}}},
        "metrics.authorization.enabled: tokens would be sent in the clear. Set metrics.tls.enabled=true.",
    ),
    "no Secret": (
        {"metrics": {"tls": {"mode": "existingSecret"}}},
        "metrics.tls.existingSecret: empty, and mode is existingSecret. Name a Secret of type kubernetes.io/tls, or set mode=self.",
    ),
    "a Secret for nobody": (
        {"metrics": {"tls": {"existingSecret": "mine"}}},
        'metrics.tls.existingSecret: mine is not used, because mode is self. Set mode=existingSecret, or existingSecret="".',
    ),
    "no issuer": (
        {"metrics": {"tls": {"mode": "certManager"}}},
        (
            "metrics.tls.certManager.issuerRef.name: empty, and mode is certManager. Name an Issuer of the release's namespace, "
            "or a ClusterIssuer with kind=ClusterIssuer."
        ),
    ),
    "no right to ask": (
        protected(authorization=True, rbac={"scope": "namespace"}),
        (
            "metrics.authorization.enabled: whose a token is can only be asked with a right in the whole cluster. "
            "Set rbac.scope=cluster, or grant it and set rbac.create=false."
        ),
    ),
    "a monitor that speaks something else": (
        protected(serviceMonitor={"enabled": True, "scheme": "http"}),
        "serviceMonitor.scheme: http, and metrics.tls.enabled is true. Leave it empty.",
    ),
    "a monitor away from the Secret": (
        protected("existingSecret", podMonitor={"enabled": True, "namespace": "monitoring"}),
        (
            "podMonitor.namespace: Prometheus Operator reads the certificate's authority from a Secret beside the monitor, "
            "and it is not in monitoring. "
            "Leave it empty, or set podMonitor.tlsConfig."
        ),
    ),
    "no token for a PodMonitor": (
        protected(authorization=True, podMonitor={"enabled": True}),
        "metrics.authorization.enabled: with a PodMonitor Prometheus cannot send its own token. Use serviceMonitor, or set podMonitor.authorization.",
    ),
}


@pytest.mark.parametrize(("values", "message"), REFUSED.values(), ids=REFUSED)
def test_what_protects_nothing_or_lets_nobody_in_is_refused(values, message):
    with pytest.raises(helm.RenderError) as refused:
        helm.render(values)

    assert message in [line.partition("): ")[2] for line in str(refused.value).splitlines()]


@pytest.mark.parametrize(
    ("values", "warned"),
    [
        (protected(authorization=True), "metrics.authorization.subjects is empty"),
        (protected(authorization=True, serviceMonitor={"enabled": True}), "metrics.tls.mode=self: Prometheus cannot check whom"),
        (protected("certManager"), "metrics.tls.mode is certManager, and the cluster has no kind Certificate"),
    ],
    ids=["nobody bound", "token to anybody", "no cert-manager"],
)
def test_the_notes_warn_of_what_may_not_work(values, warned):
    assert warned in helm.notes(values)
    assert warned not in helm.notes(protected())
