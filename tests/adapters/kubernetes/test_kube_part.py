"""The Kubernetes of the tests: where it is kept, and what is said where it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import Unavailable
from tests.parts import kube_build, kube_part


@pytest.fixture
def without_go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_without_go_the_build_says_what_is_missing(without_go: None) -> None:
    with pytest.raises(Unavailable, match=r"built by Go 1.26 or newer, and there is no `go` in PATH"):
        kube_build.prepare()


@pytest.mark.parametrize(
    ("ci", "outcome"),
    [
        pytest.param("", pytest.skip.Exception, id="by hand a test that needs Go is skipped"),
        pytest.param("true", pytest.fail.Exception, id="in CI a test that needs Go fails"),
    ],
)
def test_a_machine_without_go(
    without_go: None, monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="Go"), kube_part.kubernetes():
        pass


def test_the_programs_are_kept_by_the_state_of_their_sources(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(kube_build, "SOURCES", tmp_path)
    (tmp_path / "go.sum").write_text("one")
    before = kube_build.cache()
    assert before == kube_build.cache()
    (tmp_path / "go.sum").write_text("two")
    assert before != kube_build.cache()


@pytest.mark.parametrize("home", ["", None], ids=["empty", "not set"])
def test_a_user_without_a_home_variable_has_a_cache(monkeypatch: pytest.MonkeyPatch, home: str | None) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HOME") if home is None else monkeypatch.setenv("HOME", home)
    assert kube_build.cache().is_absolute()
