"""``steward crd``: what it prints. What it installs is tested at a real API server."""

import json

import pytest
import yaml


@pytest.mark.parametrize(("form", "read"), [("yaml", lambda out: list(yaml.safe_load_all(out))), ("json", lambda out: json.loads(out)["items"])])
def test_the_definitions_are_printed_for_kubectl(steward, form, read):
    code, out, _ = steward("crd", "generate", "-o", form)

    assert 0 == code
    assert ["DevOpsPolicy", "PolicyAuditResult"] == [one["spec"]["names"]["kind"] for one in read(out)]
    assert {"CustomResourceDefinition"} == {one["kind"] for one in read(out)}


def test_a_cluster_that_is_not_there_is_named(steward, tmp_path):
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "gone", "cluster": {"server": "http://127.0.0.1:9"}}],
                "users": [{"name": "me", "user": {"token": "x"}}],
                "contexts": [{"name": "gone", "context": {"cluster": "gone", "user": "me"}}],
                "current-context": "gone",
            }
        )
    )

    code, _, said = steward("crd", "install", "--kubeconfig", kubeconfig)

    assert 1 == code
    assert "http://127.0.0.1:9 does not answer" in said
