"""Custom resource definitions of others, from the Go modules that their makers publish: pinned, and checked against go.sum."""

from __future__ import annotations

import json
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
OTHERS = ROOT / "tests" / "chart" / "crds"
OPERATOR = (ROOT / "ci" / "tools" / "prometheus-operator", "github.com/prometheus-operator/prometheus-operator")
SOURCES = (
    *(
        (*OPERATOR, f"example/prometheus-operator-crd/monitoring.coreos.com_{kinds}.yaml")
        for kinds in ("servicemonitors", "podmonitors", "prometheusrules")
    ),
    (OTHERS, "k8s.io/autoscaler/vertical-pod-autoscaler", "deploy/vpa-v1-crd-gen.yaml"),
    (OTHERS, "github.com/grafana/grafana-operator/v5", "config/crd/bases/grafana.integreatly.org_grafanadashboards.yaml"),
    (OTHERS, "github.com/fluxcd/helm-controller", "config/crd/bases/helm.toolkit.fluxcd.io_helmreleases.yaml"),
    (OTHERS, "github.com/fluxcd/source-controller", "config/crd/bases/source.toolkit.fluxcd.io_ocirepositories.yaml"),
    *((OTHERS, "github.com/cert-manager/cert-manager", f"deploy/crds/cert-manager.io_{kinds}.yaml") for kinds in ("certificates", "issuers")),
    (OTHERS, "github.com/openreports/reports-api", "config/crd/openreports.io_reports.yaml"),
)
"""Directory of the go.mod that pins a module, the module, and the file in it."""


class _Loader(yaml.CSafeLoader):
    """Reads `=`, an operator of Prometheus' matchers, as text; YAML 1.1 has another use for it, which PyYAML cannot construct."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda loader, node: loader.construct_scalar(node))


@lru_cache
def definitions() -> dict[str, dict[str, Any]]:
    """Every definition by the kind it defines."""
    documents = (document for source in SOURCES for document in yaml.load_all(_file(*source).read_bytes(), Loader=_Loader))
    return {document["spec"]["names"]["kind"]: document for document in documents}


def _file(directory: Path, module: str, name: str) -> Path:
    done = subprocess.run(["go", "mod", "download", "-json", module], cwd=directory, capture_output=True, text=True, check=False)
    answer = json.loads(done.stdout or "{}")
    if "Dir" not in answer:
        raise LookupError(f"go mod download {module}: {answer.get('Error') or done.stderr}")
    return Path(answer["Dir"]) / name
