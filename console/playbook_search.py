"""`sre playbooks search`: which playbook, past incident or other text answers a question."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.given import loaded, store
from console.output import json_option, say, show_json, show_table

if TYPE_CHECKING:
    from domain.settings import Settings
    from ml.retrieval import Answer, Hit, Retriever


@click.command(epilog='Example: sre playbooks search "too many clients" -k 3')
@click.argument("text")
@click.option("--folder", type=click.Path(path_type=Path), help="Search the Markdown files of this folder instead.")
@click.option("--past", is_flag=True, help="Search closed incidents instead.")
@click.option("-k", "limit", default=5, show_default=True, type=click.IntRange(1, 100), help="Most results.")
@json_option
@click.pass_context
def search(ctx: click.Context, text: str, limit: int, *, folder: Path | None, past: bool, as_json: bool) -> None:
    """Find the playbooks that answer TEXT, with how sure that is and the words that say so."""
    if folder and past:
        raise click.UsageError("--folder and --past search different things; give one of them")
    tree = loaded(ctx).settings
    answer = _retriever(tree, folder, past=past).search(text, limit)
    if answer.degraded:
        say(f"warning: {answer.degraded}", err=True)
    if as_json:
        show_json(_document(answer))
    else:
        _show(answer, "past incident" if past else "text" if folder else "playbook")


def _retriever(tree: Settings, folder: Path | None, *, past: bool) -> Retriever:
    from adapters.markdown_files import read_folder  # noqa: PLC0415 - keeps `sre --help` fast
    from adapters.parts_file import PROJECT  # noqa: PLC0415 - as above
    from adapters.playbook_files import check  # noqa: PLC0415 - as above
    from tasks.retrieval import Library, index  # noqa: PLC0415 - as above

    if past:
        return Library(tree, ()).past(store(tree), now=datetime.now(UTC))
    if folder:
        return index(read_folder(folder), tree)
    checked = check(PROJECT / tree.playbooks.path)
    for fault in checked.faults:
        say(f"warning: not searched: {fault}", err=True)
    return Library(tree, checked.playbooks).playbooks


def _document(answer: Answer) -> dict[str, object]:
    return {
        "answered": any(hit.answers for hit in answer.hits),
        "degraded": answer.degraded,
        "results": [
            _row(hit) | {"score": round(hit.score, 4), "answers": hit.answers, "excerpt": hit.excerpt}
            for hit in answer.hits
        ],
    }


def _row(hit: Hit) -> dict[str, object]:
    first = hit.document.text.lstrip().partition("\n")[0].lstrip("# ")
    return {
        "id": hit.document.id,
        "title": hit.document.title or first,
        "score": f"{hit.score:.2f}",
        "terms": list(hit.terms),
    }


def _show(answer: Answer, kind: str) -> None:
    """What answers as a table, and the best part of the first; else that nothing does, and what lies nearest."""
    sure = [hit for hit in answer.hits if hit.answers]
    if sure:
        show_table([_row(hit) for hit in sure], title="What answers")
        say("", f"{sure[0].document.id}:", "")
        say(*sure[0].excerpt.splitlines())
        return
    say(f"no {kind} answers this")
    if answer.hits:
        show_table([_row(hit) for hit in answer.hits], title="Nearest, and not an answer")
