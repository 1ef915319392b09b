from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parts.kube_part import KubeApi
from tests.parts.kube_world import World


@pytest.fixture
def stranger(kube: KubeApi, tmp_path: Path) -> Iterator[World]:
    """A namespace in which the agent's account has no rights."""
    with kube.client() as client:
        yield World(kube, client, tmp_path)


@pytest.fixture
def world(stranger: World) -> World:
    """A namespace in which the agent's account has its role, and nothing else."""
    stranger.allow()
    return stranger
