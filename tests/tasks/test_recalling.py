"""What decided is read back from what is kept of it, however the agent was set up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from adapters.settings_files import load
from domain.replay import Texts
from domain.settings import Settings
from tasks.recalling import of_texts
from tests.parts.judged_part import known

SECRET = SecretStr("it is secret")
AS_DEPLOYED = {
    "SRE_STORE__URL": "postgresql://agent:secret@db.example.com/agent",
    "SRE_KAFKA__BOOTSTRAP_SERVERS": "kafka.example.com:9092",
    "SRE_HTTP__PUBLIC_URL": "https://sre.example.com",
    "SRE_HTTP__TOKEN": "a-token-of-many-letters-and-digits-17",
    "SRE_PAGING__DIGEST_AT": "07:00",
    "SRE_DETECTION__CONFIDENCE_THRESHOLD": "0.8",
}


def with_secrets(tree: Any) -> Any:
    """The tree with something in every place that holds a secret."""
    found: dict[str, Any] = {}
    for name in type(tree).model_fields:
        value = getattr(tree, name)
        if isinstance(value, BaseModel):
            found[name] = with_secrets(value)
        elif isinstance(value, SecretStr):
            found[name] = SECRET
    return tree.model_copy(update=found)


@pytest.fixture
def deployed(tmp_path: Path) -> Settings:
    return load(environ=AS_DEPLOYED, home=tmp_path).settings


def test_settings_of_a_deployed_agent_are_read_back(deployed: Settings) -> None:
    knowledge = replace(known(), settings=deployed)
    assert "secret@db" not in knowledge.texts.settings
    found = of_texts(knowledge.texts)
    assert knowledge.texts == found.texts
    assert 0.8 == found.settings.detection.confidence_threshold
    assert deployed.incidents == found.settings.incidents
    assert deployed.mitigation.autonomy == found.settings.mitigation.autonomy


def test_no_secret_that_is_not_kept_is_wanted() -> None:
    knowledge = replace(known(), settings=with_secrets(Settings()))
    assert SECRET.get_secret_value() not in str(knowledge.texts)
    assert knowledge.texts == of_texts(knowledge.texts).texts


@pytest.mark.parametrize(
    "text", ["[]", "no JSON", '{"detection": {"confidence_threshold": "high"}}', '{"detection": 1}']
)
def test_what_are_no_settings_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        of_texts(Texts(text, "[]", "{}", ""))
