"""One log through the whole chain from Python, without a server.

    from flows.process_log import health, process_log, stats

    result = await process_log({"timestamp": "…", "service": "…", "level": "ERROR", "message": "…"})
    result.decisions, result.actions_taken

Logs, incidents and decisions are kept in the SQLite file `store.sqlite_path`.
Nothing is carried out unless an executor is passed in, and nobody is paged unless a channel is.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from adapters import parts_file
from adapters.inventory_files import load as load_inventory
from adapters.playbook_files import load as load_playbooks
from adapters.settings_files import load
from adapters.store.look_ups import totals
from domain.execution import Executor
from domain.inventory import Inventory
from domain.pages import Channel
from domain.playbooks import Playbook
from domain.settings import Settings
from flows.in_process import Chain, Decision, Given, Result, open_store
from ml.outlier_model import AnyOutlierModel, OutlierModel
from ml.registry import load_file
from ml.scoring import Champion, Detector
from tasks import bootstrap
from tasks.judging import Knowledge

__all__ = ["Decision", "Result", "health", "process_log", "run_due", "stats"]

_chains: list[Chain] = []
_opening = threading.Lock()


async def process_log(  # noqa: PLR0913 - one argument per part that can be replaced
    log: Mapping[str, Any],
    *,
    detector: Detector | OutlierModel | Path | str | None = None,
    playbooks: Path | str | tuple[Playbook, ...] | None = None,
    confidence_threshold: float | None = None,
    common_error_threshold: float | None = None,
    executor: Executor | None = None,
    channel: Channel | None = None,
    inventory: Inventory | Path | str | None = None,
    settings: Settings | None = None,
) -> Result:
    """Judge, store and answer one log; the decisions with their reasons, and the actions taken.

    Parameters
    ----------
    log : a log in the native shape: timestamp, service, level, message, metrics
    detector : a fitted detector, a fitted scikit-learn outlier model, or a folder with a saved one
    playbooks : another knowledge base, as a folder or as playbooks
    confidence_threshold, common_error_threshold : as in the settings
    executor : who carries actions out; without one nothing is done
    inventory : which service may be acted upon, as a file or as an object; by default `mitigation.inventory`
    channel : who pages; without one pages stay queued
    settings : the whole tree; by default from files and environment

    Raises BadInput when the log cannot be read.
    """
    tree = _settings(settings, confidence_threshold, common_error_threshold, acting=executor is not None)
    chain = await asyncio.to_thread(_chain, tree)
    knowledge = replace(
        bootstrap.knowledge(tree) if playbooks is None else _knowing(tree, playbooks),
        champion=_champion(tree, detector),
    )
    if inventory is not None:
        knowledge = replace(knowledge, inventory=_inventory(inventory))
    return await asyncio.to_thread(chain.process, log, Given(knowledge, executor, channel))


async def run_due(now: datetime | None = None) -> list[Decision]:
    """Take the steps that are due by now for logs of earlier calls: verifications, approvals, further tries.

    Uses what the last `process_log` was given. `now` may lie in the future, to see what would come.
    """
    return await asyncio.to_thread(_chains[0].run_due, now) if _chains else []


def _settings(settings: Settings | None, confidence: float | None, common: float | None, *, acting: bool) -> Settings:
    """The tree with the arguments laid over it."""
    tree = settings or load().settings
    detection = {} if confidence is None else {"confidence_threshold": confidence}
    mitigation: dict[str, object] = {"acting": acting, "supervisord_url": ""}
    if common is not None:
        mitigation["common_error_threshold"] = common
    return tree.model_copy(
        update={
            "detection": tree.detection.model_copy(update=detection),
            "mitigation": tree.mitigation.model_copy(update=mitigation),
        }
    )


def _chain(tree: Settings) -> Chain:
    """The process's one chain, opened at the first log."""
    with _opening:
        if not _chains:
            path = parts_file.PROJECT / tree.store.sqlite_path
            _chains.append(Chain(open_store(f"sqlite:///{path}", tree.encryption, tree.store.files)))
    return _chains[0]


def _knowing(tree: Settings, playbooks: Path | str | tuple[Playbook, ...]) -> Knowledge:
    known = playbooks if isinstance(playbooks, tuple) else load_playbooks(Path(playbooks))
    return replace(bootstrap.knowledge(tree), playbooks=known)


def _inventory(given: Inventory | Path | str) -> Inventory:
    return given if isinstance(given, Inventory) else load_inventory(Path(given))


def _champion(tree: Settings, detector: Detector | OutlierModel | Path | str | None) -> Champion | None:
    found = detector if detector is not None else tree.detection.model_path or None
    if found is None:
        return None
    if isinstance(found, str | Path):
        return load_file(Path(found), version=1)
    return Champion(found if hasattr(found, "measure") else AnyOutlierModel(found), version=1)  # type: ignore[arg-type]


def stats() -> dict[str, Any]:
    """Counts since this process began, and of everything that its database holds."""
    counts = _chains[0].counts if _chains else {}
    stored = totals(_chains[0].engine) if _chains else {}
    return {
        "total_logs_processed": counts.get("logs", 0),
        "anomalies_detected": counts.get("anomalies", 0),
        "pages_sent": counts.get("pages", 0),
        "detection": {"logs": counts.get("logs", 0), "anomalies": counts.get("anomalies", 0)},
        "quality": {"rejected": counts.get("rejected", 0)},
        "incidents": {"opened": counts.get("incidents", 0)},
        "mitigation": {"actions": counts.get("actions", 0)},
        "paging": {"sent": counts.get("pages", 0)},
        "store": stored,
    }


def health() -> dict[str, Any]:
    """Whether everything that is switched on works: `healthy`, `active_agents`, `parts` with their state."""
    tree = load().settings
    chain = _chains[0] if _chains else None
    switched = {
        "detection": tree.detection.enabled,
        "playbooks": tree.playbooks.enabled,
        "mitigation": tree.mitigation.enabled,
        "llm": tree.llm.enabled,
        "paging": tree.paging.enabled,
    }
    parts = {name: "ready" if on else "switched off" for name, on in switched.items()}
    if switched["detection"] and (chain is None or chain.given is None or chain.given.knowledge.champion is None):
        parts["detection"] = "ready, rules alone: no model"
    if switched["llm"] and not tree.llm.known:
        parts["llm"] = "ready, without a model: none is set"
    parts["store"] = "ready" if chain is None or chain.engine.url.database != ":memory:" else "in memory only"
    return {
        "healthy": parts["store"] == "ready",
        "active_agents": [name for name, on in switched.items() if on],
        "parts": parts,
    }
