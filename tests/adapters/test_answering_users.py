"""Who answers from elsewhere, read from the file that says who is on call."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event

import pytest
import yaml

from adapters.answering_users import AnsweringUsers
from domain.roster import User

FILE = """
users:
  ann:
    full_name: Ann Archer
    slack_id: U01ANN
    contacts: [{slack: U01ANN}, {email: ann@example.com}]
  bob:
    email: bob@example.com
"""


def test_users_are_known_by_their_names_elsewhere_whether_or_not_they_can_be_paged(tmp_path: Path) -> None:
    (tmp_path / "on_call.yaml").write_text(FILE)
    ann = User("ann", (), full_name="Ann Archer", slack_id="U01ANN", email="ann@example.com")
    users = AnsweringUsers(tmp_path / "on_call.yaml").current().users
    assert {"ann": ann, "bob": User("bob", (), email="bob@example.com")} == users


def test_who_asks_while_the_file_is_read_first_waits_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No users would mean that everybody may answer."""
    file, begun, go_on = tmp_path / "on_call.yaml", Event(), Event()
    file.write_text(FILE)

    def slow(text: str) -> object:
        begun.set()
        assert go_on.wait(10)
        return yaml.load(text, yaml.SafeLoader)

    monkeypatch.setattr("adapters.answering_users.yaml.safe_load", slow)
    users = AnsweringUsers(file)
    with ThreadPoolExecutor() as threads:
        first = threads.submit(users.current)
        assert begun.wait(10)
        second = threads.submit(users.current)
        wait([second], 0.2)
        go_on.set()
    assert {"ann", "bob"} == set(first.result().users) == set(second.result().users)


@pytest.mark.parametrize("text", ["users: [", "[]", "users: none", "\x00"])
def test_while_the_file_cannot_be_read_the_last_ones_are_known(tmp_path: Path, text: str) -> None:
    file = tmp_path / "on_call.yaml"
    file.write_text(FILE)
    users = AnsweringUsers(file)
    assert {"ann", "bob"} == set(users.current().users)
    file.write_text(text)
    assert {"ann", "bob"} == set(users.current().users)
    file.unlink()
    assert {"ann", "bob"} == set(users.current().users)


def test_a_change_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "on_call.yaml"
    file.write_text(FILE)
    users = AnsweringUsers(file)
    assert 2 == len(users.current().users)
    file.write_text("users: {eve: {}}")
    os.utime(file, ns=(1, 1))
    assert {"eve"} == set(users.current().users)


def test_teams_and_schedules_are_known_by_name(tmp_path: Path) -> None:
    (tmp_path / "on_call.yaml").write_text(FILE + "teams: {web: [ann]}\nschedules: {primary: {zone: UTC}}\n")
    known = AnsweringUsers(tmp_path / "on_call.yaml").current()
    assert (["web"], ["primary"]) == (list(known.teams), list(known.schedules))


def test_without_a_file_there_are_none() -> None:
    assert {} == AnsweringUsers(None).current().users
