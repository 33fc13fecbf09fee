"""Label selectors with their whole grammar, field selectors for names and namespaces."""

import re
from collections.abc import Callable, Mapping

from support.fakeapi import status

Matches = Callable[[Mapping[str, str]], bool]

_SET = re.compile(r"\s*(?P<key>[^\s!=<>(),]+)\s+(?P<op>in|notin)\s*\((?P<values>[^()]*)\)\s*")
_EQUAL = re.compile(r"\s*(?P<key>[^\s!=<>(),]+)\s*(?P<op>==|=|!=|>|<)\s*(?P<value>[^\s!=<>(),]*)\s*")
_EXISTS = re.compile(r"\s*(?P<op>!?)\s*(?P<key>[^\s!=<>(),]+)\s*")


def labels(selector: str) -> Matches:
    """A function of labels. Raises: Refused (400) when it cannot be parsed."""
    requirements = [_requirement(part) for part in _split(selector)]
    return lambda found: all(matches(found) for matches in requirements)


def _split(selector: str) -> list[str]:
    return [part for part in re.split(r",(?![^(]*\))", selector) if part.strip()] if selector.strip() else []


def _requirement(part: str) -> Matches:
    if found := _SET.fullmatch(part):
        key, values = found["key"], {value.strip() for value in found["values"].split(",")}
        if found["op"] == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if found := _EQUAL.fullmatch(part):
        return _compared(found["key"], found["op"], found["value"])
    if found := _EXISTS.fullmatch(part):
        key, wanted = found["key"], not found["op"]
        return lambda labels: (key in labels) == wanted
    raise status.bad_request(f"unable to parse requirement: {part}")


def _compared(key: str, operator: str, value: str) -> Matches:
    if operator in ("=", "=="):
        return lambda labels: labels.get(key) == value
    if operator == "!=":
        return lambda labels: labels.get(key) != value
    if not value.lstrip("-").isdigit():
        raise status.bad_request(
            f"unable to parse requirement: values[0][{key}]: Invalid value: \"{value}\": for 'Gt', 'Lt' operators, the value must be an integer"
        )
    bound = int(value)

    def compared(labels: Mapping[str, str]) -> bool:
        found = labels.get(key, "")
        if not found.lstrip("-").isdigit():
            return False
        return int(found) > bound if operator == ">" else int(found) < bound

    return compared


def fields(selector: str) -> Callable[[str, str], bool]:
    """A function of namespace and name. Raises: Refused (400) for any other field."""
    wanted: list[tuple[str, str, bool]] = []
    for part in (part for part in selector.split(",") if part):
        name, negated, value = part.partition("!=")
        if not negated:
            name, _, value = part.replace("==", "=").partition("=")
        if name not in ("metadata.name", "metadata.namespace"):
            raise status.bad_request(f"field label not supported: {name}")
        wanted.append((name, value, not negated))
    return lambda namespace, name: all(((name if field == "metadata.name" else namespace) == value) == equal for field, value, equal in wanted)
