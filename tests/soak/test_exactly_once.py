"""Fault 16, 20 and 21: whatever dies, sleeps or comes back at whatever instruction, each log is stored once."""

from __future__ import annotations

import logging
import os
import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from adapters.store.database import connect
from deployments.kafka_server import KafkaServer
from tests.parts.databases_part import Server
from tests.parts.judged_part import rows
from tests.parts.kafka_part import Topic
from tests.parts.minutes_part import counted as minutes_of
from tests.parts.minutes_part import there
from tests.soak.conftest import SOAK
from tests.soak.members_part import Members
from tests.soak.stormy_part import MEMBERS, PARTITIONS, Storm

log = logging.getLogger(__name__)

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.timeout(3_600)]

SAMPLE = [
    pytest.param(1, {"kill -9": 6, "stop": 1, "database": 1}, id="kills, a zombie and the database"),
    pytest.param(2, {"kill -9": 5, "cut": 1, "make again": 1, "broker": 1}, id="kills, topics and the broker"),
]
KILLS = {"kill -9": 200, "stop": 24, "database": 12, "broker": 4, "cut": 8, "make again": 5}
LONG = [pytest.param(int.from_bytes(os.urandom(4)), KILLS, id="200 kills")]


@pytest.mark.parametrize(("seed", "deeds"), LONG if SOAK else SAMPLE)
def test_each_log_is_stored_once(
    seed: int, deeds: Mapping[str, int], kafka: KafkaServer, postgres_server: Server, tmp_path: Path
) -> None:
    """Counted as sets of (topic, partition, offset)."""
    url = postgres_server.fresh()
    topics = [Topic(kafka.bootstrap_servers, PARTITIONS) for _ in range(2)]
    first, second = (topic.name for topic in topics)
    given = (url, kafka.bootstrap_servers, first, f"^{second}$", str(tmp_path))
    with Members(given, tmp_path / "told") as members:
        storm = Storm(random.Random(seed), kafka, postgres_server, members, topics, connect(url))
        for _ in range(MEMBERS):
            members.start()
        storm.blows(deeds, pause=2.0 if SOAK else 1.0)
        storm.calms()
        storm.trickles()
        found, wanted = storm.settles(), storm.expected()
        storm.engine.dispose()
        told = f"seed {seed}: {dict(storm.done)}, {storm.sent:,} sent, {len(found):,} stored"
        assert not [one for one, times in Counter(found).items() if times > 1], f"doubled, {told}"
        assert not wanted - set(found), f"lost, {told}"
        assert not [one for one in set(found) - wanted - storm.cut if one[0] not in storm.gone], f"invented, {told}"
        counted = rows(storm.engine, "SELECT sum(logs) AS n FROM incidents WHERE service = 'web'")[0]["n"]
        assert storm.errors_stored() == counted, f"incidents count other logs, {told}"
        assert there(storm.engine), f"no minute was over, {told}"
        assert there(storm.engine) == minutes_of(storm.engine), f"minutes count other logs, {told}"
        blocks = rows(storm.engine, "SELECT count(*) AS n FROM log_blocks")[0]["n"]
        single = rows(storm.engine, "SELECT count(*) AS n FROM logs WHERE NOT in_block")[0]["n"]
        assert blocks, told
        assert single, told
        log.info("%s, %d blocks, %d single rows", told, blocks, single)
        storm.engine.dispose()
