"""The Alertmanager of the tests, built once from its Go module: `make alertmanager`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from domain.errors import Unavailable
from tests.parts.kube_build import GoProgram, build

SOURCES = Path(__file__).resolve().parents[1] / "alertmanager"
MODULE = "github.com/prometheus/alertmanager"
# What the module embeds and does not hold: its web interface.
INTERFACE = ("ui/app/dist/elm/index.html", "ui/app/dist/mantine/index.html")


def _make(go: str, found: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="alertmanager") as folder:
        build(go, _copied(_downloaded(go), Path(folder) / "alertmanager"), "./cmd/alertmanager", found)


def _downloaded(go: str) -> Path:
    """Folder of the module, whose content `go.sum` vouches for. Raises Unavailable."""
    command = [go, "mod", "download", "-json", MODULE]
    done = subprocess.run(command, cwd=SOURCES, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"Go could not download {MODULE}: {done.stdout or done.stderr}")
    return Path(json.loads(done.stdout)["Dir"])


def _copied(module: Path, folder: Path) -> Path:
    """A copy of the module that can be built: with empty files for the web interface."""
    shutil.copytree(module, folder, copy_function=shutil.copyfile)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)  # modules are read-only
    for name in INTERFACE:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


ALERTMANAGER = GoProgram("alertmanager", SOURCES, _make)


if __name__ == "__main__":
    sys.exit(ALERTMANAGER.main("about two minutes"))
