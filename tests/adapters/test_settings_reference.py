"""The reference project's configuration, read as it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters.settings_files.reference import REFERENCE
from domain.settings_keys import leaves
from tests.adapters.settings_part import Project, value

REFERENCE_DOCUMENT: dict[str, Any] = {
    "agents": {
        "anomaly_detector": {"enabled": True, "confidence_threshold": 0.6, "model_path": "ml_pipeline/saved_models"},
        "mitigation": {"enabled": True, "common_error_threshold": 0.75, "db_path": "data/agent.db"},
        "rag": {"knowledge_base_path": "data/knowledge_base", "max_context_length": 3000},
        "advanced_llm": {"model": "gpt-4", "max_tokens": 1500},
        "paging": {"paging_webhook": "https://api.pagerduty.com/v2/incidents", "escalation_policy": "night"},
    },
    "kafka": {"bootstrap_servers": "localhost:9092", "topic": "their-logs", "consumer_group": "their-group"},
    "processing": {"batch_size": 100, "max_retries": 2, "timeout_seconds": 20},
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_reference_configuration_as_it_stands(project: Project) -> None:
    project.write("config/sre_agent_config.json", REFERENCE_DOCUMENT)
    settings = project.load().settings
    assert (settings.detection.enabled, settings.detection.confidence_threshold) == (True, 0.6)
    assert settings.detection.model_path == "ml_pipeline/saved_models"
    assert (settings.mitigation.enabled, settings.mitigation.common_error_threshold) == (True, 0.75)
    assert settings.store.sqlite_path == Path("data/agent.db")
    assert settings.playbooks.max_context_length == 3000
    assert (settings.llm.model, settings.llm.max_tokens) == ("gpt-4", 1500)
    assert settings.paging.webhook.get_secret_value() == "https://api.pagerduty.com/v2/incidents"
    assert settings.paging.escalation_policy == "night"
    kafka = settings.kafka
    assert (kafka.bootstrap_servers, kafka.topic, kafka.consumer_group) == (
        "localhost:9092",
        "their-logs",
        "their-group",
    )
    assert (kafka.batch_rows, settings.calls.max_retries, settings.calls.timeout_seconds) == (100, 2, 20)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("agents.mitigation.db_path", "process_log only"),
        ("agents.rag.knowledge_base_path", "holds no playbook"),
        ("agents.advanced_llm.model", "without effect yet"),
        ("agents.advanced_llm.max_tokens", "without effect yet"),
        ("agents.paging.paging_webhook", "paging.pagerduty.routing_key"),
    ],
)
def test_reference_key_without_its_effect_is_named(project: Project, name: str, text: str) -> None:
    project.write("config/sre_agent_config.json", REFERENCE_DOCUMENT)
    warnings = [warning for warning in project.load().warnings if f": {name}: " in warning]
    assert len(warnings) == 1
    assert text in warnings[0]


def test_warnings_name_nothing_else(project: Project) -> None:
    project.write("config/sre_agent_config.json", REFERENCE_DOCUMENT)
    assert len(project.load().warnings) == 5


@pytest.mark.parametrize(
    ("agent", "key"),
    [
        ("anomaly_detector", "detection.enabled"),
        ("mitigation", "mitigation.enabled"),
        ("rag", "playbooks.enabled"),
        ("advanced_llm", "llm.enabled"),
        ("paging", "paging.enabled"),
    ],
)
def test_enabled_false_switches_that_part_off_alone(project: Project, agent: str, key: str) -> None:
    project.write("sre.json", {"agents": {agent: {"enabled": False}}})
    loaded = project.load()
    enabled = {name for name, field in leaves() if name.endswith(".enabled") and field.default is True}
    assert {key} == {name for name in enabled if value(loaded, name) is False}


def test_the_store_stays_on_and_says_so(project: Project) -> None:
    project.write("sre.json", {"agents": {"database": {"enabled": False}}})
    (warning,) = project.load().warnings
    assert "agents.database.enabled: without effect" in warning


def test_two_paths_for_one_database_contradict(project: Project) -> None:
    project.write("sre.json", {"agents": {"mitigation": {"db_path": "a.db"}, "database": {"db_path": "b.db"}}})
    (problem,) = project.problems()
    assert "contradicts agents.mitigation.db_path" in problem


def test_knowledge_base_with_playbooks_is_used(project: Project) -> None:
    project.write("knowledge/one.md", "---")
    project.write("sre.json", {"agents": {"rag": {"knowledge_base_path": "knowledge"}}})
    assert project.load().settings.playbooks.path == "knowledge"


def test_both_kinds_of_keys_in_one_file(project: Project) -> None:
    document = {"processing": {"batch_size": 100}, "kafka": {"batch_rows": 200}, "mitigation": {"acting": True}}
    project.write("sre.json", document)
    settings = project.load().settings
    assert (settings.kafka.batch_rows, settings.mitigation.acting) == (200, True)


def test_reference_keys_set_existing_settings() -> None:
    assert {key for key, _ in leaves()} >= {ours for ours in REFERENCE.values() if ours}
