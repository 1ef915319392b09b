"""Where people look around during and after a demonstration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from adapters import parts_file

PAGES = "pages"  # of the agent; the list of incidents, open ones first


def addresses_of(parts: parts_file.Parts) -> dict[str, str]:
    """The pages of the agent, runs and models, by name."""
    found = {"prefect": str(parts.prefect["ui_url"]), "mlflow": str(parts.mlflow["tracking_uri"])}
    return ({PAGES: f"{parts.http['local']}/incidents"} if parts.http else {}) | found


def closing_lines(addresses: Mapping[str, str], kept: Path | None) -> list[str]:
    """What a demonstration ends with; `kept`: its home, None where it stops now.

    The last line is the page that shows what just happened, where it is left running.
    """
    if kept is None:
        return [f"{name}: {address} (stops now; KEEP=1 leaves it running)" for name, address in addresses.items()]
    lines = [f"{name}: {address}" for name, address in addresses.items() if name != PAGES]
    lines.append(f"look around: SRE_HOME={kept} sre incidents; stop it: sre down")
    return [*lines, f"what just happened, in a browser: {addresses[PAGES]}"] if PAGES in addresses else lines
