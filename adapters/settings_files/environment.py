"""Settings from the environment: SRE_KAFKA__TOPIC=logs, and the names that others made known."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict, SettingsError

from adapters.settings_files.assignments import Assignment, Source, flatten
from domain.nearest import nearest
from domain.settings import Settings
from domain.settings_keys import leaves, open_branch

PREFIX = "SRE_"
_PLACE = "environment"

# Names without the pattern of SRE_BRANCH__KEY that set one key.
SHORT_NAMES = {
    "SRE_LOG_LEVEL": "logging.level",
    "PREFECT_API_URL": "servers.prefect_api_url",
    "MLFLOW_TRACKING_URI": "servers.mlflow_tracking_uri",
}

# SRE_ variables that are no settings: where things are, read before any setting is, who calls, keys, and to which
# agent commands are sent.
NO_SETTINGS = frozenset(
    {
        "SRE_HOME",
        "SRE_CONFIG_FILE",
        "SRE_USER",
        "SRE_ENCRYPTION_KEYS",
        "SRE_API_URL",
        "SRE_API_TOKEN",
        "SRE_API_TOKEN_FILE",
    }
)

# Marks that `sre up`, or a manifest of Kubernetes, puts on the processes it starts; people set none of them by hand.
MARKS = frozenset({"SRE_PART", "SRE_STAMP", "SRE_LOCAL_RUNS", "SRE_MEMBER", "SRE_WORKER_PROBE"})


class _Tree(BaseSettings, Settings):
    """The tree as pydantic-settings reads it from variables."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__")


class _OneVariable(EnvSettingsSource):
    """What a single variable says, so that its origin is known; lists and tables may be JSON."""

    def __init__(self, name: str, value: str) -> None:
        """Read `name` as if it were all of the environment."""
        super().__init__(_Tree)
        self.env_vars = {name.lower(): value}

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: object) -> object:
        """The JSON value, or the text as it is: a,b is a list too."""
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


def variable(key: str) -> str:
    """The variable that sets `key`."""
    return PREFIX + key.replace(".", "__").upper()


def from_environment(environ: Mapping[str, str], embedded: Mapping[str, object]) -> Source:
    """Everything the environment says.

    PREFECT_API_URL and MLFLOW_TRACKING_URI reach our own processes from `sre up`, too: with the
    address that is known as `embedded` they are nobody's choice.
    """
    assignments: list[Assignment] = []
    problems: list[str] = []
    for name, value in sorted(environ.items()):
        if name in SHORT_NAMES:
            key = SHORT_NAMES[name]
            if value and embedded.get(key) != value:
                assignments.append(Assignment(key, value, _PLACE, name))
        elif name.upper().startswith(PREFIX) and name.upper() not in NO_SETTINGS | MARKS:
            found, wrong = _from_variable(name, value)
            assignments += found
            problems += wrong
    return Source(tuple(assignments), tuple(problems))


def _from_variable(name: str, value: str) -> tuple[list[Assignment], list[str]]:
    """What one SRE_ variable sets, and why it cannot."""
    try:
        document = _OneVariable(name, value)()
    except SettingsError as error:
        return [], [f"{_PLACE}: {name}: {error}"]
    found, wrong = flatten(document, (key for key, _ in leaves()), lambda _: _PLACE)
    if any(variable(each.key) != name.upper() and not open_branch(each.key) for each in found):
        # Variables are handed to processes by their names: one that holds a branch might hold its secrets.
        return [], [f"{_PLACE}: {name}: is a branch; each of its keys has a variable, such as {variable(found[0].key)}"]
    if wrong or not found:
        names = [*(variable(key) for key, _ in leaves()), *SHORT_NAMES, *NO_SETTINGS]
        return [], [f"{_PLACE}: {name}: unknown variable; {nearest(name, names)}"]
    return [Assignment(_dotted(each.key), each.value, _PLACE, name) for each in found], []


def _dotted(key: str) -> str:
    """`kafka.client.sasl_password` as librdkafka writes it: variables cannot hold dots, its keys hold no underscore."""
    branch = open_branch(key)
    return f"{branch}.{key.removeprefix(f'{branch}.').replace('_', '.')}" if branch else key
