"""`sre logs`: stored logs by what they say, as they come in, or by SQL."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from console.given import NotFound, services_meant, settings, store
from console.output import in_words, say, show_json, show_table
from console.sent import SQL_MEGABYTES, SQL_SECONDS, from_afar
from console.times import moment
from domain.amounts import counted
from domain.shown_texts import brief, printable

if TYPE_CHECKING:
    from adapters.log_sql import Answer
    from adapters.store.database import Engine
    from adapters.store.wanted_logs import Wanted

LEVELS = ("trace", "debug", "info", "warn", "error", "critical")
AROUND = timedelta(minutes=5)
POLL_SECONDS = 1.0
LONGEST_CELL = 2_000  # characters of an answer to --sql that a table shows of one value
MOST_FROM_AFAR = 10_000  # logs, which are held before they are sent


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed beside what the logs themselves must meet."""

    limit: int
    seconds: float
    since: str
    as_json: bool


@click.command(
    epilog="Example: sre logs --service web --level error --since 1h; "
    'sre logs --sql "SELECT service, count(*) FROM logs GROUP BY 1"'
)
@click.option("--service", "services", multiple=True, help="Only of this service; may be given several times.")
@click.option("--level", type=click.Choice(LEVELS, case_sensitive=False), help="This level and those above.")
@click.option("--since", default="1h", show_default=True, help="From then on: 30m, 24h, 7d, 14:30, 2026-01-05T14:30.")
@click.option("--until", help="To before then, written as --since is.")
@click.option("--text", default="", help="What the message holds, large and small letters alike.")
@click.option("--regex", "expression", is_flag=True, help="--text is a regular expression (RE2).")
@click.option("--template", default="", help="The template that the message has, or a message that has it.")
@click.option("--incident", type=click.IntRange(min=1), help="Of this incident, and of its services around it.")
@click.option("--limit", default=200, show_default=True, type=click.IntRange(1, 100_000), help="Most logs or rows.")
@click.option("--follow", is_flag=True, help="Then show new ones as they are committed, until Ctrl-C.")
@click.option("--sql", help="A SELECT over the table `logs`, which holds that time.")
@click.option("--seconds", default=30.0, show_default=True, type=click.FloatRange(0.1, 3_600), help="Longest for SQL.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, a line for each.")
@click.pass_context
def logs(  # noqa: PLR0913 - one argument per option
    ctx: click.Context,
    *,
    services: tuple[str, ...],
    level: str | None,
    since: str,
    until: str | None,
    text: str,
    template: str,
    incident: int | None,
    limit: int,
    sql: str | None,
    seconds: float,
    expression: bool,
    follow: bool,
    as_json: bool,
) -> None:
    """Show stored logs, the newest last; by SQL with the columns that docs/guides/logs.md names."""
    from adapters.store.wanted_logs import Wanted  # noqa: PLC0415 - keeps `sre --help` fast
    from domain.logs import level_of  # noqa: PLC0415 - as above

    if sql is not None and (follow or text or template or level or incident):
        raise click.UsageError("--sql takes --service, --since, --until and --limit; put the rest into its WHERE")
    if follow and (until or incident):
        raise click.UsageError("--follow shows what comes in from now on; leave --until and --incident out")
    if expression and not text:
        raise click.UsageError("--regex says what --text is; give --text, too")
    if limit > MOST_FROM_AFAR and from_afar():
        raise click.UsageError(f"from afar --limit is {MOST_FROM_AFAR:,} at most; ask for less time at once")
    now, sent = datetime.now(UTC), from_afar()
    wanted = Wanted(
        since=moment(since, now),
        until=moment(until, now) if until else None,
        least=level_of(level) if level else level_of("trace"),
        text=text,
        expression=expression,
        template=template,
        mask=sent.sink.mask if sent else None,
    )
    asked = Asked(limit, seconds, since, as_json)
    engine = store(settings(ctx))
    wanted = replace(wanted, services=services_meant(engine, services, wanted.since, wanted.until))
    if sql is not None:
        _sql(engine, wanted, sql, asked)
    elif incident:
        _around(engine, _as_given(ctx, wanted), incident, asked)
    elif follow:
        _follow(engine, wanted, asked)
    else:
        _search(engine, wanted, asked)


def _as_given(ctx: click.Context, wanted: Wanted) -> Wanted:
    """Without the time that nobody asked for."""
    given = ctx.get_parameter_source("since") is not click.core.ParameterSource.DEFAULT
    return wanted if given else replace(wanted, since=None)


def _search(engine: Engine, wanted: Wanted, asked: Asked) -> None:
    from adapters.store.log_search import search  # noqa: PLC0415 - keeps `sre --help` fast

    found = search(engine, wanted, asked.limit)
    if not found:
        _nothing(engine, asked)
    _print(found, as_json=asked.as_json)
    if len(found) == asked.limit:
        say(f"the newest {asked.limit}; --limit shows more", err=True)


def _nothing(engine: Engine, asked: Asked) -> None:
    from adapters.store.log_look_ups import log_totals  # noqa: PLC0415 - keeps `sre --help` fast

    if log_totals(engine)["logs"]:
        say(f"no such log since {asked.since}; a longer --since looks further back", err=True)
    else:
        say("no log is stored yet; `sre status` says what is read", err=True)


def _around(engine: Engine, wanted: Wanted, number: int, asked: Asked) -> None:
    from adapters.store.log_search import around  # noqa: PLC0415 - keeps `sre --help` fast
    from adapters.store.look_ups import one_incident  # noqa: PLC0415 - as above

    found = one_incident(engine, number)
    if found is None:
        raise NotFound(f"there is no incident {number}; `sre incidents` lists them")
    timed = around_incident(wanted, found)
    _print(around(engine, timed, number, asked.limit), as_json=asked.as_json)


def around_incident(wanted: Wanted, found: Mapping[str, Any]) -> Wanted:
    """The same with the incident's time and services, where nothing else was asked for."""
    services = {found["service"], *(alert["service"] for alert in found["alerts"])}
    return replace(
        wanted,
        since=wanted.since or found["opened_at"] - AROUND,
        until=wanted.until or found["last_at"] + AROUND,
        services=sorted(services) if wanted.services is None else wanted.services,
    )


def _follow(engine: Engine, wanted: Wanted, asked: Asked) -> None:
    """Until Ctrl-C, which is how one ends it and no failure."""
    from adapters.store.log_following import Following  # noqa: PLC0415 - keeps `sre --help` fast
    from adapters.store.log_search import search  # noqa: PLC0415 - keeps `sre --help` fast

    try:
        following = Following(engine, wanted)
        following.begin(datetime.now(UTC))
        before = search(engine, wanted, asked.limit)
        _print(before, as_json=asked.as_json)
        shown = {_place(log) for log in before}
        while True:
            new = following.new(datetime.now(UTC))
            _print([log for log in new if _place(log) not in shown], as_json=asked.as_json)
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        return


def _place(log: dict[str, Any]) -> tuple[object, ...]:
    return tuple(log[name] for name in ("topic_id", "partition", "offset", "part"))


def _print(found: Iterable[dict[str, Any]], *, as_json: bool) -> None:
    for log in found:
        if as_json:
            show_json(log, indent=None)
        else:
            about = f"  [incident {log['incident_id']}]" if log["incident_id"] else ""
            at = f"{log['timestamp']:%Y-%m-%d %H:%M:%S}.{log['timestamp'].microsecond // 1000:03}"
            say(f"{at} {log['level']:<8} {printable(log['service'])}  {printable(log['message'])}{about}")


def _sql(engine: Engine, wanted: Wanted, sql: str, asked: Asked) -> None:
    from adapters.log_sql import Limits  # noqa: PLC0415 - keeps `sre --help` fast
    from adapters.log_sql_apart import answer_apart  # noqa: PLC0415 - as above
    from adapters.store.log_columns import read_columns  # noqa: PLC0415
    from adapters.store.log_reader import read_again  # noqa: PLC0415 - as above

    limits = Limits(rows=asked.limit, seconds=asked.seconds)
    if from_afar():  # people are answered by the same machine
        limits = replace(limits, seconds=min(asked.seconds, SQL_SECONDS), megabytes=SQL_MEGABYTES)
    found = read_again(answer_apart)(sql, partial(read_columns, engine, wanted), limits)
    rows = [dict(zip(_titles(found), map(_value, row), strict=True)) for row in found.rows]
    if asked.as_json:
        for row in rows:
            show_json(row, indent=None)
    else:
        # A terminal shows some thousand characters of a cell; drawing millions takes minutes.
        shown = [{name: brief(in_words(value), LONGEST_CELL) for name, value in row.items()} for row in rows]
        show_table(shown, empty=f"no row; the table `logs` holds what came since {asked.since}")
    if found.more:
        say(f"the first {counted(len(rows), 'row')}; --limit shows more", err=True)


def _titles(found: Answer) -> list[str]:
    """Names of columns, each once."""
    held: Sequence[str] = found.names
    return [name if held.index(name) == place else f"{name}_{place}" for place, name in enumerate(held)]


def _value(value: Any) -> Any:  # noqa: ANN401 - whatever SQL gives
    return bytes(value).decode("utf-8", "replace") if isinstance(value, bytes | bytearray | memoryview) else value
