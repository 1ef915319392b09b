"""`sre canary`: a known fault sent by hand, and how far it comes."""

from __future__ import annotations

import sys

import click

from console.given import settings
from console.output import json_option, say, show_json
from domain.canary import Outcome, Stage, told


@click.command(epilog="Example: sre canary")
@json_option
@click.pass_context
def canary(ctx: click.Context, *, as_json: bool) -> None:
    """Send a known fault through the real topic and follow it to its page; exit code 1 when it does not come."""
    from tasks import bootstrap  # noqa: PLC0415 - keeps `sre --help` fast
    from tasks.canary import fly  # noqa: PLC0415 - as above

    works = bootstrap.canary(settings(ctx))
    trace = fly(works, bootstrap.canary_run())
    works.engine.dispose()
    if as_json:
        reached = {stage.name.lower(): trace.after(stage) for stage in Stage}
        show_json({"run": trace.run, "outcome": trace.outcome, "why": trace.why, "seconds": reached})
    else:
        for line in told(trace):
            say(line)
        passed = trace.outcome is Outcome.PASSED
        say("the whole way works" if passed else f"missed {trace.why}; people are paged about it")
    sys.exit(0 if trace.outcome is Outcome.PASSED else 1)
