# Steward's commands; `make` alone lists them. Needs GNU make, bash, git, Python 3.11 and Go; all else is made on demand, in .venv and .cache.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

# Built tools, images and the state of the cluster.
STEWARD_CACHE ?= $(CURDIR)/.cache
export STEWARD_CACHE
export PATH := $(STEWARD_CACHE)/bin:$(CURDIR)/.venv/bin:$(PATH)

# auto, existing, kind or node; docs/cluster.md says what each is.
PROVIDER ?= auto

# The image's, where the machine has it.
IMAGE_PYTHON ?= python3.13

# Fast ones first. pytest keeps this order, so what is broken shows early.
UNIT_TESTS := $(wildcard tests/unit tests/workshop tests/cluster_tool tests/docs)
CONTRACT_TESTS := $(wildcard tests/contract tests/cli tests/admission)
CHART_TESTS := $(wildcard tests/chart tests/dashboards)
ALERT_TESTS := $(wildcard tests/alerts)
OBSERVABILITY_TESTS := $(wildcard tests/observability)
BENCH_TESTS := $(wildcard tests/bench)
FAULT_TESTS := $(wildcard tests/faults)
CLUSTER_TESTS := $(wildcard tests/cluster)
ADMISSION_FAULT_TESTS := $(addprefix tests/admission/test_,idle.py new_namespaces.py under_load.py)
CLUSTER_FAULT_TESTS := tests/cluster/test_takeover.py tests/cluster/test_token.py

CHART_TOOLS := helm ct kubeconform helm-docs crane amtool
LINT_TOOLS := helm ct helm-docs actionlint
ALERT_TOOLS := promtool prometheus pint
CONTRACT_TOOLS := kube-apiserver etcd kubectl helm kubeconform
FAULT_TOOLS := $(CONTRACT_TOOLS) kube-controller-manager kwok

PYTEST := pytest $(PYTEST_FLAGS)

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##
.PHONY: demo
demo: ## Start a cluster, install Steward and show it at work
	@ci/demo --provider $(PROVIDER) $(DEMO_FLAGS)

.PHONY: test
test: lint cluster-up tools ## Run all checks: lint, then all that follows in one pytest run
	@$(PYTEST) $(UNIT_TESTS) $(CONTRACT_TESTS) $(CHART_TESTS) $(ALERT_TESTS) $(OBSERVABILITY_TESTS) $(BENCH_TESTS) $(FAULT_TESTS) $(CLUSTER_TESTS)

.PHONY: lint
lint: venv ## Check style, types, layers, YAML, workflows, chart and locks; starts nothing
	@ci/step 'tools' ci/cluster tools $(LINT_TOOLS)
	@ci/step 'ruff' ruff check
	@ci/step 'ruff format' ruff format --check
	@ci/step 'mypy' mypy
	@ci/step 'import-linter' lint-imports --config pyproject.toml
	@ci/step 'yamllint' yamllint --strict .
	@ci/step 'actionlint' actionlint -shellcheck= -pyflakes=
	@ci/step 'helm lint' helm lint --strict chart
	@ci/step 'ct lint' ct lint --charts chart
	@ci/step 'locks' ci/lock --check
	@ci/step 'site' mkdocs build --quiet --strict
	@$(MAKE) verify

.PHONY: unit
unit: venv ## Test the program, against a fake API server
	@$(PYTEST) $(UNIT_TESTS)

.PHONY: unit-image
unit-image: ## Test the program on the Python of its image too; IMAGE_PYTHON names another than python3.13
	@VENV=.venv-image PYTHON=$(IMAGE_PYTHON) ci/venv
	@.venv-image/bin/python -m pytest $(PYTEST_FLAGS) $(wildcard tests/unit)

.PHONY: contract
contract: venv ## Test against a real API server: that the fake one does what it does, and the command line
	@ci/step 'tools' ci/cluster tools $(CONTRACT_TOOLS)
	@$(PYTEST) $(CONTRACT_TESTS)

.PHONY: faults
faults: venv cluster-up ## Kill, freeze and cut off control planes for an hour, write docs/reliability.md; test has five minutes of it
	@ci/step 'tools' ci/cluster tools $(FAULT_TOOLS)
	@$(PYTEST) --faults-long --faults-report docs/reliability.md $(FAULT_TESTS) $(ADMISSION_FAULT_TESTS) $(CLUSTER_FAULT_TESTS)

.PHONY: chart
chart: venv ## Test the rendered chart and the dashboards
	@ci/step 'tools' ci/cluster tools $(CHART_TOOLS) $(ALERT_TOOLS)
	@$(PYTEST) $(CHART_TESTS)

.PHONY: alerts
alerts: venv ## Test the alerts with promtool
	@ci/step 'tools' ci/cluster tools $(ALERT_TOOLS)
	@$(PYTEST) $(ALERT_TESTS)

.PHONY: observability
observability: venv ## Test that program, rules, dashboards and docs agree, under load and with a real Prometheus
	@ci/step 'tools' ci/cluster tools helm $(ALERT_TOOLS) $(CONTRACT_TOOLS)
	@$(PYTEST) $(OBSERVABILITY_TESTS)

.PHONY: cluster
cluster: venv cluster-up ## Test the installed chart on a real cluster
	@ci/step 'tools' ci/cluster tools $(CHART_TOOLS)
	@$(PYTEST) $(CLUSTER_TESTS)

.PHONY: bench
bench: venv ## Measure Steward beside client-go, gatekeeper and others, an hour, into docs/performance.md; BENCH_FLAGS=--quick: 10 minutes
	@bench/run $(BENCH_FLAGS)

##
.PHONY: cluster-up
cluster-up: ## Start a cluster with Prometheus Operator and Steward's image
	@ci/step 'cluster and image' ci/cluster up --monitoring --image --provider $(PROVIDER)

.PHONY: cluster-down
cluster-down: ## Stop it; nothing is left but the cache of built tools
	@ci/cluster down

.PHONY: image
image: ## Build Steward's image, and load it into the cluster if one is up
	@ci/step 'image' ci/cluster image

##
.PHONY: generate
generate: venv ## Write what is generated: rules of objectives, dashboards, reference pages, the chart's schema, definitions, README and snapshots, locks
	@ci/slo
	@python -m dashboards
	@ci/schema
	@ci/crds
	@ci/reference
	@ci/readme
	@ci/snapshots
	@ci/lock

.PHONY: dashboards-preview
dashboards-preview: venv ## Draw the dashboards into docs/img, after five minutes of load; needs Node.js and Chromium
	@ci/step 'tools' ci/cluster tools helm $(ALERT_TOOLS) $(CONTRACT_TOOLS)
	@$(PYTEST) tests/observability/test_preview.py --play-seconds 300 --pictures docs/img

.PHONY: verify
verify: venv ## Check that what is generated is what would be generated now
	@ci/step 'objectives' ci/slo --check
	@ci/step 'dashboards' python -m dashboards --check
	@ci/step 'schema' ci/schema --check
	@ci/step 'definitions' ci/crds --check
	@ci/step 'reference' ci/reference --check
	@ci/step 'changes' ci/changes --check
	@ci/step 'chart README' ci/readme --check
	@ci/step 'snapshots' ci/snapshots --check

.PHONY: release
release: venv ## Package the chart into dist/; with SIGN_KEY and SIGN_KEYRING sign it. docs/releasing.md says the rest
	@ci/step 'tools' ci/cluster tools helm
	@ci/release package $(if $(SIGN_KEY),--key '$(SIGN_KEY)' --keyring '$(SIGN_KEYRING)') $(if $(SIGN_PASSPHRASE_FILE),--passphrase-file '$(SIGN_PASSPHRASE_FILE)')

.PHONY: release-check release-image release-push release-sign
release-check: ; @ci/release check '$(TAG)'
release-image: ; @ci/release image '$(IMAGE)'
release-push: ; @ci/release push '$(REGISTRY)'
release-sign: ; @ci/release sign '$(IMAGE)' '$(REGISTRY)'

.PHONY: site
site: venv ## Make a site of docs/, in .cache/site
	@ci/step 'site' mkdocs build --quiet --strict

.PHONY: clean
clean: cluster-down ## Remove all that was made here; the next start builds for minutes again
	@rm -rf .venv .venv-image .cache dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: venv
venv:
	@ci/venv

.PHONY: tools
tools:
	@ci/step 'tools' ci/cluster tools $(CHART_TOOLS) $(ALERT_TOOLS) $(FAULT_TOOLS)
