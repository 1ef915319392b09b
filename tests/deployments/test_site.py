"""What is worked out before anything starts: ports, environments, programs, choices."""

from __future__ import annotations

import configparser
import json
import shlex
import socket
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from supervisor.datatypes import dict_of_key_value_pairs

from adapters.parts_file import PROJECT
from adapters.postgres import Embedded
from deployments import environment, ports, programs
from deployments.http_environment import for_http
from deployments.layout import LONGEST_SOCKET_PATH, Home, tail
from deployments.member_deployments import with_members
from deployments.programs import Program, section
from deployments.site import Site
from deployments.wanted import Broker, Wanted, forget, remember, remembered, scaled, wanted
from domain.errors import BadSettings
from domain.kafka_settings import KafkaSettings
from domain.settings import ServerSettings, Settings

OWN = {
    "store_url": "postgresql://db/agent",
    "prefect_api_url": "http://prefect/api",
    "mlflow_tracking_uri": "http://mlflow",
}
PORTS = {"kafka": 1, "prefect": 2, "mlflow": 3, "smtp": 4}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path / ".sre", tmp_path)
    found.make()
    return found


def a_site(home: Home, asked: Wanted) -> Site:
    folder = home.folder / "postgres"
    server = Embedded(folder, folder / "data", folder / "s", folder / "bin", "")
    return Site(home, asked, {}, PORTS, server if asked.postgres else None, None)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param(Wanted(Broker.EMBEDDED), ["postgres", "kafka", "prefect", "mlflow"], id="all-embedded"),
        pytest.param(
            Wanted(Broker.REAL, sink=True), ["postgres", "kafka", "prefect", "mlflow", "smtp"], id="with-sink"
        ),
        pytest.param(Wanted(Broker.EXTERNAL, "kafka:9092", **OWN), [], id="all-external"),
        pytest.param(
            Wanted(Broker.EMBEDDED, prefect_api_url=OWN["prefect_api_url"]),
            ["postgres", "kafka", "mlflow"],
            id="own-prefect",
        ),
    ],
)
def test_what_the_settings_name_is_not_started(home: Home, asked: Wanted, expected: list[str]) -> None:
    names = [program.name for program in a_site(home, asked).programs()]
    assert [*expected, "worker-watch", "worker-on-call", "keeper"] == names


def test_each_member_of_watch_has_a_worker_and_a_deployment_of_its_own(home: Home) -> None:
    site = a_site(home, Wanted(Broker.EXTERNAL, "kafka:9092", **OWN, reading=KafkaSettings(members=5), scaled=3))
    names = ["worker-watch", "worker-watch-2", "worker-watch-3", "worker-on-call", "keeper"]
    assert names == [program.name for program in site.programs()]
    document = yaml.safe_load((PROJECT / "prefect.yaml").read_text())
    made = {entry["name"]: entry for entry in with_members(document, site.wanted.members)["deployments"]}
    assert {"watch-2", "watch-3"} == made.keys() - {entry["name"] for entry in document["deployments"]}
    third = made["watch-3"]
    assert {"SRE_MEMBER": "watch-3"} == third["work_pool"]["job_variables"]["env"]
    assert "watch-3" == third["work_pool"]["work_queue_name"]
    assert ["watch-3"] == [trigger["match_related"]["prefect.resource.name"] for trigger in third["triggers"]]
    assert ["watch"] == [one["match_related"]["prefect.resource.name"] for one in made["watch"]["triggers"]]


def test_others_read_the_addresses_but_not_our_own_store_when_there_is_another(home: Home) -> None:
    parts = a_site(home, Wanted(Broker.EMBEDDED, store_url=OWN["store_url"])).tell_others()
    assert set(parts.postgres) == {"prefect", "mlflow"}
    assert parts.kafka == {"bootstrap_servers": "127.0.0.1:1", "kind": "embedded"}
    assert stat.S_IMODE((home.folder / "parts.json").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        pytest.param(
            "environment",
            {"kafka": Broker.EXTERNAL, "kafka_servers": "k:1", "prefect_api_url": "http://p/api"},
            id="named",
        ),
        pytest.param("embedded", {"kafka": Broker.REAL}, id="our-own-from-last-time"),
    ],
)
def test_only_what_somebody_named_is_external(origin: str, expected: dict[str, Any]) -> None:
    settings = Settings(
        kafka=KafkaSettings(bootstrap_servers="k:1"), servers=ServerSettings(prefect_api_url="http://p/api")
    )
    origins = dict.fromkeys(("kafka.bootstrap_servers", "servers.prefect_api_url"), origin)
    assert Wanted(**expected, reading=settings.kafka, http=settings.http) == wanted(
        settings, origins, kafka="real", sink=False
    )


def test_sqlite_cannot_serve_the_parts() -> None:
    with pytest.raises(BadSettings, match="postgresql://"):
        Wanted(Broker.EMBEDDED, store_url="sqlite:///agent.db")


def test_a_repeated_start_asks_for_the_same_until_it_is_taken_down(home: Home) -> None:
    remember(home, Wanted(Broker.REAL, sink=True, scaled=2))
    assert remembered(home) == ("real", True)
    assert 2 == scaled(home)
    forget(home)
    assert remembered(home) == ("embedded", False)
    assert 0 == scaled(home)


def test_a_taken_port_is_replaced_unless_it_is_taken_by_our_own_part(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        (tmp_path / "ports.json").write_text(json.dumps({"prefect": taken, "mlflow": taken}))
        chosen = ports.choose(tmp_path / "ports.json", {"prefect"})
    assert chosen["prefect"] == taken
    assert chosen["mlflow"] != taken
    assert json.loads((tmp_path / "ports.json").read_text()) == chosen


def chosen_elsewhere(file: Path) -> int:
    """The port of Prefect that a process of its own chooses for a home without running parts, and then ends."""
    script = f"from pathlib import Path; from deployments import ports; ports.choose(Path({str(file)!r}), set())"
    subprocess.run([sys.executable, "-c", script], cwd=PROJECT, check=True)
    return int(json.loads(file.read_text())["prefect"])


def test_what_one_process_has_chosen_no_other_chooses_until_it_ends(tmp_path: Path) -> None:
    """Two homes that started at once took the same usual port, and one of them did not come up."""
    ours = ports.unused()
    (tmp_path / "ports.json").write_text(json.dumps({"prefect": ours}))
    theirs = chosen_elsewhere(tmp_path / "ports.json")
    assert ours != theirs
    assert theirs == chosen_elsewhere(tmp_path / "ports.json"), "what ended holds no port"


def test_who_chose_a_port_may_choose_it_again(tmp_path: Path) -> None:
    ours = {name: ports.unused() for name in ports.USUAL}
    (tmp_path / "ports.json").write_text(json.dumps(ours))
    assert ours == ports.choose(tmp_path / "ports.json", set())


def test_no_port_is_given_twice() -> None:
    given_out = [ports.unused() for _ in range(50)]
    assert len(set(given_out)) == len(given_out)


@given(
    st.dictionaries(
        st.from_regex(r"\A[A-Z_]{1,9}\Z"), st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
    )
)
def test_variables_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, variables: dict[str, str]) -> None:
    path = tmp_path_factory.mktemp("environment") / "some.env"
    environment.save(path, variables)
    assert environment.load(path) == variables
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "name", ["SRE_PAGING__EMAIL__PASSWORD", "sre_llm__api_key", "OPENAI_API_KEY", "SRE_MITIGATION__X"]
)
def test_credentials_reach_on_call_alone(name: str) -> None:
    environ = {name: "secret", "SRE_KAFKA__TOPIC": "logs", "PATH": "/bin"}
    assert environment.for_on_call(environ) == {name: "secret"}
    assert environment.for_workers(environ) == {"SRE_KAFKA__TOPIC": "logs"}
    assert "secret" not in environment.for_parts(environ, Path("/home")).values()


def test_keys_of_what_is_sealed_reach_every_part_and_stand_in_no_file() -> None:
    environ = {"SRE_ENCRYPTION_KEYS": "one:secret", "SRE_ENCRYPTION__ENABLED": "true"}
    assert "one:secret" == environment.for_parts(environ, Path("/home"))["SRE_ENCRYPTION_KEYS"]
    for written in (environment.for_workers(environ), environment.for_on_call(environ), for_http(environ)):
        assert "one:secret" not in written.values()
    assert {"SRE_ENCRYPTION__ENABLED": "true"} == environment.for_workers(environ)


def test_who_calls_restarts_no_worker() -> None:
    called = {"SRE_USER": "ann", "SRE_KAFKA__MEMBERS": "2", "SRE_KAFKA__TOPIC": "logs"}
    assert {"SRE_KAFKA__TOPIC": "logs"} == environment.for_workers(called)


def test_a_changed_setting_restarts_the_workers_that_see_it(home: Home) -> None:
    before = a_site(home, Wanted(Broker.EMBEDDED))
    after = Site(home, before.wanted, {"SRE_PAGING__WEBHOOK": "http://x"}, PORTS, before.server, None)
    assert before.worker_environment("watch") == after.worker_environment("watch")
    assert before.worker_environment("on-call") != after.worker_environment("on-call")


def test_a_changed_file_of_settings_restarts_whatever_reads_it(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "sre.yaml"
    named = {"SRE_CONFIG_FILE": str(file)}
    site = replace(a_site(home, Wanted(Broker.EMBEDDED)), environ=named)
    seen = []
    for text in ("detection: {enabled: true}\n", "detection: {enabled: true}\n", "detection: {enabled: false}\n"):
        file.write_text(text)
        seen.append((site.worker_environment("watch"), site.worker_environment("on-call"), site.http_environment()))
    assert seen[0] == seen[1]
    assert all(before != after for before, after in zip(*seen[1:], strict=True))
    file.unlink()
    assert site.worker_environment("watch")["SRE_STAMP"]


def test_supervisord_reads_back_what_was_meant(home: Home) -> None:
    meant = Program("part", ("a program", "100%", "it's"), {"JSON": '{"a": "b, c"}', "PERCENT": "50%", "EMPTY": ""})
    parser = configparser.RawConfigParser()
    parser.read_string(section(meant, home))
    read = {name: value.replace("%%", "%") for name, value in parser["program:part"].items()}
    assert tuple(shlex.split(read["command"])) == meant.command
    assert dict_of_key_value_pairs(read["environment"]) == {**meant.environment, "SRE_PART": "part"}


def test_every_server_listens_on_loopback_only(home: Home) -> None:
    for program in a_site(home, Wanted(Broker.EMBEDDED)).programs():
        assert "0.0.0.0" not in " ".join(program.command)  # noqa: S104 - that is the point
    assert "127.0.0.1" in programs.python("x", "127.0.0.1")


def test_a_long_home_keeps_its_sockets_short(tmp_path: Path) -> None:
    home = Home(tmp_path / ("long" * 30), tmp_path)
    home.make()
    path = home.socket("supervisor.sock")
    assert len(str(path)) <= LONGEST_SOCKET_PATH
    assert home.socket("supervisor.sock") == path
    path.parent.rmdir()


def test_the_end_of_a_log_is_its_last_lines(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("".join(f"line {number}\n" for number in range(5_000)))
    assert tail(tmp_path / "log", 2) == "line 4998\nline 4999"
    assert tail(tmp_path / "none") == ""
