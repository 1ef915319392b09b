"""The tools of an investigation: each reads, is asked by typed arguments, and says what it looked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from adapters.log_telemetry import series, telemetry
from adapters.store import changes as change_rows
from adapters.store.database import snapshot
from adapters.store.log_search import search
from adapters.store.telemetry import Quoted, as_quoted, first_of, part
from adapters.store.wanted_logs import Wanted
from domain.amounts import number, share
from domain.disguise import Disguise
from domain.dossier import Dossier
from domain.errors import SreError
from domain.exhibits import LONGEST_NAME, Exhibits, LogExhibit, MetricExhibit, told_metric
from domain.incidents import Incident
from domain.llm import Tool, ToolCall
from domain.logs import Level
from domain.quoted import Mask
from domain.shown_texts import cut, printable
from domain.telemetry import LogId, Phrase, Series, Span
from domain.templates import template
from domain.tools import Found, Status, canonical
from tasks.alike import described
from tasks.gathering import BEFORE, exhibit
from tasks.held import Means

MOST_LOGS, MOST_TEMPLATES, MOST_HITS = 40, 40, 4
LONGEST_EXCERPT = 600  # characters of a playbook
LONGEST_ASKED = 200  # characters of what a model may ask
LONGEST_LINE = 1_000  # characters of one line of an answer
FARTHEST = timedelta(hours=24)  # before the incident
SHORTEST = timedelta(seconds=1)
MINUTES = Field(5, ge=1, le=60, description="how many minutes to look at")


@dataclass
class Bench:
    """What the tools of one investigation work on."""

    means: Means
    incident: Incident
    dossier: Dossier
    exhibits: Exhibits
    disguise: Disguise
    asked: set[str] = field(default_factory=set)  # canonical calls so far

    @property
    def mask(self) -> Callable[[str], str]:
        """What quoted texts are masked by."""
        return self.disguise.mask

    def span(self, at: datetime | None, minutes: int) -> Span:
        """The minutes around a moment, never outside of what is looked at."""
        middle = min(max(at or self.dossier.onset, self.dossier.onset - FARTHEST), self.means.clock())
        half = timedelta(minutes=minutes) / 2
        return Span(middle - half, middle + half)

    def named(self, log: LogExhibit) -> str:
        """A log under its name, as a model is shown it."""
        return f"{self.exhibits.add(log)} {log.at:%H:%M:%S} {log.service} {log.level.name}: {log.text}"

    def hidden(self, found: Found) -> Found:
        """An answer in which nothing stands that must not leave."""
        hide = self.disguise.hide
        lines = tuple(cut(hide(line), LONGEST_LINE) for line in found.lines)
        return replace(found, query=cut(hide(found.query), LONGEST_LINE), lines=lines, hint=hide(found.hint))


def _as_text(value: object) -> str:
    return printable(value if isinstance(value, str) else "")[:LONGEST_ASKED]


Text = Annotated[str, BeforeValidator(_as_text)]


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except OverflowError as error:  # before the year 1, or after 9999
        raise ValueError("beyond all calendars") from error


Moment = Annotated[datetime, AfterValidator(_in_utc)]


class Asked(BaseModel):
    """Arguments of a tool; what is not asked for does no harm."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)


class LogsAsked(Asked):
    """Logs around a time."""

    service: Text = ""
    """of this service; empty: of all"""
    at: Moment | None = None
    """around this moment, UTC; null: when the incident began"""
    minutes: int = MINUTES
    text: Text = ""
    """only logs that hold this"""
    least: str = Field("WARN", pattern="^(DEBUG|INFO|WARN|ERROR|CRITICAL)$")
    """least level"""


class TemplatesAsked(Asked):
    """Texts of a service."""

    service: Text
    """of this service"""


class MetricAsked(Asked):
    """A metric of a service."""

    service: Text
    """of this service"""
    metric: Text
    """its name"""
    minutes: int = Field(20, ge=2, le=120)
    """how many minutes around the beginning of the incident"""


class WordsAsked(Asked):
    """Words to search for."""

    text: Text
    """what to search for"""


class ServiceAsked(Asked):
    """A service, or all."""

    service: Text = ""
    """of this service; empty: of all"""


def _logs(bench: Bench, asked: Any) -> Found:  # noqa: ANN401 - as the table pairs them
    span = bench.span(asked.at, asked.minutes)
    wanted = Wanted(
        since=span.since,
        until=span.until,
        services=[asked.service] if asked.service else None,
        least=Level[asked.least],
        text=asked.text,
    )
    found = [_shown(bench, log) for log in search(bench.means.engine, wanted, MOST_LOGS)]
    holding = f' that hold "{asked.text}"' if asked.text else ""
    query = f"logs of {asked.service or 'all services'} from {asked.least} on, {_told(span)}{holding}"
    return _found(query, found, hint=f"the newest {MOST_LOGS} only: ask for fewer minutes" * (len(found) == MOST_LOGS))


def _shown(bench: Bench, log: dict[str, Any]) -> str:
    row = log | {"topic": log["topic_id"], "level": Level[log["level"]]}
    return bench.named(exhibit(as_quoted(row), bench.mask))


def _templates(bench: Bench, asked: Any) -> Found:  # noqa: ANN401
    dossier = bench.dossier
    spans = Span(dossier.onset - BEFORE, dossier.onset), Span(dossier.onset, dossier.until)
    before, during = (part(bench.means.engine, span, [asked.service]) for span in spans)
    seen = telemetry(dossier.onset, before, during).phrases
    rates = {one: (one.before / _minutes(spans[0]), one.during / _minutes(spans[1])) for one in seen}
    moved = sorted(seen, key=lambda one: -abs(rates[one][1] - rates[one][0]))[:MOST_TEMPLATES]
    examples = [one.example for one in moved if one.example is not None]
    shown = first_of(during.logs, examples) | first_of(before.logs, examples)
    lines = [
        f"{number(round(rates[one][0], 1))} a minute before, {number(round(rates[one][1], 1))} since: "
        f"{one.level.name} {_masked_template(one, shown, bench.mask)}"
        for one in moved
    ]
    return _found(f"texts of {asked.service}, {BEFORE.seconds // 60} minutes before and since it began", lines)


def _minutes(span: Span) -> float:
    """Its length; that of a span that a clock set back made empty is a second."""
    return max(span.minutes, SHORTEST.total_seconds() / 60)


def _masked_template(phrase: Phrase, logs: Mapping[LogId, Quoted], mask: Mask) -> str:
    """The text of a phrase; masked as a whole log, of which a template may hold half a secret."""
    log = logs.get(phrase.example) if phrase.example is not None else None
    return printable(template(mask(log.message)) if log else mask(phrase.template))


def _metric(bench: Bench, asked: Any) -> Found:  # noqa: ANN401
    onset = bench.dossier.onset
    half = timedelta(minutes=asked.minutes) / 2
    span = Span(onset - half, min(onset + half, bench.means.clock()))
    logs = part(bench.means.engine, span, [asked.service]).logs
    found = {one.metric: one for one in series([logs], onset)}
    query = f"metric {asked.metric} of {asked.service}, minute by minute, {_told(span)}"
    if asked.metric not in found:
        known = ", ".join(cut(bench.mask(printable(one)), LONGEST_NAME) for one in sorted(found)[:MOST_TEMPLATES])
        return Found(Status.NO_DATA, query, hint=f"its metrics are {known}" if known else "it has no metrics then")
    one = found[asked.metric]
    lines = [f"{at:%H:%M:%S} {number(round(value, 4))}" for at, value in zip(one.at, one.values, strict=True)]
    return _found(query, [*_window(bench, replace(one, metric=told_metric(one.metric, bench.mask)), onset), *lines])


def _window(bench: Bench, one: Series, onset: datetime) -> list[str]:
    """Its means before and since, as something that can be cited."""
    early = [value for at, value in zip(one.at, one.values, strict=True) if at < onset]
    late = [value for at, value in zip(one.at, one.values, strict=True) if at >= onset]
    if not late:
        return []
    until = min(one.at[-1] + timedelta(minutes=1), bench.means.clock())
    before = sum(early) / len(early) if early else None
    shown = MetricExhibit(one.service, one.metric, onset, until, sum(late) / len(late), before)
    return [f"{bench.exhibits.add(shown)} {shown.told}"]


def _incidents(bench: Bench, asked: Any) -> Found:  # noqa: ANN401
    library = bench.means.library
    query = f'past incidents like "{asked.text}"'
    if library is None:
        return Found(Status.NO_DATA, query)
    hits = library.past(bench.means.engine, now=bench.means.clock()).search(asked.text, MOST_HITS).hits
    alike = described(bench.means, [hit for hit in hits if hit.answers], bench.mask)
    lines = [f"{one.text}; cause: {one.cause or 'not written'}; helped: {one.helped or 'not known'}" for one in alike]
    return _found(query, lines)


def _neighbours(bench: Bench, asked: Any) -> Found:  # noqa: ANN401
    service = asked.service or bench.incident.service
    known = bench.means.knowledge.inventory.services
    calls = [(name, called) for name, one in known.items() for called in one.dependencies]
    lines = [f"{service} calls {called}" for caller, called in calls if caller == service]
    lines += [f"{caller} calls {service}" for caller, called in calls if called == service]
    return _found(f"who calls {service}, and whom it calls", lines, hint="the inventory says so")


def _changes(bench: Bench, asked: Any) -> Found:  # noqa: ANN401
    since, until = bench.dossier.onset - FARTHEST, bench.dossier.until
    services = [asked.service] if asked.service else None
    with snapshot(bench.means.engine) as connection:
        known = change_rows.recent(connection, services, since, until, MOST_LOGS)
    lines = [f"{one.at:%Y-%m-%d %H:%M} {one.service}: {one.kind} {one.what}" for one in known]
    return _found(f"changes of {asked.service or 'all services'} in the day before", lines)


def _playbooks(bench: Bench, asked: Any) -> Found:  # noqa: ANN401
    library = bench.means.library
    query = f'playbooks about "{asked.text}"'
    if library is None:
        return Found(Status.NO_DATA, query)
    hits = library.playbooks.search(asked.text, MOST_HITS).hits
    lines = [
        f"{hit.document.id} ({share(hit.score)} sure): {cut(printable(bench.mask(hit.excerpt)), LONGEST_EXCERPT)}"
        for hit in hits
        if hit.answers
    ]
    return _found(query, lines, hint="plans can be chosen among those offered only")


@dataclass(frozen=True, slots=True)
class Kind:
    """One tool."""

    description: str
    arguments: type[Asked]
    run: Callable[[Bench, Any], Found]


TOOLS: Mapping[str, Kind] = {
    "logs": Kind("Logs around a time; each is named L1, L2 … and can be cited.", LogsAsked, _logs),
    "templates": Kind("How often each text of a service came, before and since.", TemplatesAsked, _templates),
    "metric": Kind("A metric of a service minute by minute, and its means, which can be cited.", MetricAsked, _metric),
    "incidents": Kind("Past incidents that are alike, with their causes and what helped.", WordsAsked, _incidents),
    "neighbours": Kind("Which services call a service, and which it calls.", ServiceAsked, _neighbours),
    "changes": Kind("Deploys and changes of configuration in the day before.", ServiceAsked, _changes),
    "playbooks": Kind("What the team's playbooks say about something.", WordsAsked, _playbooks),
}


def offered_tools() -> tuple[Tool, ...]:
    """As a model is told of them."""
    return tuple(Tool(name, kind.description, kind.arguments.model_json_schema()) for name, kind in TOOLS.items())


def run(bench: Bench, call: ToolCall) -> Found:
    """The answer to one call of a tool; whatever is asked wrongly is an answer too."""
    kind = TOOLS.get(call.name)
    if kind is None:
        return Found(Status.ERROR, "a tool that does not exist", hint=f"there are {', '.join(TOOLS)}")
    try:
        asked = kind.arguments.model_validate_json(call.arguments or "{}")
    except ValidationError as error:
        flaws = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:3])
        return Found(Status.ERROR, f"{call.name} asked wrongly", hint=cut(printable(flaws), LONGEST_ASKED))
    key = canonical(call.name, asked.model_dump())
    if key in bench.asked:
        return Found(Status.REFUSED, f"the very same call of {call.name}", hint="its answer stands above")
    bench.asked.add(key)
    try:
        return bench.hidden(kind.run(bench, asked))
    except SreError as error:
        return Found(Status.ERROR, call.name, hint=cut(printable(bench.mask(str(error))), LONGEST_ASKED))


def _found(query: str, lines: list[str], hint: str = "") -> Found:
    return Found(Status.OK if lines else Status.NO_DATA, query, tuple(lines), hint)


def _told(span: Span) -> str:
    return f"{span.since:%H:%M:%S} to {span.until:%H:%M:%S}"
