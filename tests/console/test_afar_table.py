"""Every command is either one that may be sent from afar or one of the agent's machine: a new one must be decided."""

from __future__ import annotations

import click
import pytest

from console.helping import asks_for_help, help_of, listed
from console.main import COMMANDS, cli
from domain.access import LOOKING, Deed, least
from domain.afar import BY_OPTION, NOT_SENT, OF_THE_MACHINE, SENT, NotSent, deed_of, of_the_machine
from domain.people import Role
from domain.responses import Verb

EVERY = sorted(listed(cli, click.Context(cli, info_name="sre")))


@pytest.mark.parametrize("command", EVERY)
def test_somebody_decided_about_every_command(command: str) -> None:
    assert (command in SENT) != bool(of_the_machine(command.split()))


def test_the_tables_name_nothing_that_is_no_command() -> None:
    assert set() == SENT.keys() - set(EVERY)
    assert set() == OF_THE_MACHINE - set(EVERY) - COMMANDS.keys()


@pytest.mark.parametrize("pair", [*BY_OPTION, *NOT_SENT], ids=" --".join)
def test_the_tables_name_no_option_that_does_not_exist(pair: tuple[str, str]) -> None:
    name, option = pair
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert option in {one.name for one in command.params}


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        pytest.param("up", "works on the agent's machine only", id="of the machine"),
        pytest.param("users add", "`sre users` works on the agent's machine only", id="below a group of the machine"),
        pytest.param("playbooks import", "`sre playbooks import` works", id="of a group that is sent"),
        pytest.param("silence", "cannot be sent from afar", id="a group that does nothing itself"),
        pytest.param("nope", "cannot be sent from afar", id="none"),
        pytest.param("", "cannot be sent from afar", id="nothing"),
    ],
)
def test_what_is_in_no_row_is_refused(command: str, expected: str) -> None:
    with pytest.raises(NotSent, match=expected):
        deed_of(command)


@pytest.mark.parametrize(
    ("command", "role"),
    [
        ("incidents", Role.VIEWER),
        ("config", Role.RESPONDER),
        ("ack", Role.RESPONDER),
        ("approve", Role.APPROVER),
        ("models rollback", Role.RESPONDER),
        ("models promote", Role.APPROVER),
        ("autonomy set", Role.ADMIN),
    ],
)
def test_the_role_that_a_command_needs(command: str, role: Role) -> None:
    assert role is least(deed_of(command))


def test_whatever_changes_something_needs_more_than_looking() -> None:
    changing = {name for name, deed in SENT.items() if deed not in LOOKING}
    as_by = {name for name in SENT if _takes(name, "user")}
    assert as_by - {"incident"} == changing  # `--as` is there wherever somebody says something
    assert Deed.VERDICT == BY_OPTION["incident", "verdict"]
    assert set(Verb) <= set(SENT.values())


def _takes(path: str, name: str) -> bool:
    command: click.Command = cli
    for word in path.split():
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), word)
        assert found is not None
        command = found
    return name in {one.name for one in command.params}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["incidents", "--help"], True),
        (["silence", "add", "-h"], True),
        (["comment", "17", "--", "--help"], False),
        (["logs", "--text=--help"], False),
        (["incidents"], False),
    ],
)
def test_who_asks_for_help(words: list[str], *, expected: bool) -> None:
    assert expected == asks_for_help(words)


@pytest.mark.parametrize(
    ("words", "begins"),
    [
        ([], "Usage: sre "),
        (["nope"], "Usage: sre "),
        (["silence", "nope"], "Usage: sre silence "),
        (["silence", "add", "service=web"], "Usage: sre silence add "),
        (["incident", "17"], "Usage: sre incident "),
    ],
)
def test_help_is_about_as_many_words_as_name_a_command(words: list[str], begins: str) -> None:
    assert help_of(cli, click.Context(cli, info_name="sre"), words).startswith(begins)
