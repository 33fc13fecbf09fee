"""Exit code 2 for what a user has to write otherwise, in whichever command; nothing of it is worth trying again."""

import itertools

import pytest

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: berlin
clusters: [{name: test, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: test, user: {token: abc}}]
contexts: [{name: berlin, context: {cluster: test, user: test}}]
"""
NOBODY = ("--kubeconfig", "config")
JUDGING = (("check", "web.yaml"), ("list", "pods", *NOBODY), ("analyze", *NOBODY), ("watch", *NOBODY))
ASKING = (*JUDGING[1:], ("policy", "export", *NOBODY), ("policy", "bundle-apply", "baseline", *NOBODY))
READING = (("policy", "import", *NOBODY), ("policy", "diff", *NOBODY), ("policy", "convert"), ("check",))
CERTIFICATE = ("webhook", "cert-generate", "--service-name", "web", "--namespace", "ops")
WRONG = (
    *itertools.product(
        JUDGING,
        [("--weight", "foo"), ("--weight", "pending=1001"), ("--policy", "nowhere.yaml"), ("--policy", "web.yaml"), ("--policy", "shapeless.yaml")],
    ),
    *itertools.product(ASKING, [("--namespace", "a/b"), ("--context", "paris"), ("--kubeconfig", "nowhere")]),
    *itertools.product([CERTIFICATE], [("--ip-san", "bad"), ("--service-name", "Web_hook"), ("--namespace", "a/b"), ("--days", "many")]),
    *itertools.product(READING, [("nowhere.yaml",), ("shapeless.yaml",)]),
    (("analyze", *NOBODY), ("--contexts", "paris")),
    (("webhook", "install-config"), ("--ca-bundle-path", "web.yaml")),
    (("deploy", "generate-all"), ("--chart", "nowhere")),
    (("verify", "--prometheus", "http://127.0.0.1:1"), ("--dashboards", "nowhere.json")),
    (("run", "watch"), ("--config", "nowhere.yaml")),
)


@pytest.fixture
def directory(tmp_path, monkeypatch):
    """Where one finds a manifest, something that is none, a kubeconfig of a cluster that does not answer, and helm."""
    (tmp_path / "web.yaml").write_text(
        "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {containers: [{name: app, image: a}]}}"
    )
    (tmp_path / "shapeless.yaml").write_text("kind: [")
    (tmp_path / "config").write_text(KUBECONFIG)
    (tmp_path / "helm").write_text("#!/bin/sh\n")
    (tmp_path / "helm").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("command", "wrong"), WRONG, ids=" ".join)
def test_a_wrong_value_is_2(steward, directory, command, wrong):
    code, out, err = steward(*command, *wrong)

    assert (2, "", 1) == (code, out, err.count("\n"))
    assert any(word in err for word in wrong)


@pytest.mark.parametrize("command", ASKING, ids=" ".join)
def test_a_cluster_that_does_not_answer_is_1(steward, directory, command):
    code, out, err = steward(*command)

    assert (1, "") == (code, out)
    assert "does not answer" in err
