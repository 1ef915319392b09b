"""What a document tells people to type can be typed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from console.main import COMMANDS, cli
from tests.docs.documents_part import DOCUMENTS, PROJECT, commands

README = (PROJECT / "README.md").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
# Stand-ins for a name that the reader puts in.
STAND_INS = {"N": "17", "NUMBER": "17"}


def calls(program: str) -> list[object]:
    """Each call of `program` in any document, once, as a case."""
    found = {call: path for path in DOCUMENTS for call in commands(path.read_text(), program)}
    return [pytest.param(call, id=f"{path.name}: {call}") for call, path in sorted(found.items())]


def options(command: click.Command) -> set[str]:
    """Every spelling of every option."""
    return {name for option in command.params for name in (*option.opts, *option.secondary_opts)} | {"--help"}


def takes_a_value(command: click.Command, word: str) -> bool:
    """Whether the word behind this one is the value of an option."""
    return any(word in option.opts and not getattr(option, "is_flag", False) for option in command.params)


def command_of(words: list[str]) -> tuple[click.Command | None, list[str]]:
    """The command that the words call, and the options among them; None for one that does not exist."""
    context = click.Context(cli, info_name="sre")
    command: click.Command = cli
    known: set[str] = options(cli)
    for before, word in zip(["", *words], words, strict=False):
        if word.startswith("-") or not isinstance(command, click.Group) or word == "COMMAND":
            continue
        found = command.get_command(context, word)
        if found is None and not takes_a_value(command, before):
            return None, []
        command = found or command
        known |= options(command)
    return command, [word for word in words if word.startswith("--") and word.partition("=")[0] not in known]


@pytest.mark.parametrize("call", calls("sre"))
def test_every_sre_command_and_option_exists(call: str) -> None:
    words = [STAND_INS.get(word, word) for word in shlex.split(call.partition(">")[0])[1:]]
    command, unknown = command_of(words)
    assert command is not None
    assert unknown == []


@pytest.mark.parametrize("call", calls("make"))
def test_every_make_target_exists(call: str) -> None:
    assert set(call.split()[1:]) <= TARGETS


def test_the_readme_shows_every_command() -> None:
    shown = {words[1] for call in commands(README, "sre") if len(words := call.split()) > 1}
    assert COMMANDS.keys() - {"demo"} <= shown  # the demonstration is `make demo`


def test_the_readme_shows_the_two_commands_and_every_help_screen_an_example() -> None:
    assert {"make demo", "make test"} <= set(commands(README, "make"))
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        assert (command.epilog or "").startswith("Example: ")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_no_document_names_the_machine_that_it_was_written_on(document: Path) -> None:
    assert not re.search(r"/(?:tmp|home|work|root)/", document.read_text())
