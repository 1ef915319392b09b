"""The `sre` command: a table of subcommands, each imported only when it is called.

Imports of the heavy libraries take seconds; `sre --help` must not.
"""

from __future__ import annotations

import importlib
import os
import sys

import click

from console.sent import from_afar
from domain.errors import SreError

# name -> (module, attribute, one line of help)
COMMANDS: dict[str, tuple[str, str, str]] = {
    "up": ("console.parts", "up", "Start every embedded part and register the deployments."),
    "down": ("console.parts", "down", "Stop the runs, then every part, the database last."),
    "scale": ("console.scaling", "scale", "Let more or fewer members of `watch` share the topic."),
    "status": ("console.parts", "status", "Show each part with address, pid and health."),
    "pools": ("console.pools", "pools", "Make the work pools on a Prefect server of one's own."),
    "init": ("console.init", "init", "Write a settings file for one's own cluster, with acting off."),
    "config": ("console.config", "config", "Print the effective settings and where each came from."),
    "send": ("console.send", "send", "Play a .jsonl[.gz] file into Kafka."),
    "peek": ("console.peek", "peek", "Say what a topic holds and how well it is understood."),
    "score": ("console.score", "score", "Decide about a file or a topic without any effect."),
    "dead-letters": ("console.letters", "dead_letters", "Say why logs could not be read."),
    "quality": ("console.quality", "quality", "Show how the input was, and what was not as expected."),
    "incidents": ("console.incidents", "incidents", "List incidents, newest first."),
    "incident": ("console.incidents", "incident", "Show one incident with everything decided about it."),
    "logs": ("console.logs", "logs", "Show stored logs by service, level, time and text, or ask SQL."),
    "changes": ("console.changes", "changes", "List deploys and other changes that somebody told of."),
    "change": ("console.changes", "change", "Tell of a change that was made."),
    "stats": ("console.stats", "stats", "Show logs, anomalies, metrics and messages by service and hour."),
    "templates": ("console.templates", "templates", "Show what logs say without what varies, and what is new."),
    "findings": ("console.findings", "findings", "Show what of services was not as usual, minute by minute."),
    "models": ("console.models", "models", "List the versions of the detector; promote one, or go back."),
    "why": ("console.why_decisions", "why", "Say why a log, page, action or minute was judged so, or nobody paged."),
    "replay": ("console.replay", "replay", "Decide about stored logs again, and say what differs."),
    "report": ("console.report", "report", "Show which pages nobody acted upon, and what would have saved them."),
    "ack": ("console.answering", "ack", "Acknowledge an incident: nobody else is told, for four hours."),
    "snooze": ("console.answering", "snooze", "Tell nobody of an incident for a time."),
    "escalate": ("console.answering", "escalate", "Tell the next ones of an incident's policy now."),
    "reassign": ("console.answering", "reassign", "Give an incident to somebody else."),
    "comment": ("console.answering", "comment", "Say something to everybody who was paged for an incident."),
    "approve": ("console.approval", "approve", "Allow a plan that waits for a person."),
    "reject": ("console.approval", "reject", "Refuse a plan that waits for a person."),
    "resolve": ("console.answering", "resolve", "Close an incident by hand."),
    "note": ("console.noting", "note", "Say what caused a closed incident, and what helped."),
    "silence": ("console.muting", "silence", "Hold back pages of what matches, for a time."),
    "maintenance": ("console.muting", "maintenance", "Hold back pages and actions of what matches, for a time."),
    "act": ("console.act", "act", "Show what plans would do to the real targets."),
    "autonomy": ("console.autonomy", "autonomy", "Show and set how far playbooks may go by themselves."),
    "pause": ("console.acting", "pause", "Stop every action at its last check."),
    "resume": ("console.acting", "resume", "Allow actions again after a pause."),
    "canary": ("console.canary", "canary", "Send a known fault and follow it to its page."),
    "slo": ("console.slo", "slo", "Show how fast we decide, page and are answered, against our targets."),
    "ledger": ("console.ledger", "ledger", "Verify the chain of decisions."),
    "compact": ("console.compact", "compact", "Gather closed hours of logs into files."),
    "clean-up": ("console.clean_up", "clean_up", "Drop what is older than the settings keep."),
    "backup": ("console.backup", "backup", "Write everything that the agent knows to a folder, while it runs."),
    "restore": ("console.restore", "restore", "Fill an empty home and database from a backup."),
    "encryption": ("console.encryption", "encryption", "Show and change the keys of what is written to disk."),
    "playbooks": ("console.playbooks", "playbooks", "List or check the playbooks."),
    "inventory": ("console.inventory", "inventory", "Show which service runs where, and what is seen of it now."),
    "users": ("console.users", "users", "Say who may use the pages, and as what."),
    "on-call": (
        "console.on_call",
        "on_call",
        "Show who is on call, check the policies, swap shifts, import schedules.",
    ),
    "demo": ("console.demo", "demo", "Run the demonstration on embedded parts."),
}


class LazyGroup(click.Group):
    """A group that imports a subcommand only when it runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The named command, or one that sends the words to the agent of another machine."""
        if not os.environ.get("SRE_API_URL") or from_afar(ctx):
            return super().resolve_command(ctx, args)
        from console.afar import Away  # noqa: PLC0415 - whoever is on the agent's machine needs none of it

        return args[0], Away(self, args[0]), args[1:]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    epilog="Example: sre up && sre send logs.jsonl.gz --now && sre incidents",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option("--debug", is_flag=True, help="Log at DEBUG level and show tracebacks.")
@click.option("--config", "config_file", type=click.Path(), help="Settings file (YAML or JSON); also SRE_CONFIG_FILE.")
@click.pass_context
def cli(ctx: click.Context, *, debug: bool, config_file: str | None) -> None:
    """Watch logs in Kafka, open incidents, answer the common ones, page a human for the rest."""
    ctx.obj = {"debug": debug, "config_file": config_file}


def told(error: SreError) -> str:
    """An error of ours as whoever typed the command reads it."""
    from domain.masking import masked_urls  # noqa: PLC0415 - keeps `sre --help` fast

    return f"sre: {masked_urls(str(error))}"


def main() -> None:
    """Run the command line; an error of ours is one line on stderr and exit code 1."""
    try:
        cli(standalone_mode=True)
    except SreError as error:
        if "--debug" in sys.argv:
            raise
        from console.output import say  # noqa: PLC0415

        say(*told(error).split("\n"), err=True)
        sys.exit(1)
