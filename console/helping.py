"""Help about the command that words name, without running it."""

from __future__ import annotations

from collections.abc import Sequence

import click

HELP = frozenset({"-h", "--help"})


def asks_for_help(words: Sequence[str]) -> bool:
    """Whether one of the words asks for help; behind `--` none does.

    The value of an option is written `--text=--help` where it is such a word.
    """
    before = words[: words.index("--")] if "--" in words else words
    return not HELP.isdisjoint(before)


def help_of(group: click.Group, root: click.Context, words: Sequence[str]) -> str:
    """The help of the command that the words name, as far as they name one."""
    command: click.Command = group
    context = root
    for word in words:
        found = command.get_command(context, word) if isinstance(command, click.Group) else None
        if found is None:
            break
        command, context = found, click.Context(found, parent=context, info_name=word)
    return f"{command.get_help(context)}\n"


def listed(group: click.Group, root: click.Context) -> dict[str, str]:
    """Each command below the group as it is typed, with its help; of groups those that do something themselves, too."""
    found: dict[str, str] = {}
    for name in group.list_commands(root):
        command = group.get_command(root, name)
        if command is None:
            continue
        context = click.Context(command, parent=root, info_name=name)
        if not isinstance(command, click.Group) or command.invoke_without_command:
            found[name] = command.get_help(context)
        if isinstance(command, click.Group):
            found |= {f"{name} {below}": text for below, text in listed(command, context).items()}
    return found
