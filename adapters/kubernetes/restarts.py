"""Restart: every pod is replaced, one after another, as `kubectl rollout restart` does it."""

from __future__ import annotations

from adapters.kubernetes.changes import Mark, Placed
from adapters.kubernetes.cluster import Patch

# On the template of the pods. Its value is the order's key: written a second time it changes nothing.
RESTARTED_BY = "sre-agent/restarted-by"
NEVER = "not restarted by the agent"


class Restarting:
    """Replaces every pod."""

    def rolls_out(self, _placed: Placed) -> bool:
        return True

    def mark(self, placed: Placed) -> Mark:
        annotations = placed.workload.document["spec"]["template"]["metadata"].get("annotations", {})
        return Mark(_words(annotations.get(RESTARTED_BY, "")), _words(placed.order.key))

    def plan(self, placed: Placed) -> str:
        placed.must_roll_out()
        return f"replace the {placed.workload.replicas} pods of {placed.order.target} one after another"

    def apply(self, placed: Placed) -> None:
        template = {"metadata": {"annotations": {RESTARTED_BY: placed.order.key}}}
        body = {"metadata": placed.version, "spec": {"template": template}}
        placed.cluster.patch(placed.workload.path, body, Patch.MERGE)

    def put_back(self, placed: Placed, mark: str) -> None:
        """Nothing: a restart has no way back and needs none."""


def _words(key: str) -> str:
    return f"restarted by {key}" if key else NEVER
