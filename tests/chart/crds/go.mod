// Modules whose custom resource definitions the tests read; nothing is built from them. Prometheus Operator's come from ci/tools/prometheus-operator.
module steward.dev/tests/chart/crds

go 1.26.0

require (
	github.com/cert-manager/cert-manager v1.20.0
	github.com/fluxcd/helm-controller v1.6.0
	github.com/fluxcd/source-controller v1.9.0
	github.com/grafana/grafana-operator/v5 v5.24.0
	github.com/openreports/reports-api v0.2.1
	k8s.io/autoscaler/vertical-pod-autoscaler v1.8.1
)
