"""Settings from every source: who wins, where a value came from, and what is wrong with it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import parts_file
from adapters.settings_files import load
from adapters.settings_files.environment import MARKS, NO_SETTINGS, SHORT_NAMES, variable
from domain.kafka_settings import Start
from domain.paging_settings import Security
from domain.settings_keys import leaves
from tests.adapters.settings_part import Project, value


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_without_any_source_everything_is_default(project: Project) -> None:
    loaded = project.load()
    assert {"default"} == set(loaded.origins.values())
    assert {key for key, _ in leaves()} == set(loaded.origins)
    assert loaded.warnings == ()


def test_each_source_wins_over_those_before_it(project: Project) -> None:
    (project.folder / ".sre").mkdir()
    parts_file.write(project.folder / ".sre", parts_file.Parts(kafka={"bootstrap_servers": "embedded:1"}))
    seen = [project.load()]
    project.write("config/sre_agent_config.json", {"kafka": {"bootstrap_servers": "theirs:1"}, "agents": {}})
    seen.append(project.load())
    project.write("sre.yaml", "\nkafka:\n  bootstrap_servers: ours:1\n")
    seen.append(project.load())
    environ = {"SRE_KAFKA__BOOTSTRAP_SERVERS": "environment:1"}
    seen.append(project.load(environ))
    seen.append(project.load(environ, kafka__bootstrap_servers="option:1"))
    assert [(each.settings.kafka.bootstrap_servers, each.origins["kafka.bootstrap_servers"]) for each in seen] == [
        ("embedded:1", "embedded"),
        ("theirs:1", "file config/sre_agent_config.json:3"),
        ("ours:1", "file sre.yaml:3"),
        ("environment:1", "environment SRE_KAFKA__BOOTSTRAP_SERVERS"),
        ("option:1", "command line"),
    ]


def test_sources_complete_each_other(project: Project) -> None:
    project.write("sre.yaml", "kafka: {topic: logs, client: {security.protocol: SASL_SSL}}\n")
    loaded = project.load({"SRE_KAFKA__START": "earliest", "SRE_KAFKA__CLIENT__SASL_PASSWORD": "word"})
    assert (loaded.settings.kafka.topic, loaded.settings.kafka.start) == ("logs", Start.EARLIEST)
    client = {key: secret.get_secret_value() for key, secret in loaded.settings.kafka.client.items()}
    assert client == {"security.protocol": "SASL_SSL", "sasl.password": "word"}
    assert loaded.origins["kafka.client.sasl.password"] == "environment SRE_KAFKA__CLIENT__SASL_PASSWORD"


@pytest.mark.parametrize("name", ["sre.yaml", "sre.yml", "sre.json"])
def test_own_file_is_found(project: Project, name: str) -> None:
    project.write(name, '{"kafka": {"topic": "logs"}}')
    assert project.load().settings.kafka.topic == "logs"


def test_two_own_files_are_an_error_not_a_riddle(project: Project) -> None:
    project.write("sre.yaml", "{}")
    project.write("sre.json", "{}")
    assert "sre.yaml and sre.json" in project.problems()[0]


def test_named_file_is_the_only_one(project: Project) -> None:
    project.write("sre.yaml", "kafka: {topic: other}\n")
    named = project.write("elsewhere/mine.yaml", "kafka: {consumer_group: mine}\n")
    by_option = project.load(file=named)
    by_variable = project.load({"SRE_CONFIG_FILE": str(named)})
    assert by_option.settings == by_variable.settings
    assert (by_option.settings.kafka.topic, by_option.settings.kafka.consumer_group) == ("system-logs", "mine")


def test_empty_file_and_empty_branch_say_nothing(project: Project) -> None:
    project.write("sre.yaml", "kafka:\n  # topic: logs\n")
    assert {"default"} == set(project.load().origins.values())


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        pytest.param("x.yaml", None, "x.yaml: no such file", id="missing"),
        pytest.param("x.yaml", "a: [1\nb: 2", "x.yaml:2: not YAML:", id="invalid-yaml"),
        pytest.param("x.json", '{\n"kafka" {}\n}', "x.json:2: not JSON:", id="invalid-json"),
        pytest.param("x.yaml", "- a\n", "x.yaml:1: keys and values are needed, not list", id="list"),
        pytest.param("x.yaml", "a: &x [*x]", "x.yaml:1: not YAML: aliases", id="self-reference"),
        pytest.param("x.yaml", "a: 2020-13-45", "x.yaml:1: not YAML: month", id="no-date"),
        pytest.param("x.yaml", "\nkafak: {}", "x.yaml:2: kafak: unknown key; the nearest is kafka", id="branch"),
        pytest.param(
            "x.yaml",
            "kafka:\n  topc: logs",
            "x.yaml:2: kafka.topc: unknown key; the nearest is kafka.topic",
            id="unknown-key",
        ),
        pytest.param(
            "x.json",
            '{\n\t"batch_rows": 10}',
            "x.json:2: batch_rows: unknown key; the nearest is kafka.batch_rows",
            id="key-without-its-branch",
        ),
        pytest.param(
            "x.json",
            '{"agents": {\n"anomaly_detecter": {}}}',
            "x.json:2: agents.anomaly_detecter: unknown key; the nearest is agents.anomaly_detector",
            id="reference-agent",
        ),
        pytest.param(
            "x.json",
            '{"agents": {"rag": {"max_contextlength": 1}}}',
            "x.json:1: agents.rag.max_contextlength: unknown key; the nearest is agents.rag.max_context_length",
            id="reference-key",
        ),
        pytest.param("x.yaml", "kafka: 3", "x.yaml:1: kafka: is a branch", id="branch-with-value"),
        pytest.param("x.yaml", "kafka: {topic: {a: 1}}", "x.yaml:1: kafka.topic: Input should be a valid", id="deep"),
        pytest.param(
            "x.yaml",
            "kafka:\n  topic: a\n  topic: b",
            "x.yaml:3: kafka.topic: stands here a second time",
            id="twice",
        ),
        pytest.param(
            "x.yaml",
            "detection:\n  confidence_threshold: 7",
            "x.yaml:2: detection.confidence_threshold: Input should be less than or equal to 1, got 7",
            id="too-high",
        ),
        pytest.param(
            "x.yaml",
            "mitigation: {max_risk: huge}",
            "x.yaml:1: mitigation.max_risk: must be one of low, medium, high, got 'huge'",
            id="no-such-risk",
        ),
        pytest.param(
            "x.json",
            '{"processing": {"batch_size": "many"}}',
            "x.json:1: processing.batch_size: Input should be a valid integer, unable to parse string as an integer, "
            "got 'many' (sets kafka.batch_rows)",
            id="reference-value",
        ),
    ],
)
def test_errors_name_file_line_key_and_the_nearest(
    project: Project, monkeypatch: pytest.MonkeyPatch, name: str, content: str | None, expected: str
) -> None:
    if content is not None:
        project.write(name, content)
    monkeypatch.chdir(project.folder)
    problems = project.problems(file=Path(name))
    assert len(problems) == 1
    assert problems[0].startswith(expected)


def test_people_are_set_by_the_file_or_whole_by_the_environment(project: Project) -> None:
    project.write("sre.yaml", "people:\n  ann: {role: approver}\n  rob: {role: viewer}\n")
    assert {"ann": "approver", "rob": "viewer"} == {
        name: person.role for name, person in project.load().settings.people.items()
    }
    environ = {"SRE_PEOPLE": '{"eve": {"role": "admin"}}', "SRE_USER": "eve"}
    assert ["eve"] == list(project.load(environ).settings.people)
    (wrong,) = project.problems({"SRE_PEOPLE": '{"eve": {"role": "boss"}}'})
    assert "environment: SRE_PEOPLE: people.eve.role: Input should be 'viewer', 'responder'" in wrong


def test_every_error_is_shown_not_only_the_first(project: Project) -> None:
    project.write("sre.yaml", "kafka:\n  topc: x\n  batch_rows: -1\nlmm: {}\n")
    problems = project.problems({"SRE_STORE__KEEP_DAYS": "x", "SRE_KAFAK__TOPIC": "x"}, kafka__tpic="x")
    assert [": ".join(problem.split(": ")[:2]) for problem in problems] == [
        "sre.yaml:2: kafka.topc",
        "sre.yaml:4: lmm",
        "environment: SRE_KAFAK__TOPIC",
        "command line: kafka.tpic",
        "sre.yaml:3: kafka.batch_rows",
        "environment: SRE_STORE__KEEP_DAYS",
    ]


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("SRE_KAFAK__TOPIC", "SRE_KAFKA__TOPIC"),
        ("SRE_KAFKA__TOPC", "SRE_KAFKA__TOPIC"),
        ("SRE_KAFKA_TOPIC", "SRE_KAFKA__TOPIC"),
        ("SRE_LOGLEVEL", "SRE_LOG_LEVEL"),
        ("SRE_CONFIG", "SRE_CONFIG_FILE"),
    ],
)
def test_unknown_variable_is_an_error(project: Project, name: str, nearest: str) -> None:
    assert [f"environment: {name}: unknown variable; the nearest is {nearest}"] == project.problems({name: "x"})


def test_variable_that_holds_a_branch_is_refused(project: Project) -> None:
    problems = project.problems({"SRE_LLM": '{"api_key": "word"}'})
    assert problems == ["environment: SRE_LLM: is a branch; each of its keys has a variable, such as SRE_LLM__API_KEY"]


def test_foreign_and_documented_variables_are_left_alone(project: Project) -> None:
    environ = {"HOME": "/x", "PREFECT_HOME": "/x", "SRE_LOG_LEVEL": ""} | {"SRE_HOME": str(project.folder / ".sre")}
    assert {"default"} == set(project.load(environ).origins.values())
    assert "SRE_HOME" in NO_SETTINGS


@pytest.mark.parametrize(
    ("name", "given", "key", "expected"),
    [
        ("SRE_LOG_LEVEL", "debug", "logging.level", "DEBUG"),
        ("PREFECT_API_URL", "http://prefect/api", "servers.prefect_api_url", "http://prefect/api"),
        ("MLFLOW_TRACKING_URI", "http://mlflow", "servers.mlflow_tracking_uri", "http://mlflow"),
        ("SRE_MITIGATION__ACTING", "true", "mitigation.acting", True),
        ("SRE_PAGING__EMAIL__RECIPIENTS", "a@x,b@y", "paging.email.recipients", ("a@x", "b@y")),
        ("SRE_PAGING__EMAIL__RECIPIENTS", '["a@x"]', "paging.email.recipients", ("a@x",)),
        ("SRE_PAGING__EMAIL__SECURITY", "tls", "paging.email.security", Security.TLS),
        ("SRE_KAFKA__BATCH_ROWS", "100", "kafka.batch_rows", 100),
    ],
)
def test_environment(project: Project, name: str, given: str, key: str, expected: object) -> None:
    loaded = project.load({name: given})
    assert expected == value(loaded, key)
    assert f"environment {name}" == loaded.origins[key]


def test_every_variable_that_the_code_knows_is_accepted() -> None:
    """A mark that a process is started with must not stop that process."""
    folders = ("adapters", "console", "deployments", "flows", "ml", "tasks")
    texts = [path.read_text() for folder in folders for path in (parts_file.PROJECT / folder).rglob("*.py")]
    used = {name for text in texts for name in re.findall(r"[\"'](SRE_[A-Z_]*[A-Z])[\"']", text)}
    assert used - {variable(key) for key, _ in leaves()} <= set(SHORT_NAMES) | NO_SETTINGS | MARKS


def test_every_setting_has_its_own_variable() -> None:
    names = [variable(key) for key, _ in leaves()]
    assert len(names) == len(set(names) - set(SHORT_NAMES) - NO_SETTINGS)


@given(st.text(st.characters(codec="ascii", exclude_characters="\0=^"), min_size=1, max_size=20))
def test_a_topic_survives_the_environment(name: str) -> None:
    assert (
        name
        == load(
            None, {"SRE_KAFKA__TOPIC": name}, Path("/nonexistent"), project=Path("/nonexistent")
        ).settings.kafka.topic
    )


def test_embedded_parts_stand_in_where_nothing_is_named(project: Project) -> None:
    (project.folder / ".sre").mkdir()
    parts_file.write(
        project.folder / ".sre",
        parts_file.Parts(
            postgres={"agent": "postgresql:///agent?host=/run"},
            kafka={"bootstrap_servers": "127.0.0.1:9092"},
            prefect={"api_url": "http://127.0.0.1:4200/api"},
            mlflow={"tracking_uri": "http://127.0.0.1:5000"},
            smtp={"host": "127.0.0.1", "port": 2525},
            shop={"supervisord": "unix:///shop.sock"},
        ),
    )
    loaded = project.load()
    embedded = {key for key, origin in loaded.origins.items() if origin == "embedded"}
    assert embedded == {
        "store.url",
        "store.files",
        "kafka.bootstrap_servers",
        "servers.prefect_api_url",
        "servers.mlflow_tracking_uri",
        "paging.email.host",
        "paging.email.port",
        "paging.email.security",
    }
    assert loaded.settings.paging.email.security is Security.NONE
    assert loaded.settings.mitigation.supervisord_url.get_secret_value() == ""


def test_own_smtp_server_takes_nothing_from_the_sink(project: Project) -> None:
    (project.folder / ".sre").mkdir()
    parts_file.write(project.folder / ".sre", parts_file.Parts(smtp={"host": "127.0.0.1", "port": 2525}))
    email = project.load({"SRE_PAGING__EMAIL__HOST": "smtp.example.org"}).settings.paging.email
    assert (email.host, email.port, email.security) == ("smtp.example.org", 587, Security.STARTTLS)


def test_address_handed_on_by_sre_up_stays_embedded(project: Project) -> None:
    (project.folder / ".sre").mkdir()
    parts_file.write(project.folder / ".sre", parts_file.Parts(prefect={"api_url": "http://127.0.0.1:4200/api"}))
    key = "servers.prefect_api_url"
    assert project.load({"PREFECT_API_URL": "http://127.0.0.1:4200/api"}).origins[key] == "embedded"
    assert project.load({"PREFECT_API_URL": "http://own/api"}).origins[key] == "environment PREFECT_API_URL"


def test_broken_parts_file_is_explained(project: Project) -> None:
    project.write(".sre/parts.json", "{")
    assert "parts.json" in project.problems()[0]


@pytest.mark.parametrize(
    ("environ", "content"),
    [
        ({"SRE_STORE__URL": "mysql://u:hidden-word@h/d"}, ""),
        ({}, "store: {url: 'mysql://u:hidden-word@h/d'}"),
        ({}, "kafka: {client: {sasl.password: [hidden-word]}}"),
        ({}, "kafka: {client: hidden-word}"),
        ({}, "llm: {api_key: [hidden-word]}"),
        ({}, "paging: {email: {password: {word: hidden-word}}}"),
        ({}, "llm: hidden-word"),
    ],
)
def test_errors_repeat_no_secret(project: Project, environ: dict[str, str], content: str) -> None:
    project.write("sre.yaml", content)
    problems = project.problems(environ)
    assert len(problems) == 1
    assert "hidden-word" not in problems[0]
