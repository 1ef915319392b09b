"""Whose a target is, as the inventory says."""

from __future__ import annotations

import pytest

from domain.inventory import Inventory, Service

KNOWN = Inventory(
    {
        "web": Service("web", "supervisord", "web"),
        "front": Service("front", "supervisord", "web:web_00"),
        "pods": Service("pods", "kubernetes", "web"),
    }
)


@pytest.mark.parametrize(
    ("executor", "target", "owner"),
    [
        pytest.param("supervisord", "web", "web", id="its-own-target"),
        pytest.param("supervisord", "web:web_01", "web", id="a-process-of-its-target"),
        pytest.param("supervisord", "web:web_00", "front", id="whoever-names-it-exactly"),
        pytest.param("kubernetes", "web", "pods", id="of-another-executor"),
        pytest.param("supervisord", "webmail", None, id="a-name-that-only-begins-alike"),
        pytest.param("supervisord", "db", None, id="nobodys"),
    ],
)
def test_who_owns_a_target(executor: str, target: str, owner: str | None) -> None:
    found = KNOWN.owner(executor, target)
    assert owner == (found.name if found else None)
