"""The agent knows nothing of the system that the demonstration watches: neither its names nor its faults."""

import re
from pathlib import Path

import pytest

from deployments.shop.faults import KINDS
from deployments.shop.layout import SERVICES

PROJECT = Path(__file__).resolve().parents[1]
AGENT = ("domain", "adapters", "ml", "tasks", "flows", "console", "benchmarks")
# "orders" is an English verb, and an inventory is what the agent calls its list of services.
NAMES = [name for name in (*SERVICES, *KINDS) if name not in ("orders", "inventory")]


@pytest.mark.parametrize("name", NAMES)
def test_no_name_of_the_shop_and_none_of_its_faults_occurs_in_the_agent(name: str) -> None:
    word = re.compile(rf"\b{re.escape(name)}\b", re.IGNORECASE)
    files = [file for folder in AGENT for file in (PROJECT / folder).rglob("*.py")]
    # HTTP's name for an answer of 502, which every proxy writes.
    said = {file: file.read_text().replace("bad gateway", "") for file in files}
    assert [] == [str(file.relative_to(PROJECT)) for file, text in said.items() if word.search(text)]
    assert files
