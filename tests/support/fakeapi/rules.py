"""What a real server fills in and refuses, kind by kind: as far as a component of ours can run into it."""

import ipaddress
import re
from typing import Any, NamedTuple

Object = dict[str, Any]

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_HELP = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character "
    "(e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_SUBDOMAIN_HELP = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)


class Cause(NamedTuple):
    """One thing that is wrong: the field, the class of error, the message behind it."""

    field: str
    reason: str
    message: str


def invalid(field: str, value: object, message: str) -> Cause:
    """A value that is there and wrong."""
    shown = f'"{value}"' if isinstance(value, str) else str(value)
    return Cause(field, "FieldValueInvalid", f"Invalid value: {shown}: {message}")


def required(field: str) -> Cause:
    """A value that is missing."""
    return Cause(field, "FieldValueRequired", "Required value")


def check_name(kind: str, name: str) -> list[Cause]:
    """The rule of names: a DNS label for Services and Namespaces, a subdomain for all others."""
    if not name:
        return [Cause("metadata.name", "FieldValueRequired", "Required value: name or generateName is required")]
    if kind in ("Service", "Namespace"):
        if len(name) > 63:
            return [invalid("metadata.name", name, "must be no more than 63 characters")]
        if "." in name:
            return [invalid("metadata.name", name, "must not contain dots")]
        return [] if _LABEL.fullmatch(name) else [invalid("metadata.name", name, _LABEL_HELP)]
    if len(name) > 253:
        return [invalid("metadata.name", name, "must be no more than 253 characters")]
    return [] if _SUBDOMAIN.fullmatch(name) else [invalid("metadata.name", name, _SUBDOMAIN_HELP)]


def default_workload(workload: Object) -> None:
    """The defaults of the pods it makes, and of their probes."""
    spec = workload.setdefault("spec", {}).setdefault("template", {}).setdefault("spec", {})
    _default_pod_spec(spec)
    for container in spec.get("containers") or ():
        for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
            if probe in container:
                container[probe] = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3} | container[probe]


def default_pod(pod: Object) -> None:
    """Protocol of ports, grace period; the many others are of no interest here."""
    _default_pod_spec(pod.setdefault("spec", {}))
    pod.setdefault("status", {}).setdefault("phase", "Pending")


def _default_pod_spec(spec: Object) -> None:
    spec.setdefault("terminationGracePeriodSeconds", 30)
    for container in spec.get("containers") or ():
        for port in container.get("ports") or ():
            port.setdefault("protocol", "TCP")


def check_pod(pod: Object, _old: Object | None) -> list[Cause]:
    """A pod has containers."""
    return [] if (pod.get("spec") or {}).get("containers") else [required("spec.containers")]


def default_service(service: Object) -> None:
    """As core/v1 SetDefaults_Service."""
    spec = service.setdefault("spec", {})
    for field, value in (("sessionAffinity", "None"), ("type", "ClusterIP"), ("internalTrafficPolicy", "Cluster")):
        spec.setdefault(field, value)
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port", 0))
    service.setdefault("status", {}).setdefault("loadBalancer", {})


def allocate_service(service: Object) -> None:
    """Addresses and families. A headless Service without a selector gets both families, also where the cluster has one."""
    spec = service["spec"]
    if spec.get("clusterIP") == "None":
        spec["clusterIPs"] = ["None"]
        dual = not spec.get("selector")
        spec.setdefault("ipFamilies", ["IPv4", "IPv6"] if dual else ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "RequireDualStack" if dual else "SingleStack")
    elif spec["type"] != "ExternalName":
        spec.setdefault("clusterIP", "10.96.0.10")
        spec.setdefault("clusterIPs", [spec["clusterIP"]])
        spec.setdefault("ipFamilies", ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")


def check_service(service: Object, old: Object | None) -> list[Cause]:
    """Ports and what cannot change."""
    spec = service["spec"]
    ports = spec.get("ports") or []
    found = [] if ports or spec.get("clusterIP") == "None" or spec["type"] == "ExternalName" else [required("spec.ports")]
    found += _check_ports(ports, "spec.ports", named=len(ports) > 1)
    if old is not None and old["spec"].get("clusterIP") not in (None, spec.get("clusterIP")):
        found.append(invalid("spec.clusterIPs[0]", [spec.get("clusterIP")], "may not change once set"))
    return found


def _check_ports(ports: list[Object], field: str, *, named: bool) -> list[Cause]:
    found: list[Cause] = []
    seen: set[tuple[int, str]] = set()
    names: set[str] = set()
    for index, port in enumerate(ports):
        at, name, number = f"{field}[{index}]", port.get("name", ""), port.get("port", 0)
        if named and not name:
            found.append(required(f"{at}.name"))
        elif name and (len(name) > 63 or not _LABEL.fullmatch(name)):
            found.append(invalid(f"{at}.name", name, _LABEL_HELP))
        elif name and name in names:
            found.append(Cause(f"{at}.name", "FieldValueDuplicate", f'Duplicate value: "{name}"'))
        names.add(name)
        if not 1 <= number <= 65535:
            found.append(invalid(f"{at}.port", number, "must be between 1 and 65535, inclusive"))
        if (number, port["protocol"]) in seen:
            found.append(Cause(at, "FieldValueDuplicate", f'Duplicate value: {{"protocol":"{port["protocol"]}","port":{number}}}'))
        seen.add((number, port["protocol"]))
    return found


def default_slice(endpoint_slice: Object) -> None:
    """As discovery/v1 SetDefaults_EndpointPort."""
    for port in endpoint_slice.get("ports") or ():
        port.setdefault("name", "")
        port.setdefault("protocol", "TCP")
    endpoint_slice.setdefault("endpoints", None)
    endpoint_slice.setdefault("ports", None)


def check_slice(endpoint_slice: Object, old: Object | None) -> list[Cause]:
    """Addresses of the family, names that DNS can serve."""
    family = endpoint_slice.get("addressType", "")
    found = [] if family in ("IPv4", "IPv6", "FQDN") else [required("addressType")]
    if old is not None and old.get("addressType") != family:
        found.append(invalid("addressType", family, "field is immutable"))
    for index, endpoint in enumerate(endpoint_slice.get("endpoints") or ()):
        at = f"endpoints[{index}]"
        addresses = endpoint.get("addresses") or []
        found += [] if addresses else [required(f"{at}.addresses")]
        for number, address in enumerate(addresses):
            found += _check_address(address, family, f"{at}.addresses", number)
        hostname = endpoint.get("hostname")
        if hostname and (len(hostname) > 63 or not _LABEL.fullmatch(hostname)):
            found.append(invalid(f"{at}.hostname", hostname, _LABEL_HELP))
    names = [port.get("name", "") for port in endpoint_slice.get("ports") or ()]
    found += [
        Cause(f"ports[{index}].name", "FieldValueDuplicate", f'Duplicate value: "{name}"')
        for index, name in enumerate(names)
        if name in names[:index]
    ]
    return found


def _check_address(address: str, family: str, field: str, index: int) -> list[Cause]:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return [invalid(f"{field}[{index}]", address, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")]
    found = [] if f"IPv{parsed.version}" == family else [invalid(field, address, f"must be an {family} address")]
    if family == "IPv6" and (getattr(parsed, "ipv4_mapped", None) or "%" in address):
        found.append(invalid(field, address, "must be an IPv6 address"))
    here = f"{field}[{index}]"
    link_local = (ipaddress.ip_network("224.0.0.0/24"), ipaddress.ip_network("ff02::/16"))
    if parsed.is_unspecified:
        found.append(invalid(here, address, f"may not be unspecified ({parsed})"))
    if parsed.is_loopback:
        found.append(invalid(here, address, "may not be in the loopback range (127.0.0.0/8, ::1/128)"))
    if parsed.is_link_local:
        found.append(invalid(here, address, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"))
    if any(parsed in network for network in link_local):
        found.append(invalid(here, address, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"))
    return found


def check_lease(lease: Object, _old: Object | None) -> list[Cause]:
    """Durations and transitions."""
    spec = lease.get("spec") or {}
    found = []
    if spec.get("leaseDurationSeconds") is not None and spec["leaseDurationSeconds"] <= 0:
        found.append(invalid("spec.leaseDurationSeconds", spec["leaseDurationSeconds"], "must be greater than 0"))
    if spec.get("leaseTransitions") is not None and spec["leaseTransitions"] < 0:
        found.append(invalid("spec.leaseTransitions", spec["leaseTransitions"], "must be greater than or equal to 0"))
    return found


def default_event(event: Object) -> None:
    """Times that are null, not absent."""
    event.setdefault("deprecatedFirstTimestamp", None)
    event.setdefault("deprecatedLastTimestamp", None)


def allocate_event(event: Object) -> None:
    """The source of old that new Events leave empty."""
    event.setdefault("deprecatedSource", {})


_EVENT_FIXED = {"reason": "reason", "note": "message", "action": "action", "type": "type", "regarding": "involvedObject", "eventTime": "eventTime"}


def check_event(event: Object, old: Object | None) -> list[Cause]:
    """As ValidateEventCreate and ValidateEventUpdate for events.k8s.io/v1; messages name the fields of core/v1."""
    found = []
    series = event.get("series")
    if series is not None and series.get("count", 0) < 2:
        found.append(invalid("series.count", "", "should be at least 2"))
    if old is not None:
        return found + [
            invalid(core, event.get(field), "field is immutable") for field, core in _EVENT_FIXED.items() if event.get(field) != old.get(field)
        ]
    namespace = event["metadata"].get("namespace")
    about = (event.get("regarding") or {}).get("namespace") or ""
    timed = bool(event.get("eventTime"))
    if (not about and namespace not in ("default", "kube-system")) or (about and about != namespace and not timed):
        found.append(invalid("involvedObject.namespace", about, "does not match event.namespace"))
    if not timed:
        found.append(required("eventTime"))
    else:
        found += [required(field) for field in ("reportingController", "reportingInstance", "action", "reason") if not event.get(field)]
    for field, limit in (("reportingInstance", 128), ("action", 128), ("reason", 128), ("note", 1024)):
        if len(event.get(field) or "") > limit:
            found.append(invalid(_EVENT_FIXED.get(field, field), "", f"can have at most {limit} characters"))
    if event.get("type") not in ("Normal", "Warning"):
        found.append(invalid("type", "", f"has invalid value: {event.get('type', '')}"))
    return found


def allocate_namespace(namespace: Object) -> None:
    """Its phase."""
    namespace.setdefault("status", {"phase": "Active"})
