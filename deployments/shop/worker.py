"""One worker of one service: it answers requests, calls the others, and logs what it did with what it measured."""

from __future__ import annotations

import http.client
import os
import random
import time
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from deployments.shop.faults import Faults, enter_left
from deployments.shop.layout import HOST, SERVICES, Call, Shop
from deployments.shop.logs import LogWriter
from deployments.shop.measures import Recent, Resources
from deployments.shop.places import Full, Places

SLOT_PATIENCE = 0.5  # seconds that a request waits for its turn
POOL_PATIENCE = 0.25  # seconds that it waits for a connection
WORK_SECONDS = 0.003  # mean time that a connection is used
RETRY_SECONDS = 0.1  # between tries to reach a service that is just starting
GET_WELL_SECONDS = 1.0  # how long such a service is waited for


class Failed(Exception):
    """A request that cannot be answered well; carries the status to answer with."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Worker:
    """What one process of a service does."""

    def __init__(self, shop: Shop, home: Path, service: str, name: str) -> None:
        self.spec = SERVICES[service]
        self.shop = shop
        self.service = service
        self.log = LogWriter(shop.bootstrap, shop.topic, service, name)
        self.recent = Recent()
        self.resources = Resources(self.spec.memory_mb)
        self.slots = Places(self.spec.slots, SLOT_PATIENCE)
        self.pool = Places(self.spec.connections, POOL_PATIENCE)
        self.faults = Faults(self.pool, self.resources, self.crash)
        self.log.write("INFO", "service started", self.metrics(), name=name)
        enter_left(home, service, self.faults, now=time.time())

    def answer(self, method: str, path: str, trace: str | None) -> tuple[HTTPStatus, dict[str, str]]:
        """Status and body for one request; writes its log."""
        trace = trace or uuid.uuid4().hex
        started = time.monotonic()
        status, failure = HTTPStatus.OK, ""
        try:
            self._work(method, path, trace)
        except Failed as failed:
            status, failure = failed.status, str(failed)
        except ArithmeticError as error:
            status, failure = HTTPStatus.INTERNAL_SERVER_ERROR, f"unhandled {type(error).__name__}: {error}"
        seconds = time.monotonic() - started
        self.recent.add(seconds, failed=bool(failure))
        self._write(f"{method} {path}", status, failure, seconds, trace)
        return status, {"trace_id": trace, "failure": failure}

    def metrics(self) -> dict[str, float]:
        """All that is measured, as of now."""
        return {
            **self.resources.metrics(),
            **self.recent.metrics(),
            "active_connections": self.slots.in_use,
            "pool_in_use": self.pool.in_use,
            "queue_depth": self.slots.waiting,
        }

    def beat(self) -> None:
        """Measure and log; called every second."""
        self.resources.read()
        more = {"logs_dropped": self.log.dropped} if self.log.dropped else {}
        self.log.write("INFO", "alive", self.metrics(), **more)

    def crash(self) -> None:
        """End the process as an error nobody caught would."""
        self.log.write("ERROR", "fatal error in background task, exiting with code 1", self.metrics())
        self.log.close()
        os._exit(1)

    def _work(self, method: str, path: str, trace: str) -> None:
        calls = self.spec.routes.get((method, path))
        if calls is None:
            raise Failed(HTTPStatus.NOT_FOUND, "no such route")
        try:
            with self.slots.taken():
                self._serve(calls, trace)
        except Full as full:
            raise Failed(HTTPStatus.SERVICE_UNAVAILABLE, f"no free worker: {full}") from full

    def _serve(self, calls: tuple[Call, ...], trace: str) -> None:
        self.faults.disturb()
        for call in calls:
            self._call(call, trace)
        if not calls:
            self._use_connection()

    def _use_connection(self) -> None:
        """Stands for a query: it holds a connection of the pool while it lasts."""
        try:
            with self.pool.taken():
                time.sleep(random.expovariate(1 / WORK_SECONDS))
        except Full as full:
            raise Failed(HTTPStatus.SERVICE_UNAVAILABLE, f"could not check out a connection: {full}") from full

    def _call(self, call: Call, trace: str) -> None:
        try:
            status = request(self.shop.ports[call.service], call, {"X-Trace-Id": trace})
        except TimeoutError as error:
            reason = f"{call.service} did not answer within {call.seconds:g} s"
            raise Failed(HTTPStatus.GATEWAY_TIMEOUT, reason) from error
        except (OSError, http.client.HTTPException) as error:
            raise Failed(HTTPStatus.BAD_GATEWAY, f"{call.service} is not reachable: {type(error).__name__}") from error
        if status != HTTPStatus.OK:
            raise Failed(HTTPStatus.BAD_GATEWAY, f"{call.service} answered {status}")

    def _write(self, what: str, status: HTTPStatus, failure: str, seconds: float, trace: str) -> None:
        metrics = self.metrics() | {"request_latency_ms": round(1000 * seconds, 2)}
        attributes = {"trace_id": trace, "status": int(status)}
        if failure:
            self.log.write("ERROR", f"{what} failed: {failure}", metrics, **attributes)
        else:
            self.log.write("INFO", f"{what} answered in {1000 * seconds:.1f} ms", metrics, **attributes)


def request(port: int, call: Call, headers: Mapping[str, str]) -> int:
    """The status of one request on loopback; a refused connection is tried again while a worker may be starting.

    Raises TimeoutError, OSError or HTTPException.
    """
    give_up = time.monotonic() + min(call.seconds, GET_WELL_SECONDS)
    while True:
        connection = http.client.HTTPConnection(HOST, port, timeout=call.seconds)
        try:
            connection.request(call.method, call.path, headers=dict(headers))
            return connection.getresponse().status
        except ConnectionRefusedError:
            if time.monotonic() > give_up:
                raise
            time.sleep(RETRY_SECONDS)
        finally:
            connection.close()
