"""Prefect's REST API, as far as starting and stopping needs it; its client takes two seconds to import."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from domain.errors import Refused, Unavailable
from domain.masking import masked_urls

ACTIVE = ("SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING")
SOON = timedelta(seconds=10)  # a worker takes runs up so long before their time
CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
LOGIN = "PREFECT_API_AUTH_STRING"
WORKER_LABEL = "prefect.worker.name"  # put to a run after it was taken off its queue
PAGE = 200  # the most that Prefect returns at once


@dataclass(frozen=True, slots=True)
class Run:
    """One flow run as the server knows it."""

    id: str
    name: str
    state: str  # SCHEDULED, RUNNING, …
    state_name: str  # AwaitingConcurrencySlot, …
    pid: int  # of its process, 0 when not recorded
    deployment: str  # its id, empty for a subflow
    scheduled: bool  # by the deployment's schedule, which makes no other for the same time
    queue: str  # in which it waited
    worker: str  # name of the worker that took it, empty when none did yet


class Entry(httpx.Auth):
    """Shows with each change that it is not a foreign page's: a token that only who reads answers can have."""

    requires_response_body = True

    def __init__(self, token_url: str, login: str) -> None:
        self.token_url = token_url
        self.login = f"Basic {b64encode(login.encode()).decode()}" if login else ""
        self.client = uuid4().hex
        self.token = ""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """The request as it is let in; once more with a new token where the last one was forgotten."""
        changes = request.method in CHANGES
        if changes and not self.token:
            yield from self._fetch()
        answer = yield self._signed(request)
        if changes and answer.status_code == httpx.codes.FORBIDDEN and "CSRF" in answer.text:
            yield from self._fetch()
            yield self._signed(request)

    def _fetch(self) -> Generator[httpx.Request, httpx.Response, None]:
        """A server without this protection gives none, and asks for none."""
        answer = yield self._signed(httpx.Request("GET", self.token_url, params={"client": self.client}))
        self.token = str(answer.json()["token"]) if answer.is_success else ""

    def _signed(self, request: httpx.Request) -> httpx.Request:
        if self.token:
            request.headers["Prefect-Csrf-Token"] = self.token
            request.headers["Prefect-Csrf-Client"] = self.client
        if self.login:
            request.headers["Authorization"] = self.login
        return request


@contextmanager
def connect(api_url: str, seconds: float = 30) -> Iterator[PrefectApi]:
    """The API at this address; a login as Prefect's own client takes it. Calls raise Unavailable or Refused."""
    base = api_url.rstrip("/") + "/"
    entry = Entry(f"{base}csrf-token", os.environ.get(LOGIN, ""))
    with httpx.Client(base_url=base, auth=entry, timeout=seconds, trust_env=False) as client:
        yield PrefectApi(client)


@dataclass(frozen=True, slots=True)
class PrefectApi:
    """An open connection to the API."""

    client: httpx.Client

    def healthy(self) -> bool:
        """Whether the server answers and its database with it."""
        try:
            return bool(self._call("GET", "ready"))
        except (Unavailable, Refused):
            return False

    def make_pool(self, name: str) -> None:
        """Make a pool of the type process, unless it is there."""
        try:
            self._call("POST", "work_pools/", {"name": name, "type": "process"})
        except Refused:
            self._call("GET", f"work_pools/{name}")  # refused because it is there; else this says why

    def limit_queue(self, pool: str, queue: str, runs: int) -> None:
        """Make a queue of a pool that lets so many runs work at a time."""
        document = {"name": queue, "concurrency_limit": runs}
        try:
            self._call("POST", f"work_pools/{pool}/queues/", document)
        except Refused:
            self._call("PATCH", f"work_pools/{pool}/queues/{queue}", {"concurrency_limit": runs})

    def pause_queue(self, pool: str, queue: str, *, paused: bool) -> None:
        """Keep a queue's runs from beginning, or let them begin."""
        self._call("PATCH", f"work_pools/{pool}/queues/{queue}", {"is_paused": paused})

    def last_state(self, deployment: str) -> str:
        """The state of the deployment's run that began last; empty when it never ran."""
        criteria = {"deployments": {"id": {"any_": [deployment]}}, "sort": "START_TIME_DESC", "limit": 1}
        began = {"flow_runs": {"start_time": {"is_null_": False}}}
        found = self._call("POST", "flow_runs/filter", {**criteria, **began})
        return str(found[0]["state_type"]) if found else ""

    def deployments(self, pools: Sequence[str]) -> dict[str, str]:
        """The deployments that run in these pools: name -> id."""
        found = self._call("POST", "deployments/filter", {"work_pools": named(pools)})
        return {deployment["name"]: deployment["id"] for deployment in found}

    def runs(self, pools: Sequence[str]) -> list[Run]:
        """Active top-level runs in these pools, without those whose time has not come."""
        due = {"before_": (datetime.now(UTC) + SOON).isoformat()}
        return self._runs(
            {"work_pools": named(pools), "flow_runs": {"state": of_type(ACTIVE), "expected_start_time": due}}
        )

    def children(self, runs: Sequence[str]) -> list[Run]:
        """Active subflow runs of these runs."""
        return self._runs({"flow_runs": {"parent_flow_run_id": {"any_": list(runs)}, "state": of_type(ACTIVE)}})

    def start(self, deployment: str) -> None:
        """Ask for a run of a deployment."""
        self._call("POST", f"deployments/{deployment}/create_flow_run", {"state": {"type": "SCHEDULED"}})

    def close(self, runs: Sequence[str], state: str, why: str) -> None:
        """Put runs, and what is open within them, into a final state: CRASHED or CANCELLED."""
        self.close_within(runs, state, why)
        for run in runs:
            self._call("POST", f"flow_runs/{run}/set_state", final(state, why))

    def close_within(self, runs: Sequence[str], state: str, why: str) -> None:
        """Put the open subflow runs and task runs of these runs into a final state."""
        if not runs:
            return
        self.close([child.id for child in self.children(runs)], state, why)
        tasks = {"flow_runs": {"id": {"any_": list(runs)}}, "task_runs": {"state": of_type(ACTIVE)}, "limit": PAGE}
        for task in self._call("POST", "task_runs/filter", tasks):
            self._call("POST", f"task_runs/{task['id']}/set_state", final(state, why))

    def restarting(self, deployments: Sequence[str]) -> dict[str, bool]:
        """The automations that start these deployments again: id -> whether enabled."""
        found = self._call("POST", "automations/filter", {"limit": PAGE})
        return {
            automation["id"]: automation["enabled"]
            for automation in found
            if any(action.get("deployment_id") in deployments for action in automation["actions"])
        }

    def pause(self, automation: str) -> None:
        """Disable an automation until the next deployment."""
        self._call("PATCH", f"automations/{automation}", {"enabled": False})

    def forget_deployment(self, deployment: str) -> None:
        """Delete a deployment, after the automations that would start it again."""
        for automation in self.restarting([deployment]):
            self._call("DELETE", f"automations/{automation}")
        self._call("DELETE", f"deployments/{deployment}")

    def forget_queue(self, pool: str, queue: str) -> None:
        """Delete a queue of a pool."""
        self._call("DELETE", f"work_pools/{pool}/queues/{queue}")

    def _runs(self, criteria: Mapping[str, object]) -> list[Run]:
        found = self._call("POST", "flow_runs/filter", {**criteria, "limit": PAGE})
        return [
            Run(
                id=run["id"],
                name=run["name"],
                state=run["state_type"],
                state_name=run["state_name"],
                pid=int(run["infrastructure_pid"]) if (run["infrastructure_pid"] or "").isdigit() else 0,
                deployment=run["deployment_id"] or "",
                scheduled=run["auto_scheduled"],
                queue=run["work_queue_name"] or "",
                worker=str(run["labels"].get(WORKER_LABEL, "")),
            )
            for run in found
        ]

    def _at(self, path: str) -> str:
        return masked_urls(f"Prefect {self.client.base_url}{path}")

    def _call(self, method: str, path: str, document: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401 - JSON
        try:
            response = self.client.request(method, path, json=document)
        except httpx.HTTPError as error:
            raise Unavailable(f"{self._at(path)}: {error or type(error).__name__}") from error
        if response.is_server_error:
            raise Unavailable(f"{self._at(path)}: HTTP {response.status_code}")
        if response.is_client_error:
            raise Refused(f"{self._at(path)}: HTTP {response.status_code} {response.text[:300]}")
        return response.json() if response.content else None


def final(state: str, why: str) -> dict[str, object]:
    """A state to set, whatever the state before."""
    return {"state": {"type": state, "name": state.capitalize(), "message": why}, "force": True}


def named(names: Sequence[str]) -> dict[str, object]:
    """Filter by name."""
    return {"name": {"any_": list(names)}}


def of_type(states: Sequence[str]) -> dict[str, object]:
    """Filter by type of state."""
    return {"type": {"any_": list(states)}}
