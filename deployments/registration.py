"""What Prefect knows about us: pools, deployments, and one run of each long-lived flow."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from deployments import worker
from deployments.member_deployments import later, prefect_file
from deployments.prefect_api import PrefectApi, connect
from deployments.programs import POOLS, QUEUE, python
from deployments.site import Site
from deployments.subprograms import run
from domain.errors import Unavailable
from domain.members import WATCH, role_of

ON_CALL = "on-call"
SUCCESSOR_SECONDS = 15  # a dead run's successor is there by then


def long_lived(deployments: Mapping[str, str]) -> dict[str, str]:
    """Those of these deployments that always have a run: every member of `watch`, and `on-call`."""
    watches = sorted(name for name in deployments if role_of(name) == WATCH)
    return {name: deployments[name] for name in [*watches, ON_CALL] if name in deployments}


def make_pools(api_url: str, members: Sequence[str]) -> None:
    """Make the pools that are missing, and a queue for one run at a time of each member."""
    with connect(api_url) as api:
        for pool in POOLS:
            api.make_pool(pool)
            api.limit_queue(pool, QUEUE, 1)
        for member in later(members):
            api.limit_queue(WATCH, member, 1)


def bury(site: Site) -> None:
    """Close what an earlier life left open, without Prefect starting successors: that is done here."""
    with connect(site.api_url) as api:
        pause_restarts(api)
        if not site.wanted.prefect_api_url:
            for member in site.wanted.workers:
                worker.bury(api, member, site.home.folder)


def pause_restarts(api: PrefectApi) -> None:
    """Disable the triggers that start the long-lived flows again; deploying enables them."""
    for automation, enabled in api.restarting(list(api.deployments(POOLS).values())).items():
        if enabled:
            api.pause(automation)


def deploy(site: Site) -> list[str]:
    """Register all deployments, the way a user would; their names."""
    run(site, python("prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(prefect_file(site))))
    with connect(site.api_url) as api:
        return sorted(api.deployments(POOLS))


def one_run_each(api_url: str, *, fresh: bool) -> str:
    """See to one active run of each long-lived deployment; what they are. `fresh`: none can be under way."""
    with connect(api_url) as api:
        ids = api.deployments(POOLS)
        names = list(long_lived(ids))
        deadline = time.monotonic() + (0 if fresh else SUCCESSOR_SECONDS)
        while missing := [name for name in names if ids[name] not in {run.deployment for run in api.runs(POOLS)}]:
            if time.monotonic() >= deadline:
                break
            time.sleep(0.5)
        for name in missing:
            api.start(ids[name])
        for name in names:
            cancel_surplus(api, ids[name])
        return ", ".join(f"{name} {'started' if name in missing else 'runs'}" for name in names)


def cancel_surplus(api: PrefectApi, deployment: str) -> None:
    """Leave one active run of a deployment: the one that is furthest."""
    order = ("RUNNING", "PENDING", "SCHEDULED", "PAUSED", "CANCELLING")
    runs = sorted(
        (run for run in api.runs(POOLS) if run.deployment == deployment), key=lambda run: order.index(run.state)
    )
    waiting = [run.id for run in runs[1:] if run.state == "SCHEDULED"]
    api.close(waiting, "CANCELLED", "another run of this deployment is active")


def until_running(api_url: str, seconds: float) -> None:
    """Wait until every long-lived deployment has a run at work. Raises Unavailable."""
    deadline = time.monotonic() + seconds
    with connect(api_url) as api:
        ids = long_lived(api.deployments(POOLS))
        while True:
            at_work = {run.deployment for run in api.runs(POOLS) if run.state == "RUNNING"}
            missing = [name for name, deployment in ids.items() if deployment not in at_work]
            if not missing:
                return
            if time.monotonic() > deadline:
                raise Unavailable(f"no run of {', '.join(missing)} started within {seconds:g} s; see `sre status`")
            time.sleep(0.3)
