"""Who is in the shop, where each process listens, and where that is written down."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from deployments.ports import unused
from domain.errors import BadInput

HOST = "127.0.0.1"
WORKERS = 4  # processes of each service: the first one runs, the others are kept in reserve
LONGEST_SOCKET = 90  # Unix sockets take 107 bytes, and supervisord adds its pid while it binds


@dataclass(frozen=True, slots=True)
class Call:
    """A request that one service makes to another."""

    service: str
    method: str
    path: str
    seconds: float  # longest wait for the answer


@dataclass(frozen=True, slots=True)
class Spec:
    """One service: what it answers, whom it calls for that, and how much of it one process can do at once."""

    routes: Mapping[tuple[str, str], tuple[Call, ...]]  # (method, path) -> calls made, in order
    slots: int  # requests worked on at once by one process
    connections: int = 10  # size of its connection pool
    memory_mb: int = 256  # limit that memory_usage is a percentage of

    @property
    def called(self) -> frozenset[str]:
        """The services that it calls."""
        return frozenset(call.service for calls in self.routes.values() for call in calls)


SERVICES: Mapping[str, Spec] = {
    "gateway": Spec(
        {
            ("GET", "/catalogue"): (Call("inventory", "GET", "/stock", 2.0),),
            ("POST", "/orders"): (Call("orders", "POST", "/orders", 3.0),),
        },
        slots=64,
    ),
    "orders": Spec(
        {
            ("POST", "/orders"): (
                Call("inventory", "POST", "/reservations", 1.2),
                Call("payments", "POST", "/charges", 1.2),
            )
        },
        slots=64,
    ),
    "payments": Spec({("POST", "/charges"): ()}, slots=8),
    "inventory": Spec({("GET", "/stock"): (), ("POST", "/reservations"): ()}, slots=16),
}


def callers(service: str) -> list[str]:
    """Who suffers when a service fails: whoever calls it, and whoever calls them, the nearest first."""
    found = [service]
    for called in found:
        calling = [name for name, spec in SERVICES.items() if called in spec.called]
        found += [name for name in calling if name not in found]
    return found[1:]


def worker_name(service: str, number: int) -> str:
    """Name of a worker's process under supervisord."""
    return f"{service}_{number:02d}"


@dataclass(frozen=True, slots=True)
class Shop:
    """One running shop, as it is written to `shop.json` in its home."""

    supervisord: str  # XML-RPC address
    bootstrap: str  # Kafka brokers
    topic: str
    rate: float  # requests per second of the load generator
    ports: Mapping[str, int]  # service -> port that all its workers share
    control: Mapping[str, int]  # worker -> its own control port


def shop_file(home: Path) -> Path:
    """Where the shop of this home is written down."""
    return home / "shop.json"


def folder(home: Path) -> Path:
    """The shop's own folder: configuration, socket, outputs, faults left in place."""
    return home / "shop"


def inventory_file(home: Path) -> Path:
    """Which service runs where, for whoever may act on the shop."""
    return folder(home) / "inventory.yaml"


def write_inventory(home: Path) -> Path:
    """Write the inventory; its path."""
    services = {
        name: {
            "executor": "supervisord",
            "target": name,
            "dependencies": sorted(spec.called),
            "owner": f"{name} team",
            "limits": {"workers": WORKERS, "actions": ["restart", "scale"]},
        }
        for name, spec in SERVICES.items()
    }
    folder(home).mkdir(parents=True, exist_ok=True)
    inventory_file(home).write_text(yaml.safe_dump({"services": services}, sort_keys=False))
    return inventory_file(home)


def read(home: Path) -> Shop | None:
    """The shop of this home; None when none was ever started."""
    try:
        return Shop(**json.loads(shop_file(home).read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise BadInput(f"{shop_file(home)}: {error}; remove it and run `up` again") from error


def write(home: Path, shop: Shop) -> None:
    """Write it down, whole or not at all."""
    folder(home).mkdir(parents=True, exist_ok=True)
    unfinished = shop_file(home).with_suffix(".part")
    unfinished.write_text(json.dumps(asdict(shop), indent=2))
    unfinished.replace(shop_file(home))


def plan(home: Path, *, bootstrap: str, topic: str, rate: float) -> Shop:
    """A shop for this home on ports that are free right now."""
    path = folder(home).resolve() / "supervisord.sock"
    if len(str(path)) > LONGEST_SOCKET:
        raise BadInput(f"{path} is too long for a Unix socket: choose a home with a shorter path")
    workers = [worker_name(service, number) for service in SERVICES for number in range(WORKERS)]
    ports = [unused() for _ in (*SERVICES, *workers)]
    return Shop(
        supervisord=f"unix://{path}",
        bootstrap=bootstrap,
        topic=topic,
        rate=rate,
        ports=dict(zip(SERVICES, ports, strict=False)),
        control=dict(zip(workers, ports[len(SERVICES) :], strict=True)),
    )
