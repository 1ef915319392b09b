"""What `sre down` ends and deletes beside the parts."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deployments.layout import Home
from deployments.shop import running
from deployments.take_down import is_alive, remove, stop_shop
from tests.deployments.shop.shop_part import running_shop


@pytest.mark.slow
def test_n2_a_shop_that_was_left_running_is_ended(tmp_path: Path) -> None:
    """N2: after `KEEP=1` its supervisord and six processes outlived `sre down`."""
    with running_shop() as shop:
        leader = psutil.Process(running.server(shop.layout).pid())
        family = [leader, *leader.children(recursive=True)]
        assert len(family) > 4
        said: list[tuple[str, str]] = []
        assert is_alive(Home(shop.home, tmp_path))
        stop_shop(Home(shop.home, tmp_path), lambda part, text: said.append((part, text)))
        assert [("shop", ""), ("shop", "stopped")] == said
        assert not [process for process in family if process.is_running()]
        assert not is_alive(Home(shop.home, tmp_path))
        stop_shop(Home(shop.home, tmp_path), lambda *_: pytest.fail("it is stopped"))


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "home"
    folder.mkdir()
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    if os.geteuid() or not mount or not unmount:
        pytest.skip("a mount point can be made by root only")
    if subprocess.run([mount, "-t", "tmpfs", "none", str(folder)], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount")
    yield folder
    subprocess.run([unmount, str(folder)], check=True)


def test_n9_a_home_that_is_a_mount_point_is_emptied_and_that_is_said(mounted: Path, tmp_path: Path) -> None:
    """N9: `sre down --remove-data` ended in a traceback."""
    (mounted / "logs").mkdir()
    (mounted / "logs" / "a.log").touch()
    (mounted / "parts.json").touch()
    assert f"{mounted} is a mount point: it was emptied, and stays" == remove(Home(mounted, tmp_path))
    assert [] == list(mounted.iterdir())


def test_any_other_home_is_gone(tmp_path: Path) -> None:
    home = Home(tmp_path / ".sre", tmp_path)
    home.make()
    (home.folder / "link").symlink_to(tmp_path)
    assert "" == remove(home)
    assert [] == list(tmp_path.iterdir())
