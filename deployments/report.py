"""What `sre status` shows: each part with address, pid, health, and what to do when it is down."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from adapters import postgres
from adapters.page_spool import PageSpool
from adapters.parts_file import Parts, read
from adapters.supervisord_client import ProcessInfo, ProgramState
from deployments import answering_report, health, intake_report, ours, supervised
from deployments.answering_report import Answering
from deployments.intake_report import Seen
from deployments.layout import Home
from deployments.prefect_api import Run, connect
from deployments.programs import POOLS, worker_of
from deployments.registration import long_lived
from deployments.wanted import Broker
from domain.amounts import counted
from domain.canary import Outcome, Trace, in_a_line
from domain.errors import Refused, SreError, Unavailable
from domain.masking import masked_urls
from domain.members import WATCH, role_of
from domain.settings import Settings


class Health(StrEnum):
    """How a part is."""

    UP = "up"
    DOWN = "down"
    STARTING = "starting"
    EXTERNAL = "external"
    OFF = "off"
    ABANDONED = "abandoned"  # runs, but what would restart it is gone


@dataclass(frozen=True, slots=True)
class PartReport:
    """One line of the status."""

    part: str
    health: Health
    address: str
    pid: int  # 0: none, or not ours
    text: str  # what ails it and what to do, or a remark


def report(home: Home, settings: Settings) -> list[PartReport]:
    """Every part, those that settings switch off included."""
    parts = read(home.folder)
    programs = supervised.processes(home)
    if not programs:
        return [*abandoned(home), *switched_off(settings)]
    supervisord = PartReport("supervisord", Health.UP, parts.supervisord, supervised.client(home).pid(), "")
    now = datetime.now(UTC)
    seen = intake_report.ask(settings, now=now)
    found = servers_of(parts, seen)
    servers = [server(home, name, address, programs.get(name), ailment) for name, address, ailment in found]
    names = [name for name in programs if name.startswith(worker_of(""))]
    workers = [server(home, name, f"pool {pool_of(name)}", programs[name], "") for name in names]
    keeper = server(home, "keeper", "keeps runs going", programs.get("keeper"), "")
    return [
        supervisord,
        *(with_news(home, one, parts, seen) for one in servers),
        logs(settings.kafka.topic, seen, now=now),
        *workers,
        keeper,
        *runs(parts, seen),
        *answering(answering_report.ask(settings, now=now), now=now),
        *spooled(home),
        *switched_off(settings),
    ]


def abandoned(home: Home) -> list[PartReport]:
    """What runs although no supervisord of ours answers: it was killed, and its children live on."""
    alive: dict[str, list[int]] = {}
    for process in ours.processes(home.folder):
        alive.setdefault(ours.environment(process).get("SRE_PART", ""), []).append(process.pid)
    embedded = postgres.remembered(home.folder / "postgres.json")
    if database := embedded and embedded.process():
        alive.setdefault("postgres", []).append(database.pid)
    if not alive:
        return [PartReport("supervisord", Health.DOWN, "", 0, "nothing runs: `sre up` starts it")]
    count = counted(sum(map(len, alive.values())), "process")
    text = f"it is gone, and {count} of its parts run on unwatched: `sre up` starts all anew, `sre down` ends them"
    rest = "runs on; nobody would restart it"
    parts = [PartReport(part, Health.ABANDONED, "", min(pids), rest) for part, pids in sorted(alive.items())]
    return [PartReport("supervisord", Health.DOWN, "", 0, text), *parts]


def logs(topic: str, seen: Seen, *, now: datetime) -> PartReport:
    """Whether logs come in, and how fast."""
    trouble = intake_report.trouble(seen, now=now)
    text = "; ".join(filter(None, (trouble, intake_report.told(seen, now=now))))
    return PartReport("logs", Health.DOWN if trouble else Health.UP, f"topic {topic}", 0, masked_urls(text))


def answering(found: Answering, *, now: datetime) -> list[PartReport]:
    """What is known to be down, whether incidents are worked off, and whether pages reach anybody."""
    conditions = [PartReport("condition", Health.DOWN, "", 0, masked_urls(text)) for text in found.conditions]
    trouble = answering_report.trouble(found, now=now)
    health = Health.DOWN if trouble else Health.UP
    incidents = PartReport("incidents", health, "", 0, masked_urls(trouble) or "no step is overdue")
    if found.ailment:
        return [incidents]
    lost = Health.DOWN if found.pages.critical else Health.UP
    pages = PartReport("pages", lost, "", 0, str(found.pages))
    told = (("detection", found.alarms), ("drift", found.drift), ("muting", found.muting))
    remarks = [PartReport(part, Health.UP, "", 0, text) for part, text in told if text]
    canary = [] if found.canary is None else [_canary(found.canary)]
    return [*conditions, incidents, pages, *canary, *remarks]


def _canary(last: Trace) -> PartReport:
    """The last test of the whole way."""
    health = Health.DOWN if last.outcome is Outcome.MISSED else Health.UP
    return PartReport("canary", health, "", 0, masked_urls(in_a_line(last)))


def spooled(home: Home) -> list[PartReport]:
    """Critical pages that were made while the store was down, and that it does not have yet."""
    try:
        waiting = PageSpool(home.folder).waiting()
    except SreError as error:
        return [PartReport("spool", Health.DOWN, "", 0, str(error))]
    if not waiting:
        return []
    text = f"{counted(waiting, 'critical page')} spooled while the database was down: sent from there, not stored yet"
    return [PartReport("spool", Health.DOWN, "", 0, text)]


def with_news(home: Home, one: PartReport, parts: Parts, seen: Seen) -> PartReport:
    """The line of an embedded broker that forgot its logs says so, and that of the HTTP service where the pages are."""
    if one.part == "http" and one.health is Health.UP and not one.text:
        return replace(one, text=f"pages at {one.address.rstrip('/')}/incidents")
    if one.part != "kafka" or one.text or parts.kafka["kind"] != Broker.EMBEDDED:
        return one
    return replace(one, text=intake_report.replaced(home.folder, seen))


def servers_of(parts: Parts, seen: Seen) -> list[tuple[str, str, str]]:
    """Name, address and ailment of each server; passwords masked."""
    found = []
    if parts.postgres:
        url = next(iter(parts.postgres.values()))
        found.append(("postgres", url.partition("host=")[2] or url, postgres.reachable(url)))
    api, tracking = parts.prefect["api_url"], parts.mlflow["tracking_uri"]
    found += [
        ("kafka", f"{parts.kafka['bootstrap_servers']} ({parts.kafka['kind']})", seen.kafka_ailment),
        ("prefect", parts.prefect["ui_url"], health.prefect(api)),
        ("mlflow", tracking, health.mlflow(tracking)),
    ]
    if parts.smtp:
        found.append(("smtp", f"127.0.0.1:{parts.smtp['port']}", health.listening(int(parts.smtp["port"]))))
    if parts.http:
        found.append(("http", parts.http["url"], health.http_service(parts.http["local"])))
    return [(name, masked_urls(address), ailment) for name, address, ailment in found]


def server(home: Home, name: str, address: str, info: ProcessInfo | None, ailment: str) -> PartReport:
    """One part that supervisord runs, or that is somebody else's."""
    if info is None:
        advice = f"{masked_urls(ailment)}; it is not ours: see to it where it runs" if ailment else ""
        return PartReport(name, Health.DOWN if ailment else Health.EXTERNAL, address, 0, advice)
    log = home.logs / f"{name}.log"
    if info.state is not ProgramState.RUNNING:
        coming = info.state in (ProgramState.STARTING, ProgramState.BACKOFF)
        return PartReport(name, Health.STARTING if coming else Health.DOWN, address, info.pid, advice_for(info, log))
    if ailment:
        return PartReport(name, Health.DOWN, address, info.pid, f"{ailment}; it runs but does not answer: see {log}")
    return PartReport(name, Health.UP, address, info.pid, "")


def advice_for(info: ProcessInfo, log: Path) -> str:
    """What to do about a process that does not run."""
    if info.state in (ProgramState.STARTING, ProgramState.BACKOFF):
        return f"supervisord is starting it again; see {log}"
    return f"{info.state.name.lower()} {info.trouble}".strip() + f": `sre up` starts it; see {log}"


def pool_of(name: str) -> str:
    """The pool that a worker of this name works off."""
    return role_of(name.removeprefix(worker_of("")))


def runs(parts: Parts, seen: Seen) -> list[PartReport]:
    """The long-lived flows' runs, as Prefect knows them."""
    try:
        with connect(parts.prefect["api_url"]) as api:
            ids = long_lived(api.deployments(POOLS))
            active = api.runs(POOLS)
    except (Unavailable, Refused) as error:
        unknown = f"unknown while Prefect does not answer ({error}); work goes on"
        return [PartReport("runs", Health.DOWN, "", 0, unknown)]
    found = [run_of(name, [run for run in active if run.deployment == id_]) for name, id_ in ids.items()]
    return [with_partitions(one, name, seen) for one, name in zip(found, ids, strict=True)]


def with_partitions(one: PartReport, name: str, seen: Seen) -> PartReport:
    """The line of a run of `watch` that is at work says what it reads."""
    if one.health is not Health.UP or role_of(name) != WATCH:
        return one
    return replace(one, text=intake_report.read_by(seen, name))


def run_of(name: str, found: list[Run]) -> PartReport:
    """The run of one long-lived deployment."""
    at_work = [run for run in found if run.state == "RUNNING"]
    if at_work:
        return PartReport(f"run of {name}", Health.UP, at_work[0].name, at_work[0].pid, "")
    if found:
        return PartReport(f"run of {name}", Health.STARTING, found[0].name, 0, found[0].state_name)
    return PartReport(f"run of {name}", Health.DOWN, "", 0, "no run: `sre up` starts one; see its last run in Prefect")


def switched_off(settings: Settings) -> list[PartReport]:
    """What settings disable, with what that means."""
    branches = {
        "detection": (settings.detection.enabled, "logs are stored unscored, no incident opens"),
        "playbooks": (settings.playbooks.enabled, "every incident goes to a human"),
        "mitigation": (settings.mitigation.enabled, "no plan is made, confirmed incidents page"),
        "llm": (settings.llm.enabled, "uncommon incidents are analysed without a model"),
        "paging": (settings.paging.enabled, "pages are recorded, not sent"),
        "http": (settings.http.enabled, "nobody answers by a link or a button, no alert or log comes in by HTTP"),
    }
    return [
        PartReport(name, Health.OFF, "", 0, f"{name}.enabled is false: {meaning}")
        for name, (enabled, meaning) in branches.items()
        if not enabled
    ]
