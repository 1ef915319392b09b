"""What each later member of `watch` is in Prefect: a deployment, a trigger and a queue of its own, like the first's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from adapters.store.database import connect as connect_store
from adapters.store.switches import forget_conditions
from deployments import health, ours, supervised
from deployments.layout import Home
from deployments.prefect_api import PrefectApi, connect
from deployments.programs import POOLS, worker_of
from deployments.site import Site
from domain.members import VARIABLE, WATCH, role_of

RUN_SECONDS = 15  # for a run to finish what it has in hand
WHY = "stopped: fewer members are wanted"


def later(members: Sequence[str]) -> list[str]:
    """The members that `prefect.yaml` does not name."""
    return [member for member in members if member != WATCH]


def prefect_file(site: Site) -> Path:
    """The project's `prefect.yaml`, or a copy of it that has every member."""
    project = site.home.project / "prefect.yaml"
    if not later(site.wanted.members):
        return project
    path = site.home.run / "prefect.yaml"
    path.write_text(text_with_members(project, site.wanted.members))
    return path


def text_with_members(project: Path, members: Sequence[str]) -> str:
    """A `prefect.yaml` with a deployment for each member."""
    document = with_members(yaml.safe_load(project.read_text()), members)
    return f"# Made from {project.name}; change that one.\n{yaml.safe_dump(document, sort_keys=False)}"


def with_members(document: Mapping[str, Any], members: Sequence[str]) -> dict[str, Any]:
    """The document with a deployment for each member, made after that of the first one."""
    found = dict(deepcopy(document))
    first = next(entry for entry in found["deployments"] if entry["name"] == WATCH)
    found["deployments"] = [*found["deployments"], *(_like(first, member) for member in later(members))]
    return found


def _like(first: Mapping[str, Any], member: str) -> dict[str, Any]:
    """The first member's deployment under another name, queue and trigger, whose runs know who they are."""
    entry = dict(deepcopy(first))
    entry["name"] = member
    entry["work_pool"] = {
        "name": WATCH,
        "work_queue_name": member,
        "job_variables": {"env": {VARIABLE: member}},
    }
    for trigger in entry["triggers"]:
        trigger["name"] = f"{member} again"
        trigger["match_related"]["prefect.resource.name"] = member
    return entry


def retire(site: Site) -> list[str]:
    """End the members that are not wanted any more, and only these; their names.

    Prefect forgets them first, so that nothing starts them again. Raises Unavailable or Refused.
    """
    if health.prefect(site.api_url):
        return []
    with connect(site.api_url) as api:
        known = api.deployments(POOLS)
        surplus = [name for name in known if role_of(name) == WATCH and name not in site.wanted.members]
        for member in surplus:
            _retire(api, site.home, member, known[member])
    if surplus:
        _forget(site, surplus)
    return surplus


def _retire(api: PrefectApi, home: Home, member: str, deployment: str) -> None:
    for automation in api.restarting([deployment]):
        api.pause(automation)
    runs = [run for run in api.runs(POOLS) if run.deployment == deployment]
    alive = ours.run_processes(home.folder)
    ours.end((process for run in runs for process in alive.get(run.id, [])), RUN_SECONDS)
    # Afterwards, because a run that is ended says that it crashed.
    api.close([run.id for run in runs], "CANCELLED", WHY)
    supervised.end(home, [worker_of(member)])
    api.forget_deployment(deployment)
    api.forget_queue(WATCH, member)


def _forget(site: Site, gone: Sequence[str]) -> None:
    """What they said of the outside holds no more."""
    store = connect_store(site.store_url)
    try:
        for member in gone:
            forget_conditions(store, member)
    finally:
        store.dispose()
