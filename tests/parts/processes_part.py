"""How the tests are spread over processes: a file stays together, and so does what shares one thing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from xdist.scheduler import LoadScopeScheduling

# Group -> files or folders that one process runs: whole agents want the usual ports and most of the machine.
TOGETHER: Mapping[str, Sequence[str]] = {
    "a whole agent": (
        "tests/flows/test_outages.py",
        "tests/deployments/test_life.py",
        "tests/deployments/test_take_down.py",
        "tests/deployments/test_first_hour.py",
        "tests/deployments/test_http_service.py",
        "tests/deployments/test_playbooks_guide_live.py",
    ),
    "Kubernetes": ("tests/adapters/kubernetes/", "tests/contracts/test_executors.py"),
}
# What takes longest begins first, so that no process ends long before the other.
FIRST = (
    "a whole agent",
    "Kubernetes",
    "tests/deployments/shop/test_running.py",
    "tests/soak/test_store_schedules.py",
    "tests/soak/test_exactly_once.py",
    "tests/adapters/kafka/test_consumer.py",
    "tests/console/http/test_random_requests.py",
    "tests/console/http/web/test_axe.py",
    "tests/tasks/test_killed_sending.py",
    "tests/flows/test_process_log.py",
    "tests/flows/test_seed_stream.py",
    "tests/flows/test_storm.py",
    "tests/flows/test_many_services.py",
)


class Together(LoadScopeScheduling):
    """xdist's scheduling, by our groups instead of classes."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def group_of(nodeid: str) -> str:
    """What a test must share a process with: a group by name, or its file."""
    for group, paths in TOGETHER.items():
        if nodeid.startswith(tuple(paths)):
            return group
    return nodeid.partition("::")[0]


def longest_first(items: list[pytest.Item]) -> None:
    """Put the tests in the order in which the groups are handed out."""
    places = {group: place for place, group in enumerate(FIRST)}
    items.sort(key=lambda item: places.get(group_of(item.nodeid), len(FIRST)))
