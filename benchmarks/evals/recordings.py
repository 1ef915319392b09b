"""The recorded faults of the shop: who was at fault, and what the services wrote, by seconds from the onset."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.evals.scenarios import Line
from deployments.shop.layout import SERVICES, callers
from domain.inventory import Inventory, Service

FOLDER = Path(__file__).parent / "recorded"
CASES: Mapping[str, Mapping[str, Any]] = json.loads((FOLDER / "cases.json").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded fault."""

    fault: str  # empty: none, all is well
    service: str  # at fault
    lines: tuple[Line, ...]


@cache
def recording(name: str) -> Recording:
    """The case of that name."""
    text = gzip.decompress((FOLDER / f"{name}.jsonl.gz").read_bytes()).decode()
    case, *lines = map(json.loads, text.splitlines())
    return Recording(case.get("fault", ""), case.get("service", ""), tuple((at, log) for at, log in lines))


def inventory(prefix: str = "") -> Inventory:
    """The services of the shop, each under its name behind a prefix."""
    return Inventory(
        {
            prefix + name: Service(
                prefix + name,
                "supervisord",
                prefix + name,
                dependencies=tuple(sorted(prefix + called for called in spec.called)),
                owner=f"{prefix}{name} team",
            )
            for name, spec in SERVICES.items()
        }
    )


def named(prefix: str) -> dict[str, str]:
    """Every service of the shop to its name behind a prefix."""
    return {name: prefix + name for name in SERVICES}


def others(service: str) -> list[str]:
    """The services that neither are this one nor call it."""
    return [name for name in SERVICES if name != service and name not in callers(service)]
