"""The programs of a Kubernetes for tests, built once from Go modules: `make kube-api`.

`kube-api` is etcd, kube-apiserver and kube-controller-manager in one program; `kwok` plays the kubelet.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from domain.errors import Unavailable

SOURCES = Path(__file__).resolve().parents[1] / "kube_api"
# Program -> folder of its module, and the package to build there. Two modules, as their dependencies differ.
PROGRAMS: Mapping[str, tuple[Path, str]] = {
    "kube-api": (SOURCES, "."),
    "kwok": (SOURCES / "kwok", "sigs.k8s.io/kwok/cmd/kwok"),
}
SAY_SECONDS = 20.0


def cache() -> Path:
    """Where the programs are kept: one folder for each state of the sources and kind of machine."""
    return cache_of("kube-api", SOURCES)


def cache_of(name: str, sources: Path) -> Path:
    """The folder for what is built of these sources on this kind of machine."""
    user = os.environ.get("HOME") or pwd.getpwuid(os.getuid()).pw_dir
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path(user) / ".cache")
    digest = hashlib.sha256(f"{platform.system()} {platform.machine()}".encode())
    for path in sorted(sources.rglob("*")):
        if path.suffix in (".go", ".mod", ".sum"):
            digest.update(f"\0{path.relative_to(sources)}\0".encode() + path.read_bytes())
    return root / "sre-agent" / f"{name}-{digest.hexdigest()[:16]}"


def prepare() -> Path:
    """Folder with every program, built now where that was not done before. Raises Unavailable."""
    folder = cache()
    if all((folder / name).exists() for name in PROGRAMS):
        return folder
    go = shutil.which("go")
    if not go:
        raise Unavailable("Kubernetes for tests is built by Go 1.26 or newer, and there is no `go` in PATH")
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder.with_suffix(".lock")):
        for name, (module, package) in PROGRAMS.items():
            if not (folder / name).exists():
                build(go, module, package, folder / name)
    return folder


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """One build at a time; whoever waited finds the programs there."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def build(go: str, module: Path, package: str, program: Path) -> None:
    """Build one program and put it in place whole. Raises Unavailable with the end of what the compiler said."""
    partial = program.with_name(f".{program.name}.{os.getpid()}")
    command = [go, "build", "-v", "-buildvcs=false", "-ldflags", "-s -w", "-o", str(partial), package]
    say(f"building {program.name} in {module.name}")
    home = os.environ.get("HOME") or pwd.getpwuid(os.getuid()).pw_dir
    child = subprocess.Popen(
        ["nice", "-n", "15", *command],  # noqa: S607 - POSIX has it
        cwd=module,
        env={**os.environ, "HOME": home},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    said = list(_told(program.name, child))
    if child.wait():
        partial.unlink(missing_ok=True)
        raise Unavailable(f"Go could not build {program.name}:\n" + "".join(said[-20:]))
    partial.replace(program)


def _told(name: str, child: subprocess.Popen[str]) -> Iterator[str]:
    """Every line that the compiler says (a package each), with a word on the progress now and then."""
    assert child.stderr is not None
    begun = last = time.monotonic()
    for number, line in enumerate(child.stderr, 1):
        if time.monotonic() - last >= SAY_SECONDS:
            last = time.monotonic()
            say(f"  {name}: {number} packages after {last - begun:.0f} s")
        yield line


@dataclass(frozen=True)
class GoProgram:
    """One program for tests, built once from a Go module.

    `make` puts it at the path that it is given, by the compiler that it is given; it raises Unavailable.
    """

    name: str
    sources: Path  # the module that names its version
    make: Callable[[str, Path], None]

    @property
    def path(self) -> Path:
        """Where it is once it was built."""
        return cache_of(self.name, self.sources) / self.name

    def prepare(self) -> Path:
        """The program, built now where that was not done before. Raises Unavailable."""
        found = self.path
        if found.exists():
            return found
        go = shutil.which("go")
        if not go:
            raise Unavailable(f"{self.name} for tests is built by Go 1.26 or newer, and there is no `go` in PATH")
        found.parent.mkdir(parents=True, exist_ok=True)
        with alone(found.parent.with_suffix(".lock")):
            if not found.exists():
                self.make(go, found)
        return found

    def main(self, takes: str) -> int:
        """Build it if it is missing, which takes so long; exit code 1 when that fails."""
        say(f"{self.name} for tests: {takes} the first time, nothing after that")
        try:
            say(f"ready: {self.prepare()}")
        except Unavailable as error:
            say(str(error))
            return 1
        return 0


def say(text: str) -> None:
    """Print a line at once."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - a command line


def main() -> int:
    """Build what is missing; exit code 1 when that fails."""
    say("Kubernetes for tests: about seven minutes the first time, nothing after that")
    try:
        folder = prepare()
    except Unavailable as error:
        say(str(error))
        return 1
    say(f"ready: {', '.join(PROGRAMS)} in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
