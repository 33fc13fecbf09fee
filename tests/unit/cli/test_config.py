"""The configuration file: what is accepted, and the one line for each way of getting it wrong."""

from typing import Literal

import msgspec
import pytest

from steward.cli.config import load
from steward.runtime.errors import ConfigError


class Config(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The part of a component."""

    namespaces: tuple[str, ...] = ()
    host_network: Literal["allow", "deny"] = "allow"
    pod_selector: str = ""
    labels: dict[str, str] = {}
    limit: int | None = None

    def __post_init__(self):
        if self.pod_selector == "(":
            raise ConfigError("config.podSelector: a bracket is not closed. Write a label selector.")
        if self.pod_selector == ")":
            raise ValueError("podSelector opens no bracket")


@pytest.fixture
def file(tmp_path):
    """Write a configuration file."""

    def file(content):
        path = tmp_path / "config.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return file


@pytest.mark.parametrize("content", ["", "---\n", "{}", "config: {}", "http: {}\nlog: {}"])
def test_everything_has_a_default(file, content):
    loaded = load(file(content), Config)

    assert (8080, 8081) == (loaded.http.metrics_port, loaded.http.health_port)
    assert ("info", "json") == (loaded.log.level, loaded.log.format)
    assert (True, 15.0, 10.0, 2.0) == (
        loaded.leader_election.enabled,
        loaded.leader_election.lease_duration_seconds,
        loaded.leader_election.renew_deadline_seconds,
        loaded.leader_election.retry_period_seconds,
    )
    assert Config() == loaded.config


def test_what_is_written_is_taken(file):
    loaded = load(file("log: {level: debug, format: text}\nhttp: {metricsPort: 9090}\nconfig: {hostNetwork: deny}"), Config)

    assert ("debug", "text", 9090, "deny") == (loaded.log.level, loaded.log.format, loaded.http.metrics_port, loaded.config.host_network)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('http: {metricsPort: "8080"}', 'http.metricsPort: expected a whole number from 1 to 65535, got "8080". Write 8080.'),
        (
            "http: {metricsPort: 0}",
            "http.metricsPort: expected a whole number from 1 to 65535, got 0. Write a whole number from 1 to 65535, such as 8080.",
        ),
        ("http: {metricPort: 1}", "http.metricPort: unknown key. Did you mean metricsPort?"),
        (
            "http: {flavour: 1}",
            "http.flavour: unknown key. Known keys are authorization, healthPort, metricsPort, tls, tlsCertFile, tlsPrivateKeyFile.",
        ),
        ("htpp: {}", "htpp: unknown key. Did you mean http?"),
        ("http: {healthPort: 8080}", "http.healthPort: 8080 is http.metricsPort too. Write another port."),
        (
            "log: {level: verbose}",
            'log.level: expected one of debug, error, info, warning, got "verbose". Write one of debug, error, info, warning.',
        ),
        (
            "leaderElection: {leaseDurationSeconds: 15s}",
            'leaderElection.leaseDurationSeconds: expected a number above 0, got "15s". Write 15.',
        ),
        (
            "leaderElection: {enabled: 1}",
            "leaderElection.enabled: expected true or false, got 1. Write true or false, such as true.",
        ),
        ("log: []", "log: expected a mapping of keys to values, got []. Write a mapping of keys to values."),
        ("log: null", "log: expected a mapping of keys to values, got null. Write a mapping of keys to values."),
        ("- log", 'the file: expected a mapping of keys to values, got ["log"]. Write a mapping of keys to values.'),
        ("1: {}", "the file: expected text as keys. Quote every key that looks like a number or a boolean."),
        ("namespaces: [kube-*]", 'namespaces[0]: "kube-*" is not a namespace. Write whole names; there are no patterns.'),
        ("config: {namespaces: [a, 1]}", "config.namespaces[1]: expected text, got 1. Write text."),
        ("config: {namespaces: a}", 'config.namespaces: expected a list, got "a". Write a list.'),
        ("config: {labels: {a: b, c: 1}}", "config.labels.c: expected text, got 1. Write text."),
        ("config: {limit: many}", 'config.limit: expected a whole number, got "many". Write a whole number.'),
        ("config: {podSelector: (}", "config.podSelector: a bracket is not closed. Write a label selector."),
        ("http: {tls: true, tlsCertFile: a}", "http.tlsPrivateKeyFile: empty, and tlsCertFile is not. Write both, or neither."),
        ("http: {tls: true, tlsPrivateKeyFile: a}", "http.tlsCertFile: empty, and tlsPrivateKeyFile is not. Write both, or neither."),
        ("http: {tlsCertFile: a, tlsPrivateKeyFile: b}", "http.tls: false, and tlsCertFile names a certificate. Write true, or no file."),
        (
            "http: {authorization: true}",
            "http.authorization: true, and http.tls is false, so tokens would be sent in the clear. Write http.tls: true.",
        ),
        ("config: {podSelector: )}", "config: podSelector opens no bracket"),
        ("config: {podSelektor: a}", "config.podSelektor: unknown key. Did you mean podSelector?"),
        ("log: {level: info", "line 1, column 18: not YAML: expected ',' or '}', but got '<stream end>'. Mend the line, or quote the value."),
        ("a: b: c", "line 1, column 5: not YAML: mapping values are not allowed here. Mend the line, or quote the value."),
        ("log:\n\tlevel: info", "line 2, column 1: not YAML: found character '\\t' that cannot start any token. Mend the line, or quote the value."),
    ],
)
def test_what_is_wrong_is_one_line_with_file_field_finding_and_mend(file, content, said):
    path = file(content)
    with pytest.raises(ConfigError) as caught:
        load(path, Config)

    assert f"{path}: {said}" == str(caught.value)


def test_a_file_that_is_no_text_is_said_so(file):
    with pytest.raises(ConfigError, match=r"not YAML: .*Write the file as UTF-8 text\.$") as caught:
        load(file(b"log: \xff\xfe"), Config)

    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_directory_cannot_be_read(tmp_path):
    for path, why in ((tmp_path / "none.yaml", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(ConfigError) as caught:
            load(str(path), Config)

        assert f"{path}: cannot be read: {why}. Name a readable YAML file with --config." == str(caught.value)
