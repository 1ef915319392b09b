"""A command that was sent: weighed by who sent it, then run as it is run on the agent's machine."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import click

from adapters.settings_files import Loaded
from console.helping import help_of
from console.http.service import Service
from console.main import cli, told
from console.output import show_text
from console.sent import AFAR, FromAfar, Sink
from domain.access import Caller, Deed
from domain.afar import BY_OPTION, NOT_SENT, NotSent, deed_of
from domain.errors import SreError
from domain.responses import Verb
from domain.shown_texts import visible

Allow = Callable[[Deed | Verb], None]  # raises where the caller may not
FILES = (click.Path, click.File)
WRONG, USAGE = 1, 2


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command said, and its exit code."""

    out: str
    err: str
    exit: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """A command whose words are read, for somebody who may."""

    contexts: Sequence[click.Context]  # of its groups, then its own
    deeds: Sequence[Deed | Verb]  # what it comes to


def root_of(service: Service, caller: Caller, sink: Sink) -> click.Context:
    """The context that every context of the command hangs below."""
    tree = service.desk.tree
    loaded = Loaded(tree, service.desk.origins, ())
    root = click.Context(cli, info_name="sre", obj={"debug": False, "config_file": None}, **cli.context_settings)
    root.meta[AFAR] = FromAfar(sink, loaded, service.engine, caller, service.people)
    return root


def prepare(root: click.Context, words: Sequence[str], allow: Allow) -> Prepared:
    """Read the words as click does, step by step: whoever may not is refused before the options are looked at.

    Raises NotSent, click's errors about words, and what `allow` raises.
    """
    if words[0].startswith("-"):
        raise NotSent("options before the command belong to the machine that it is typed on")
    deeds: list[Deed | Verb] = []
    contexts: list[click.Context] = []
    context, rest, path = root, list(words), ""
    while isinstance(context.command, click.Group) and rest:
        name, command, rest = _next(context, rest)
        path = f"{path} {name}".strip()
        if not isinstance(command, click.Group):
            deeds.append(_allowed(path, allow))
        _name_no_file(command, context, name, rest)
        context.invoked_subcommand = name
        context = command.make_context(name, rest, parent=context)
        contexts.append(context)
        rest = _left(context)
    if not deeds:  # a group that does something itself
        deeds.append(_allowed(path, allow))
    return Prepared(contexts, [*deeds, *_by_options(path, context, allow)])


def _next(context: click.Context, words: list[str]) -> tuple[str, click.Command, list[str]]:
    group = context.command
    assert isinstance(group, click.Group)  # noqa: S101 - for the type; `prepare` looks
    name, command, rest = group.resolve_command(context, words)
    if name is None or command is None:
        raise click.NoSuchCommand(words[0], ctx=context)
    return name, command, rest


def _left(context: click.Context) -> list[str]:
    """The words behind a group's own; click 8 keeps the first of them apart."""
    if not isinstance(context.command, click.Group):
        return []
    return [*getattr(context, "_protected_args", ()), *context.args]


def _allowed(path: str, allow: Allow) -> Deed | Verb:
    deed = deed_of(path)
    allow(deed)
    return deed


def _by_options(path: str, context: click.Context, allow: Allow) -> list[Deed]:
    """What the options make of the command."""
    given = {name for name, value in context.params.items() if value not in (None, False, ())}
    for name in given:
        if why := NOT_SENT.get((path, name)):
            raise NotSent(why)
    found = [deed for (command, name), deed in BY_OPTION.items() if command == path and name in given]
    for deed in found:
        allow(deed)
    return found


def _name_no_file(command: click.Command, parent: click.Context, name: str, words: Sequence[str]) -> None:
    """Raises NotSent where a word names a file: it would be one of the service, and even asking for it tells of it.

    The words are taken apart only: nothing is converted, so no file is looked for.
    """
    files = {one.name: one for one in command.params if isinstance(one.type, FILES)}
    if not files:
        return
    context = click.Context(command, parent=parent, info_name=name)
    found, _, _ = command.make_parser(context).parse_args(list(words))
    for parameter, value in found.items():
        one = files.get(parameter)
        if one is not None and (isinstance(one, click.Option) or (isinstance(value, str | tuple) and value)):
            said = one.opts[0] if isinstance(one, click.Option) else str(one.name).upper()
            raise NotSent(f"{said} names a file of the agent's machine: leave it out, or call the command there")


def run(prepared: Prepared, root: click.Context, sink: Sink) -> Answer:
    """Run the command in this thread. Whatever it says is in the answer, errors of ours included."""

    def invoke() -> None:
        with ExitStack() as stack:
            for context in (root, *prepared.contexts):
                stack.enter_context(context)
                if context is not root:
                    click.Command.invoke(context.command, context)  # of a group its own part, as click does

    return answered(invoke, sink)


def answered(do: Callable[[], None], sink: Sink) -> Answer:
    """What was said by whatever `do` does, with the exit code that `sre` would end with."""
    code = 0
    try:
        do()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else WRONG
    except click.exceptions.Exit as ended:
        code = ended.exit_code
    except click.ClickException as error:
        file = io.StringIO()
        error.show(file=file)
        code = _last(sink, file.getvalue(), error.exit_code)
    except NotSent as error:
        code = _last(sink, told(error), USAGE)
    except SreError as error:
        code = _last(sink, told(error), WRONG)
    return Answer("".join(sink.out), "".join(sink.err), code)


def _last(sink: Sink, text: str, code: int) -> int:
    """Say why it ended; the exit code."""
    sink.say("".join(f"{visible(sink.mask(line))}\n" for line in text.rstrip("\n").split("\n")))
    return code


def helped(root: click.Context, words: Sequence[str], sink: Sink) -> Answer:
    """The help that the words ask for."""
    with root:
        show_text(help_of(cli, root, words))
    return Answer("".join(sink.out), "".join(sink.err), 0)
