"""Faults by command: what the control ports of the workers are told."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from pathlib import Path

from deployments.shop import faults, layout
from deployments.shop.faults import Left
from deployments.shop.layout import HOST, WORKERS, Shop, worker_name
from domain.errors import BadInput, Unavailable

ANSWER_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Injection:
    """One fault in one service."""

    fault: str
    service: str
    sticky: bool = False  # every start of the service enters it again
    amount: float | None = None  # None means the fault's own
    heals_after: float | None = None  # seconds; None means that it does not heal by itself


# What a demonstration injects, one after the other: one that fails requests, one that writes no line about itself.
SHOWCASE = (Injection("pool-exhaustion", "payments"), Injection("memory-leak", "inventory"))
# Then one that no playbook is for.
UNCOMMON = Injection("error-burst", "orders")
# And at last something outside that every charge waits for: so slow that three workers are too few as well.
CASCADE = Injection("slow-dependency", "payments", sticky=True, amount=6)


def existing(home: Path) -> Shop:
    """The shop of this home; raises BadInput when none was ever started."""
    if shop := layout.read(home):
        return shop
    raise BadInput(f"there is no shop in {home}: run `python -m deployments.shop up` first")


def inject(home: Path, injection: Injection) -> list[str]:
    """Inject a fault; returns the workers that have it now. Raises Unavailable when none is running."""
    shop = existing(home)
    name, service, sticky = injection.fault, injection.service, injection.sticky
    amount = faults.known(name).amount if injection.amount is None else injection.amount
    heals_at = None if injection.heals_after is None else time.time() + injection.heals_after
    if sticky:
        faults.leave_in_place(home, service, name, Left(amount, heals_at=heals_at))
    elif name == "crash-loop" and amount > 1:
        faults.leave_in_place(home, service, name, Left(amount, int(amount) - 1, heals_at))
    healing = "" if injection.heals_after is None else f"&heals_after={injection.heals_after}"
    reached = _tell(shop, service, "POST", f"/faults/{name}?amount={amount}{healing}")
    if not reached:
        raise Unavailable(f"no worker of {service} answers" + "; its next start enters the fault" * sticky)
    return reached


def clear(home: Path, fault: str, service: str) -> list[str]:
    """End a fault and take it away where it was left in place; returns the workers that were told."""
    faults.take_away(home, service, fault)
    return _tell(existing(home), service, "DELETE", f"/faults/{fault}")


def look(shop: Shop, worker: str) -> dict[str, object]:
    """Pid, active faults and metrics of a worker; empty when it does not run."""
    return ask(shop, worker, "GET", "/") or {}


def ask(shop: Shop, worker: str, method: str, path: str) -> dict[str, object] | None:
    """What a worker answers on its control port; None when it does not run."""
    connection = http.client.HTTPConnection(HOST, shop.control[worker], timeout=ANSWER_SECONDS)
    try:
        connection.request(method, path)
        document: dict[str, object] = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return document


def _tell(shop: Shop, service: str, method: str, path: str) -> list[str]:
    workers = [worker_name(service, number) for number in range(WORKERS)]
    return [worker for worker in workers if ask(shop, worker, method, path) is not None]
