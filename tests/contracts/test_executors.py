"""What every executor promises, the fake included: each against the real thing."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from adapters.dry_run import DryRun
from adapters.executors import EXECUTORS
from domain.errors import Refused
from domain.execution import HOPELESS, Executor, Order, Progress, Snapshot, how_far
from domain.parameters import CallWebhook, Configure, Monitor, Restart, RollbackDeploy, RunCommand, Scale
from domain.plans import ActionKind, Undo
from tests.contracts.executors_part import MEMBERS, Member, again, order
from tests.parts.kube_part import MARKS

ANY = {
    ActionKind.RESTART: Restart(),
    ActionKind.SCALE: Scale(2),
    ActionKind.CONFIGURE: Configure("env/MODE", "slow"),
    ActionKind.ROLLBACK_DEPLOY: RollbackDeploy(),
    ActionKind.MONITOR: Monitor(5),
    ActionKind.RUN_COMMAND: RunCommand("note", {"name": "x"}),
    ActionKind.CALL_WEBHOOK: CallWebhook("tell"),
}
# Where an owner is killed, in seconds after it began: before anything, in the middle, and when much is done.
MOMENTS = (0.0, 0.03, 0.15, 0.4, 0.8)


def test_every_executor_keeps_the_contract() -> None:
    assert set(EXECUTORS) <= set(MEMBERS)


def test_every_kind_has_an_executor() -> None:
    assert set(ActionKind) == {kind for one in EXECUTORS.values() for kind in one.kinds}  # type: ignore[attr-defined]


@pytest.fixture(params=[pytest.param(name, marks=MARKS if name == "kubernetes" else ()) for name in MEMBERS])
def member(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Member]:
    with MEMBERS[request.param](tmp_path, request.getfixturevalue) as made:
        yield made


def test_looking_and_previewing_change_nothing(member: Member) -> None:
    executor = member.make()
    for one in member.orders:
        before = executor.observe(one)
        assert executor.preview(one)
        assert executor.snapshot(one.target) == executor.snapshot(one.target)
        assert before == executor.observe(one)
    assert 0 == member.effects()


def test_what_is_done_is_seen_to_be_done_and_finishing_it_does_nothing_more(member: Member) -> None:
    for number, given in enumerate(member.orders):
        one, executor = again(given, f"k{number}"), member.make()
        before = executor.observe(one)
        executor.carry_out(one)
        after = member.make().observe(one)
        assert Progress.DONE == how_far(one.action, before, after)
        count = member.effects()
        if one.action.kind is not ActionKind.CALL_WEBHOOK:
            member.make().finish(one, before)
        assert (after, count) == (executor.observe(one), member.effects())


def kept(seen: Snapshot) -> object:
    """What has to be as it was: the processes themselves, or their states where a platform replaces them."""
    return [process.state for process in seen.wanted] if seen.goal else seen.wanted


def test_what_is_taken_back_is_as_it_was_and_taking_it_back_twice_does_no_harm(member: Member) -> None:
    for number, given in enumerate(member.orders):
        one, executor = again(given, f"k{number}"), member.make()
        if one.action.undo is not Undo.RESTORE:
            continue
        before = executor.observe(one)
        executor.carry_out(one)
        executor.undo(one, before)
        member.make().undo(one, before)
        if one.action.kind is not ActionKind.RUN_COMMAND:  # what a command did is seen by its own test
            after = executor.observe(one)
            assert (before.mark, kept(before)) == (after.mark, kept(after))


def test_an_action_without_undo_is_not_taken_back(member: Member) -> None:
    for number, given in enumerate(member.orders):
        if given.action.undo is Undo.RESTORE:
            continue
        one, executor = again(given, f"k{number}"), member.make()
        before = executor.observe(one)
        executor.carry_out(one)
        after, count = executor.observe(one), member.effects()
        executor.undo(one, before)
        assert (after, count) == (executor.observe(one), member.effects())


def test_what_is_not_there_is_refused_by_the_preview_and_by_the_deed_and_changes_nothing(member: Member) -> None:
    executor = member.make()
    before = [executor.observe(one) for one in member.orders]
    for one in member.unknown:
        with pytest.raises(Refused):
            executor.preview(one)
        with pytest.raises(Refused):
            executor.carry_out(one)
    assert before == [executor.observe(one) for one in member.orders]
    assert 0 == member.effects()


def test_kinds_of_others_are_refused(member: Member) -> None:
    executor = member.make()
    for kind in set(ActionKind) - executor.kinds:
        foreign = order(kind, member.orders[0].target, ANY[kind])
        for ask in (executor.preview, executor.carry_out):
            with pytest.raises(Refused, match=str(kind)):
                ask(foreign)
    assert executor.kinds == {one.action.kind for one in member.orders}


def test_a_dry_run_does_nothing_whatever_it_is_asked_for_and_says_so(member: Member) -> None:
    for given in member.orders:
        dry = DryRun(member.make())
        before = dry.observe(given)
        assert dry.preview(given) == member.make().preview(given)
        for ask in (
            partial(dry.carry_out, given),
            partial(dry.finish, given, before),
            partial(dry.undo, given, before),
        ):
            with pytest.raises(Refused, match="acting is off"):
                ask()
        assert before == member.make().observe(given)
    for given in member.unknown:
        with pytest.raises(Refused):
            DryRun(member.make()).carry_out(given)
    assert 0 == member.effects()


def carry_out_elsewhere(member: Member, one: Order, seconds: float) -> None:
    """Another process carries it out, and is killed after so many seconds."""
    process = multiprocessing.get_context("fork").Process(target=lambda: member.make().carry_out(one))
    process.start()
    process.join(seconds)
    if process.pid and process.is_alive():
        os.kill(process.pid, signal.SIGKILL)
    process.join()


def take_over(executor: Executor, one: Order, before: object) -> Progress:
    """As `finish` of an incident does: look, then complete it, do it, or leave it; what was found."""
    found = how_far(one.action, before, executor.observe(one))  # type: ignore[arg-type]
    deeds = {Progress.HALF: lambda: executor.finish(one, before), Progress.UNTOUCHED: lambda: executor.carry_out(one)}  # type: ignore[arg-type]
    if found in deeds:
        deeds[found]()
    return found


@pytest.mark.parametrize("moment", MOMENTS)
def test_whoever_takes_over_a_killed_owner_does_it_once(member: Member, moment: float) -> None:
    if not member.survives:
        pytest.skip("a fake lives in one process")
    for number, given in enumerate(member.orders):
        one, executor = again(given, f"k{number}"), member.make()
        before, count = executor.observe(one), member.effects()
        carry_out_elsewhere(member, one, moment)
        # A command of which nobody can say how it ended is left alone: a human decides.
        found = take_over(executor, one, before)
        if found in HOPELESS:
            assert (ActionKind.RUN_COMMAND, Progress.LOST) == (one.action.kind, found)
            time.sleep(0.6)
            assert member.effects() - count <= 1
            continue
        assert Progress.DONE == how_far(one.action, before, executor.observe(one))
        if one.action.kind in {ActionKind.RUN_COMMAND, ActionKind.CALL_WEBHOOK}:
            assert 1 == member.effects() - count
