"""Members of `watch` in processes of their own, without Prefect: forked off one that has imported everything.

`python -m tests.soak.members_part STORE SERVERS TOPIC PATTERN HOME` makes one for each line that it reads, and
prints its pid.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from adapters.kafka.cluster import Cluster
from adapters.page_spool import PageSpool
from adapters.store.database import connect
from domain.errors import SreError
from domain.kafka_settings import KafkaSettings, Start
from domain.settings import Settings
from tasks.champion import ChampionSource
from tasks.judging import Knowledge
from tasks.topics import TopicIdentity
from tasks.watching import Watching

PROJECT = Path(__file__).parents[2]
PAUSE_SECONDS = 0.2


@dataclass
class Members:
    """The processes of one run; only these are ever signalled."""

    given: Sequence[str]  # as on the command line
    told: Path  # what they write when they fail
    alive: list[int] = field(default_factory=list)

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", __spec__.name if __spec__ else __name__, *self.given]
        with self.told.open("ab") as errors:
            self.source = subprocess.Popen(
                command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        return self

    def __exit__(self, *_: object) -> None:
        for pid in list(self.alive):
            self.kill(pid)
        self.source.kill()
        self.source.communicate()

    def start(self) -> int:
        """A further member; its pid."""
        assert self.source.stdin is not None
        assert self.source.stdout is not None
        self.source.stdin.write("\n")
        self.source.stdin.flush()
        self.alive.append(pid := int(self.source.stdout.readline()))
        return pid

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        self.alive.remove(pid)


def _settings(servers: str, topic: str, pattern: str) -> Settings:
    kafka = KafkaSettings(
        bootstrap_servers=servers,
        topic=topic,
        more_topics=(pattern,),
        consumer_group=f"group-{topic}",
        batch_seconds=0.3,
        start=Start.EARLIEST,
    )
    return Settings(kafka=kafka)


def _watch(store: str, servers: str, topic: str, pattern: str, home: str) -> None:
    tree = _settings(servers, topic, pattern)
    champion = ChampionSource(Knowledge(tree, (), None), None)
    identity = TopicIdentity(Cluster(tree.kafka).topic_ids, durable=True)
    while True:
        try:
            watch = Watching(tree, connect(store), champion, identity, PageSpool(Path(home)))
            break
        except SreError as error:
            sys.stderr.write(f"{error}\n")
            time.sleep(PAUSE_SECONDS)
    while True:
        try:
            raw = watch.read()
            if len(raw) or raw.idle:
                watch.take(watch.weigh(raw))
        except SreError as error:
            sys.stderr.write(f"{error}\n")
            watch.drop(error)
            time.sleep(PAUSE_SECONDS)


def main(given: Sequence[str]) -> None:
    """Fork a member for each line."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in iter(sys.stdin.readline, ""):
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.dup2(os.open(os.devnull, os.O_RDWR), 0)
            os.dup2(os.open(os.devnull, os.O_RDWR), 1)
            _watch(*given)  # type: ignore[call-arg]  # five texts
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
