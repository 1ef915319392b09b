"""`sre score`: the live decisions over a file or a topic, without any effect."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.given import settings
from console.output import json_option, say, show_json, show_table
from domain.amounts import counted
from domain.shown_texts import printable

if TYPE_CHECKING:
    from domain.logs import RawBatch
    from domain.settings import Settings
    from flows.scoring_run import Summary
    from tasks.judging import Knowledge

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def span(text: str) -> timedelta:
    """A duration such as 30m, 24h or 7d. Raises click.BadParameter."""
    found = re.fullmatch(r"(\d+)([smhd])", text)
    if not found:
        raise click.BadParameter(f"{text!r} is not a duration; write 30m, 24h or 7d")
    return timedelta(seconds=int(found[1]) * UNITS[found[2]])


@click.command(epilog="Example: sre score logs.jsonl.gz --out result.csv; sre score --topic logs --since 24h")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="CSV with a row per log.")
@click.option("--topic", help="Score what this topic holds instead of a file; nothing is committed.")
@click.option("--since", default="24h", show_default=True, help="How far back to look in the topic: 30m, 24h, 7d.")
@click.option("--rules-only", is_flag=True, help="Leave the champion out, even where there is one.")
@json_option
@click.pass_context
def score(  # noqa: PLR0913 - one argument per option
    ctx: click.Context,
    file: Path | None,
    out: Path | None,
    topic: str | None,
    since: str,
    *,
    rules_only: bool,
    as_json: bool,
) -> None:
    """Decide about FILE or a topic as the live agent would, on the logs' own clock, without any effect."""
    if (file is None) == (topic is None):
        raise click.UsageError("give either a FILE or --topic")
    tree = settings(ctx)
    from flows.scoring_run import ScoringRun, write_rows  # noqa: PLC0415 - keeps `sre --help` fast

    run = ScoringRun(_knowledge(tree, rules_only=rules_only))
    with out.open("w", newline="") if out else nullcontext() as written:
        for _ in _progress(write_rows(run, _source(tree, file, topic, since), written)):
            pass
    known = run.knowledge
    detector = f"rules and model {known.champion.version}" if known.champion else f"rules, {known.without}"
    _show(run.summary, detector=detector, as_json=as_json, out=out)


def _source(tree: Settings, file: Path | None, topic: str | None, since: str) -> Iterable[RawBatch]:
    if file is not None:
        from adapters.log_files import batches  # noqa: PLC0415 - as above

        return batches(file, tree.kafka.batch_rows)
    from adapters.kafka.look_back import read_back  # noqa: PLC0415

    return read_back(tree.kafka.model_copy(update={"topic": topic}), datetime.now(UTC) - span(since))


def _knowledge(tree: Settings, *, rules_only: bool) -> Knowledge:
    from ml.registry import registry_of  # noqa: PLC0415 - as above
    from tasks import bootstrap  # noqa: PLC0415
    from tasks.champion import ChampionSource  # noqa: PLC0415

    if rules_only:
        return replace(bootstrap.knowledge(tree), without="no model is asked")
    source = ChampionSource(bootstrap.knowledge(tree), registry_of(tree, bootstrap.home()))
    if wrong := source.refresh():
        say(f"warning: {wrong}", err=True)
    return source.knowledge


def _progress(counts: Iterable[int]) -> Iterable[int]:
    from rich.console import Console  # noqa: PLC0415 - as above
    from rich.progress import Progress, SpinnerColumn, TextColumn  # noqa: PLC0415

    done = 0
    columns = (SpinnerColumn(), TextColumn("{task.description}"))
    console = Console(stderr=True)
    with Progress(*columns, transient=True, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("scoring")
        for count in counts:
            done += count
            progress.update(bar, description=f"scored {done:,} logs")
            yield count


def _show(summary: Summary, *, detector: str, as_json: bool, out: Path | None) -> None:
    incidents = [
        {
            "incident": incident.id,
            "service": incident.service,
            "template": incident.template,
            "severity": incident.severity.name.lower(),
            "logs": incident.logs,
            "from": incident.opened_at,
            "to": incident.last_at,
            "route": incident.playbook or incident.route,
            "paged": "yes" if incident.page_key else "no",
            "answer": summary.answers.get(incident.id, "none: too few logs"),
        }
        for incident in summary.incidents
    ]
    totals = {
        "logs": summary.logs,
        "rejected": summary.rejected.total(),
        "anomalies": summary.anomalies,
        "incidents": len(incidents),
        "pages": summary.triggers,
        "updates": len(summary.pages) - summary.triggers,
        "detector": detector,
    }
    if summary.sessions is not None:
        totals["abnormal_requests"] = summary.sessions
    if as_json:
        show_json(totals | {"reasons": dict(summary.rejected), "list": incidents})
        return
    show_table(incidents, title="Incidents", empty="no incident")
    say(", ".join(f"{name.replace('_', ' ')} {value}" for name, value in totals.items()))
    for reason, count in summary.rejected.most_common():
        say(f"could not be read: {counted(count, 'log')}, {printable(reason)}")
    if out:
        say(f"a row per log is in {out}")
