"""A single node on this machine: the daemons of Kubernetes under a small supervisor, in namespaces of their own with one veth pair. Linux and root.

`settings` names and addresses · `checks` what the machine must have · `pki`, `config` what the daemons read · `daemons` their command lines ·
`supervisor`, `layout` process 1 of the node · `machine`, `cgroups` what is made outside of it and taken away again ·
`control` talks to the supervisor; `containerd`, `api` and `dns` to what runs on it · `provider` puts it together.
"""
