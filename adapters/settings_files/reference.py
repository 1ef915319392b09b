"""The reference project's JSON configuration, key by key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from adapters.settings_files.assignments import Assignment, Source

# Its key -> ours. `kafka.*` has the same names in both.
REFERENCE = {
    "agents.anomaly_detector.enabled": "detection.enabled",
    "agents.anomaly_detector.confidence_threshold": "detection.confidence_threshold",
    "agents.anomaly_detector.model_path": "detection.model_path",
    "agents.mitigation.enabled": "mitigation.enabled",
    "agents.mitigation.common_error_threshold": "mitigation.common_error_threshold",
    "agents.mitigation.db_path": "store.sqlite_path",
    "agents.rag.enabled": "playbooks.enabled",
    "agents.rag.knowledge_base_path": "playbooks.path",
    "agents.rag.max_context_length": "playbooks.max_context_length",
    "agents.advanced_llm.enabled": "llm.enabled",
    "agents.advanced_llm.model": "llm.model",
    "agents.advanced_llm.max_tokens": "llm.max_tokens",
    "agents.database.enabled": "",  # see _without_place
    "agents.database.db_path": "store.sqlite_path",
    "agents.paging.enabled": "paging.enabled",
    "agents.paging.paging_webhook": "paging.webhook",
    "agents.paging.escalation_policy": "paging.escalation_policy",
    "processing.batch_size": "kafka.batch_rows",
    "processing.max_retries": "calls.max_retries",
    "processing.timeout_seconds": "calls.timeout_seconds",
}


def translate(theirs: Iterable[Assignment], folder: Path) -> Source:
    """Their assignments as ours, with a warning for each that means something else here."""
    assignments: dict[str, Assignment] = {}
    problems: list[str] = []
    warnings: list[str] = []
    for found in theirs:
        ours = replace(found, key=REFERENCE[found.key])
        if warning := _warning(ours, folder):
            warnings.append(found.problem(warning))
        if not ours.key or _holds_no_playbook(ours, folder):
            continue
        earlier = assignments.setdefault(ours.key, ours)
        if earlier.value != ours.value:
            problems.append(found.problem(f"contradicts {earlier.name}, both set {ours.key}"))
    return Source(tuple(assignments.values()), tuple(problems), tuple(warnings))


def _warning(found: Assignment, folder: Path) -> str:
    """What the user must know about this key, or nothing."""
    if found.name == "agents.database.enabled" and found.value is not True:
        return "without effect: logs, offsets and decisions are stored in one transaction, so the store stays on"
    if found.key == "store.sqlite_path":
        return "holds for process_log only; what `sre up` starts stores in PostgreSQL (store.url)"
    if _holds_no_playbook(found, folder):
        return f"{found.value} holds no playbook (*.md), so those of the project are used; playbooks.path names another"
    return ""


def _holds_no_playbook(found: Assignment, folder: Path) -> bool:
    """Whether this is a knowledge base in the reference project's own format, which is not ours."""
    if found.key != "playbooks.path" or not isinstance(found.value, str):
        return False
    return not any((folder / found.value).rglob("*.md"))
