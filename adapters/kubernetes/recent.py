"""What was rolled out lately, as the revisions that a cluster keeps tell it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from adapters.executing import Given
from adapters.kubernetes.cluster import Cluster, Document
from adapters.kubernetes.releases import Release, releases
from adapters.kubernetes.workloads import existing
from domain.changes import LONGEST, Change, ChangeKind, ChangeSource, key_of
from domain.inventory import Service
from domain.shown_texts import cut, printable

LOOK_SECONDS = 3.0  # an analysis goes on without what a cluster does not say so soon


@dataclass(frozen=True, slots=True)
class Rollout:
    """One revision that began to run."""

    at: datetime
    kind: ChangeKind
    what: str


def rollouts(cluster: Cluster, service: Service, since: datetime) -> list[Change]:
    """What was rolled out for a service's workload since a moment, the oldest first.

    A return to an earlier revision is known of the newest one of a Deployment only, whose status says when.
    Raises Unavailable, and Refused where there is no such workload.
    """
    workload = existing(cluster, service.target)
    kept = sorted(releases(cluster, workload), key=lambda release: release.revision)
    found = [one for one in told(kept, workload.document.get("status", {})) if one.at >= since]
    return sorted((_change(service.name, one) for one in found), key=lambda change: change.at)


def rollouts_of(given: Given, service: Service, since: datetime) -> list[Change]:
    """As `rollouts`, of the settings' cluster, within seconds. Raises BadSettings where there is none."""
    acting, seconds = given.settings.mitigation, min(LOOK_SECONDS, given.settings.calls.timeout_seconds)
    return rollouts(Cluster(acting.kubeconfig, acting.kube_context, seconds), service, since)


def told(kept: Sequence[Release], status: Document) -> Iterator[Rollout]:
    """What revisions say, in the order of their numbers; `status`: of the workload."""
    for release in kept[:1]:
        yield Rollout(release.created_at, ChangeKind.DEPLOY, f"{release.images} (revision {release.revision})")
    for place, (before, release) in enumerate(pairwise(kept), start=2):
        # A revision that runs again keeps the time at which it was made, and gets a higher number.
        if release.created_at >= before.created_at:
            yield Rollout(release.created_at, *_difference(before, release))
        elif place == len(kept) and (at := _progressed(status)):
            kind, what = _difference(before, release)
            yield Rollout(at, kind, f"back: {what}")


def _difference(before: Release, release: Release) -> tuple[ChangeKind, str]:
    number = f"(revision {release.revision})"
    if release.images != before.images:
        return ChangeKind.DEPLOY, f"{before.images} to {release.images} {number}"
    if release.mark != before.mark:
        return ChangeKind.CONFIG, f"other settings of the pods, the same images {number}"
    return ChangeKind.OTHER, f"restarted {number}"


def _progressed(status: Document) -> datetime | None:
    """When a Deployment's last rollout last moved on; of other kinds the cluster does not say."""
    times = (one.get("lastUpdateTime") for one in status.get("conditions", ()) if one.get("type") == "Progressing")
    return next((datetime.fromisoformat(time) for time in times if time), None)


def _change(service: str, one: Rollout) -> Change:
    what = cut(printable(one.what), LONGEST)
    found = Change(one.at, service, one.kind, what, source=ChangeSource.KUBERNETES)
    return replace(found, key=key_of(found))
