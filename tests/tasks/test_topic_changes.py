"""Whether a topic is another one than before is asked of each, whatever became of the others."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from domain.errors import Refused
from tasks.topics import StoredPositions


class Broker:
    """Knows some topics by their ids; who asks for one that it does not know is refused."""

    durable = True

    def __init__(self, ids: dict[str, str]) -> None:
        self.ids = ids

    def ask(self, topics: Sequence[str]) -> dict[str, str]:
        if unknown := set(topics) - self.ids.keys():
            raise Refused(f"no topic {sorted(unknown)}")
        return {topic: self.ids[topic] for topic in topics}


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param({"a": "1", "b": "1"}, "", id="both as before"),
        pytest.param({"a": "1", "b": "2"}, "b", id="one made again"),
        pytest.param({"b": "1"}, "", id="one deleted, the other as before"),
        pytest.param({"b": "2"}, "b", id="one deleted and the other made again"),
        pytest.param({}, "", id="both deleted"),
    ],
)
def test_a_topic_that_is_another_one(now: dict[str, str], expected: str) -> None:
    positions = StoredPositions(None, Broker(now))  # type: ignore[arg-type]  # no store is asked
    positions.known_ids |= {"a": "1", "b": "1"}
    assert expected == positions.changed()
