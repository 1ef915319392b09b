"""Apache Kafka on this machine: `python -m deployments.kafka_server up|down|status`.

Broker and controller in one process (KRaft), from jars that Maven resolves once; loopback only.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from adapters.parts_file import PROJECT, home, lock
from deployments import health, ports
from deployments.kafka_files import format_command, write_properties
from deployments.layout import tail
from domain.errors import SreError, Unavailable

POM = Path(__file__).parent / "kafka" / "pom.xml"
LIBS = PROJECT / ".sre" / "kafka" / "libs"  # the same jars for every folder
JAVA = 17
READY_SECONDS = 60
STOP_SECONDS = 30
INSTEAD = (
    "Instead: the embedded broker (`sre up`), Docker (`docker compose -f deployments/compose.yaml up kafka`), "
    "or a cluster of your own in SRE_KAFKA__BOOTSTRAP_SERVERS."
)


@dataclass(frozen=True, slots=True)
class KafkaServer:
    """A Kafka that runs on its own, outside supervisord."""

    folder: Path
    bootstrap_servers: str
    pid: int
    started: float  # when the process began, so that a pid's next owner is not taken for it

    @property
    def process(self) -> psutil.Process | None:
        """Its process, None when that is gone."""
        try:
            process = psutil.Process(self.pid)
            return process if process.create_time() == self.started else None
        except psutil.NoSuchProcess:
            return None


def folder(parts: Path) -> Path:
    """Where Kafka's files are in a home."""
    return parts / "kafka"


def java() -> str:
    """A Java that Kafka runs on. Raises Unavailable."""
    named = os.environ.get("JAVA_HOME")
    program = str(Path(named) / "bin" / "java") if named else shutil.which("java")
    if not program or not Path(program).exists():
        raise Unavailable(f"Kafka needs Java {JAVA} or newer, and there is none. {INSTEAD}")
    said = subprocess.run([program, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    if not version or int(version[1]) < JAVA:
        raise Unavailable(f"Kafka needs Java {JAVA} or newer; {program} is {said.splitlines()[0]}. {INSTEAD}")
    return program


def prepare() -> None:
    """Make sure of Java and of the jars. Raises Unavailable."""
    java()
    wanted = hashlib.sha256(POM.read_bytes()).hexdigest()
    stamp = LIBS / "pom.sha256"
    LIBS.parent.mkdir(parents=True, exist_ok=True)
    with lock(LIBS.parent / "libs.lock"):
        if stamp.exists() and stamp.read_text() == wanted:
            return
        maven = shutil.which("mvn")
        if not maven:
            raise Unavailable(f"Kafka's jars come by Maven, and there is no `mvn`. {INSTEAD}")
        shutil.rmtree(LIBS, ignore_errors=True)
        command = [maven, "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", f"-DoutputDirectory={LIBS}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Unavailable(f"Maven could not resolve Kafka's jars:\n{done.stdout[-1500:]}\n{INSTEAD}")
        stamp.write_text(wanted)


def configure(folder: Path, port: int) -> list[str]:
    """Write the configuration, make the storage once; the command that is the server. Raises Unavailable."""
    folder.mkdir(parents=True, exist_ok=True)
    virtual_machine = [java(), "-Xmx512m", "-Xms256m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
    classes = [*virtual_machine, "-cp", f"{LIBS}/*"]
    properties = write_properties(folder, port, ports.unused())
    if not (folder / "data" / "meta.properties").exists():
        shutil.rmtree(folder / "data", ignore_errors=True)
        done = subprocess.run([*classes, *format_command(properties)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Unavailable(f"Kafka's storage in {folder} could not be made: {done.stderr[-1500:]}")
    return [*classes, "kafka.Kafka", str(properties)]


def running(folder: Path) -> KafkaServer | None:
    """The Kafka of this folder that was started on its own, None when it does not run."""
    try:
        fields = json.loads((folder / "server.json").read_text())
    except (FileNotFoundError, ValueError):
        return None
    server = KafkaServer(**{**fields, "folder": Path(fields["folder"])})
    return server if server.process else None


def start(folder: Path, port: int = 0) -> KafkaServer:
    """Start Kafka detached and wait until it answers; the one that runs already is fine. Raises Unavailable."""
    if server := running(folder):
        return server
    prepare()
    chosen = port if port and ports.free(port) and ports.claim(port) else ports.unused()
    command = configure(folder, chosen)
    log = folder / "server.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder, start_new_session=True
        )
    server = KafkaServer(folder, f"127.0.0.1:{chosen}", child.pid, psutil.Process(child.pid).create_time())
    (folder / "server.json").write_text(json.dumps(asdict(server), default=str))
    deadline = time.monotonic() + READY_SECONDS
    while problem := health.kafka(server.bootstrap_servers):
        if child.poll() is not None or time.monotonic() > deadline:
            stop(folder)
            raise Unavailable(f"Kafka did not come up ({problem}); the end of {log}:\n{tail(log)}")
    return server


def stop(folder: Path) -> bool:
    """Stop the Kafka of this folder, and only it; whether one ran."""
    server = running(folder)
    if server and (process := server.process):
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS)
    (folder / "server.json").unlink(missing_ok=True)
    return server is not None


def say(text: str) -> None:
    """Print a line."""
    print(text, flush=True)  # noqa: T201 - a command line


def main() -> int:
    """The command line; exit code 1 when status finds nothing or the start fails."""
    arguments = argparse.ArgumentParser(description="Apache Kafka on this machine.")
    arguments.add_argument("order", choices=("up", "down", "status", "run"), help="run: in the foreground")
    arguments.add_argument("--folder", type=Path, default=folder(home(os.environ)), help="where its data is")
    arguments.add_argument("--port", type=int, default=ports.USUAL["kafka"], help="loopback port, another when taken")
    given = arguments.parse_args()
    if given.order == "run":
        prepare()
        command = configure(given.folder, given.port)
        os.execv(command[0], command)
    if given.order == "down":
        say("Kafka is stopped" if stop(given.folder) else "no Kafka of ours was running")
        return 0
    if given.order == "up":
        try:
            start(given.folder, given.port)
        except SreError as error:
            say(str(error))
            return 1
    server = running(given.folder)
    say(f"Kafka on {server.bootstrap_servers}, pid {server.pid}, data in {server.folder}" if server else "down")
    return 0 if server else 1


if __name__ == "__main__":
    sys.exit(main())
