"""The real program under load, and a real Prometheus that scrapes it: what dashboards, rules and documents are held against.

A real kube-apiserver without nodes, two replicas of Steward as processes, a Prometheus with the chart's own rules, and a load that makes
pods, ends them, and goes through what an operator sees in a bad hour: refused writes, and a leader that goes.
"""
