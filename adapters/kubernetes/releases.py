"""Rollback: the release before the present one runs again.

A release is what the pods are made from, apart from the notes that a restart leaves there: else the rollback of
a workload that was restarted would only take the restart back.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.kubernetes.changes import Mark, Placed
from adapters.kubernetes.cluster import Cluster, Document, Patch
from adapters.kubernetes.restarts import RESTARTED_BY
from adapters.kubernetes.workloads import Kind, Workload

REVISION = "deployment.kubernetes.io/revision"
HASH_LABEL = "pod-template-hash"  # what the Deployment's controller adds
RESTART_NOTES = (RESTARTED_BY, "kubectl.kubernetes.io/restartedAt")


@dataclass(frozen=True, slots=True)
class Release:
    """One revision that the cluster keeps."""

    revision: int
    template: Document  # of its pods
    created_at: datetime  # the first time that it was rolled out

    @property
    def images(self) -> str:
        """What its containers run."""
        return " and ".join(str(each["image"]) for each in self.template["spec"]["containers"])

    @property
    def mark(self) -> str:
        """The same for the same pods, whatever its number is by now."""
        return digest(self.template)


class RollingBack:
    """Puts the template of the release before in place of the present one."""

    def rolls_out(self, _placed: Placed) -> bool:
        return True

    def mark(self, placed: Placed) -> Mark:
        before = _before(placed)
        return Mark(_present(placed), before.mark if before else "")

    def plan(self, placed: Placed) -> str:
        placed.must_roll_out()
        before = _before(placed)
        if before is None:
            raise placed.refused("the cluster keeps no earlier release of it")
        return f"roll {placed.order.target} back to revision {before.revision} ({before.images})"

    def apply(self, placed: Placed) -> None:
        if before := _before(placed):
            _replace(placed, before)

    def put_back(self, placed: Placed, mark: str) -> None:
        found = next((release for release in releases(placed.cluster, placed.workload) if release.mark == mark), None)
        if found is None:
            raise placed.refused("the cluster no longer keeps the release that ran before")
        _replace(placed, found)


def digest(template: Document) -> str:
    """A short name for what a template makes, whatever notes of restarts it bears."""
    metadata = template.get("metadata", {})
    labels = {key: value for key, value in metadata.get("labels", {}).items() if key != HASH_LABEL}
    notes = {key: value for key, value in metadata.get("annotations", {}).items() if key not in RESTART_NOTES}
    text = json.dumps([labels, notes, template["spec"]], sort_keys=True)
    return f"release {hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _present(placed: Placed) -> str:
    return digest(placed.workload.document["spec"]["template"])


def _before(placed: Placed) -> Release | None:
    """The newest revision that is older than the present one and another release; None where there is none."""
    present = _present(placed)
    kept = releases(placed.cluster, placed.workload)
    newest_first = sorted(kept, key=lambda release: release.revision, reverse=True)
    return next((release for release in newest_first if release.mark != present), None)


def releases(cluster: Cluster, workload: Workload) -> Iterator[Release]:
    """Every revision that the cluster keeps of the workload. Raises Unavailable or Refused."""
    of_deployment = workload.kind is Kind.DEPLOYMENT
    what = "replicasets" if of_deployment else "controllerrevisions"
    path = f"/apis/apps/v1/namespaces/{workload.namespace}/{what}"
    uid = workload.document["metadata"]["uid"]
    for kept in cluster.items(path, workload.selector):
        if all(owner["uid"] != uid for owner in kept["metadata"].get("ownerReferences", ())):
            continue
        created = datetime.fromisoformat(kept["metadata"]["creationTimestamp"])
        if of_deployment:
            number = int(kept["metadata"]["annotations"].get(REVISION, 0))
            yield Release(number, _plain(kept["spec"]["template"]), created)
        else:
            yield Release(int(kept["revision"]), _plain(kept["data"]["spec"]["template"]), created)


def _plain(template: Document) -> Document:
    """A kept template as a workload has it: without what its controller added."""
    metadata: dict[str, Any] = {key: value for key, value in template["metadata"].items() if value is not None}
    metadata["labels"] = {key: value for key, value in metadata.get("labels", {}).items() if key != HASH_LABEL}
    return {"metadata": metadata, "spec": template["spec"]}


def _replace(placed: Placed, release: Release) -> None:
    """One write, which fails when somebody else wrote since."""
    body: list[Document] = [
        {"op": "replace", "path": "/metadata/resourceVersion", "value": placed.workload.version},
        {"op": "replace", "path": "/spec/template", "value": release.template},
    ]
    placed.cluster.patch(placed.workload.path, body, Patch.OPERATIONS)
