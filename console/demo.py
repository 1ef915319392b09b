"""`sre demo`: the whole agent at work on a small system with four faults; ends with a summary."""

from __future__ import annotations

import os
import sys

import click


@click.command(epilog="Example: KAFKA=real KEEP=1 sre demo")
@click.option("--keep", is_flag=True, envvar="KEEP", help="Leave everything running at the end. Also KEEP=1.")
@click.option(
    "--normal-seconds",
    default=35.0,
    show_default=True,
    type=click.FloatRange(min=20),
    help="How long traffic stays normal before the model is trained.",
)
@click.pass_context
def demo(ctx: click.Context, normal_seconds: float, *, keep: bool) -> None:
    """Run the demonstration on embedded parts: logs, repairs, an analysis, a cascade, an escalation; five minutes."""
    from adapters.parts_file import home  # noqa: PLC0415 - keeps `sre --help` fast
    from console.demo_story import Story  # noqa: PLC0415
    from console.demo_summary import show_summary, write_summary  # noqa: PLC0415

    story = Story(home(os.environ), normal_seconds=normal_seconds, debug=ctx.obj["debug"])
    try:
        summary = story.tell()
        path = write_summary(story.around, summary)
        show_summary(summary, path=path, kept=story.home if keep else None)
    finally:
        if not keep:
            story.end()
    sys.exit(0 if summary.passed else 1)
