"""The tables by which tests are spread over processes name what is there."""

from __future__ import annotations

from adapters.parts_file import PROJECT
from tests.parts.processes_part import FIRST, TOGETHER, group_of


def test_each_path_of_a_group_is_there() -> None:
    assert [] == [path for paths in TOGETHER.values() for path in paths if not (PROJECT / path).exists()]


def test_what_begins_first_is_a_group_or_a_file() -> None:
    assert [] == [name for name in FIRST if name not in TOGETHER and not (PROJECT / name).exists()]


def test_a_test_of_no_group_stays_with_its_file() -> None:
    assert "tests/domain/test_words.py" == group_of("tests/domain/test_words.py::test_of::more[a::b]")
    assert "Kubernetes" == group_of("tests/adapters/kubernetes/test_reading.py::test_a_pod")
