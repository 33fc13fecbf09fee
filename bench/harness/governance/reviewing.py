"""The review without a server: what one costs from the bytes of a call to the bytes of the answer, in the interpreter that runs Steward.

``python -m harness.governance.reviewing`` reads policies and reviews from stdin, and prints microseconds of CPU by review.
"""

from __future__ import annotations

import copy
import datetime as dt
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from harness.figures import Figure
from harness.governance import policies
from harness.governance.plan import NAMESPACE, REVIEW, Step
from harness.peers import made

POLICIES = 3
CONTAINERS, VARIABLES = 100, 50
"""Of a pod that is far larger than most, and all bad."""

CALLS, TRIES = 200, 15
"""The least of so many tries is told: what else ran on the machine only adds."""


def measure(step: Step) -> Iterator[Figure]:
    """Three policies of all checks, each review by itself."""
    asked = json.loads(subprocess.run([made() / "bin" / "admission", "-print"], capture_output=True, check=True).stdout)
    asked.append(large(next(one for one in asked if one["name"] == "bad")))
    wanted = [policies.policy(NAMESPACE, f"bench-{number}", runtime=True) for number in range(POLICIES)]
    given = json.dumps({"policies": wanted, "reviews": [one["body"] for one in asked]})
    python = str(made() / "steward" / "bin" / "python")
    done = subprocess.run([python, "-m", __name__], input=given, capture_output=True, text=True, check=True)
    for one, microseconds in zip(asked, json.loads(done.stdout), strict=True):
        name = f"review_{one['name'].replace(' ', '_')}_microseconds"
        yield Figure(REVIEW, step.peer, name, POLICIES, step.round, microseconds)


def large(bad: dict[str, Any]) -> dict[str, Any]:
    """A change of all images of a pod of a hundred containers that breaks every rule, and did before: each place is found twice."""
    body = copy.deepcopy(bad["body"])
    request = body["request"]
    model = request["object"]["spec"]["containers"][0]
    variables = [{"name": f"SETTING_{number}", "value": "a value of the usual length"} for number in range(VARIABLES)]
    former = copy.deepcopy(request["object"])
    for pod, path in ((request["object"], "service"), (former, "former")):
        pod["spec"]["containers"] = [
            model | {"name": f"part-{number}", "image": f"registry.example.com/{path}-{number}", "env": variables} for number in range(CONTAINERS)
        ]
    request |= {"operation": "UPDATE", "oldObject": former}
    return {"name": "hundred containers", "uid": bad["uid"], "body": body}


def _least(wanted: list[Any], bodies: list[bytes]) -> Iterator[float]:
    import msgspec

    from steward.governance.combining import finished
    from steward.governance.policies import DevOpsPolicy
    from steward.webhook import answers
    from steward.webhook.review import reviewing
    from steward.webhook.subject import subject

    asked = msgspec.convert(wanted, list[DevOpsPolicy])

    def answer(body: bytes) -> None:
        request = answers.read("application/json", body)
        found = subject(request)
        assert found is not None, "every review of the benchmark is judged"
        answers.decided(request, finished(reviewing(found, asked, now=dt.datetime.now(dt.UTC), injected=(), is_ending=False)))

    for body in bodies:
        tries = []
        for _ in range(TRIES):
            began = time.process_time()
            for _ in range(CALLS):
                answer(body)
            tries.append((time.process_time() - began) / CALLS * 1e6)
        yield min(tries)


if __name__ == "__main__":
    told = json.load(sys.stdin)
    print(json.dumps(list(_least(told["policies"], [json.dumps(one).encode() for one in told["reviews"]]))))
