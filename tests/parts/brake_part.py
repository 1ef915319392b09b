"""A brake on the agent's database: a step stops in the middle of its transaction, so that a kill meets it there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import sqlalchemy as sa

from adapters.store.database import Engine
from deployments import ours

# What is braked: a kind of step by its name, or "pages" for the record that a page was accepted.
PAGES = "pages"
KEY = 7399
BRAKE = f"""
CREATE OR REPLACE FUNCTION brake() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared({KEY}, hashtext(coalesce(to_jsonb(NEW) ->> 'step', TG_TABLE_NAME)));
  RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER brake BEFORE INSERT ON steps_taken FOR EACH ROW EXECUTE FUNCTION brake();
CREATE OR REPLACE TRIGGER brake BEFORE UPDATE ON pages
  FOR EACH ROW WHEN (NEW.state = 'sent') EXECUTE FUNCTION brake();
"""
STANDING = """
SELECT count(*) FROM pg_locks
WHERE locktype = 'advisory' AND classid = :key AND objid = hashtext(:what)::oid AND NOT granted
"""


@dataclass(frozen=True)
class Brake:
    """Holds whoever is about to record that a step was taken; the lock timeout lets them go after five seconds."""

    engine: Engine

    def __post_init__(self) -> None:
        with self.engine.begin() as connection:
            connection.execute(sa.text(BRAKE))

    @contextmanager
    def on(self, *kinds: str) -> Iterator[None]:
        """Let none of these go on until the block ends."""
        with ExitStack() as held:
            for kind in kinds:
                held.enter_context(self._on(kind))
            yield

    @contextmanager
    def _on(self, kind: str) -> Iterator[None]:
        asked = {"key": KEY, "what": kind}
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("SELECT pg_advisory_lock(:key, hashtext(:what))"), asked)
            try:
                yield
            finally:
                connection.execute(sa.text("SELECT pg_advisory_unlock(:key, hashtext(:what))"), asked)

    def standing(self, kind: str) -> int:
        """How many stand in the middle of such a step right now."""
        with self.engine.begin() as connection:
            return int(connection.scalar(sa.text(STANDING), {"key": KEY, "what": kind}) or 0)


def on_call_runs(home: Path) -> list[psutil.Process]:
    """Processes of the runs of `on-call` in this home."""
    parts = ours.processes(home, "worker-on-call")
    return [process for process in parts if ours.environment(process).get("PREFECT__FLOW_RUN_ID")]


def kill_runs(home: Path) -> bool:
    """SIGKILL to the run of `on-call`, wherever it is; False while there is none."""
    killed = on_call_runs(home)
    for process in killed:
        process.kill()
    psutil.wait_procs(killed, timeout=10)
    return bool(killed)


def kill_standing(home: Path, brake: Brake, *kinds: str, seconds: float, company_seconds: float = 0) -> None:
    """SIGKILL to the run of `on-call` while it stands in the middle of steps of all these kinds.

    `company_seconds`: how long others may take to come to stand there, too.
    """
    deadline = time.monotonic() + seconds
    while not all(brake.standing(kind) for kind in kinds):
        assert time.monotonic() < deadline, f"no step {' and '.join(kinds)} within {seconds:g} s"
        time.sleep(0.05)
    company = time.monotonic() + company_seconds
    while brake.standing(kinds[0]) < 2 and time.monotonic() < company:
        time.sleep(0.05)
    assert kill_runs(home), "there was a run to kill"
