"""The reference of settings, written from the tree itself so that it cannot fall behind."""

from __future__ import annotations

from enum import StrEnum

from pydantic.fields import FieldInfo

from adapters.settings_files.environment import variable
from adapters.settings_files.reference import REFERENCE
from domain.masking import shown
from domain.settings_keys import leaves

HEAD = """\
# Settings

Every setting has a default, so an empty configuration is a valid one.
This page is written by `sre config --reference > docs/guides/settings.md`; a test compares the two.
`sre config` prints the effective values, secrets masked, and where each came from.

## Where values come from

The first source that names a setting wins:

1. options of the command line;
2. the environment: `SRE_`, then the key with `__` for each dot, such as `SRE_KAFKA__TOPIC=logs`;
3. a YAML or JSON file: `--config FILE`, `SRE_CONFIG_FILE`, or `sre.yaml`, `sre.yml` or `sre.json` beside the README;
4. the reference project's `config/sre_agent_config.json`, where no file was named;
5. the addresses of the parts that `sre up` started;
6. the default.

`SRE_LOG_LEVEL` sets `logging.level`.
`PREFECT_API_URL` and `MLFLOW_TRACKING_URI` set the servers of those names.
`SRE_USER` is who calls `sre`, where that is not the login name.
`SRE_API_URL` sends commands to an agent [on another machine](console.md#from-another-machine).
`SRE_API_TOKEN`, or the file that `SRE_API_TOKEN_FILE` names, holds the token for it.
`SRE_HOME` is the folder of everything that `sre up` keeps, `.sre` by default.
Lists are separated by commas in the environment.
A setting of librdkafka is a key below `kafka.client`: `SRE_KAFKA__CLIENT__SASL_PASSWORD` sets `sasl.password`.

A key or variable that does not exist is an error that names its place and the nearest key that does.
All errors are shown at once.

```yaml
kafka:
  bootstrap_servers: broker-1:9093
  topic: logs
  client:
    security.protocol: SASL_SSL
    sasl.mechanism: SCRAM-SHA-512
    sasl.username: sre-agent
mitigation:
  acting: true
```

Keep passwords out of the file: `SRE_KAFKA__CLIENT__SASL_PASSWORD`, `SRE_PAGING__EMAIL__PASSWORD`.
"""

REFERENCE_HEAD = """
## The reference project's configuration

`config/sre_agent_config.json` of the reference project works as it stands.
`kafka` has the same keys there.
A key that has no effect here, or another one, is named in a warning.

| its key | sets |
|---|---|
"""


def markdown() -> str:
    """The whole reference as Markdown."""
    text = [HEAD]
    branch = ""
    for key, field in leaves():
        above = key.rpartition(".")[0] or key
        if above != branch:
            branch = above
            text.append(f"\n## `{branch}`\n\n| setting | default | meaning |\n|---|---|---|\n")
        text.append(f"| `{key}`<br>`{variable(key)}` | {_default(key, field)} | {_meaning(field)} |\n")
    text.append(REFERENCE_HEAD)
    text += [f"| `{theirs}` | {f'`{ours}`' if ours else 'nothing'} |\n" for theirs, ours in REFERENCE.items()]
    return "".join(text)


def _default(key: str, field: FieldInfo) -> str:
    """The default as one writes it in YAML; nothing for empty."""
    value = shown(key, field.get_default(call_default_factory=True))
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, list):
        return ", ".join(f"`{entry}`" for entry in value)
    return f"`{value}`" if value not in ("", {}) else ""


def _number(limit: float) -> str:
    """In full, with thousands set apart."""
    return f"{limit:,}" if isinstance(limit, int) else f"{limit:,g}"


def _meaning(field: FieldInfo) -> str:
    """The setting's docstring and what it may be."""
    allowed = [
        f"{word} {_number(limit)}"
        for rule in field.metadata
        for word, name in (("above", "gt"), ("at least", "ge"), ("at most", "le"), ("below", "lt"))
        if (limit := getattr(rule, name, None)) is not None
    ]
    if isinstance(field.annotation, type) and issubclass(field.annotation, StrEnum):
        allowed += [member.value for member in field.annotation]
    for rule in field.metadata:
        if pattern := getattr(rule, "pattern", None):
            allowed += pattern.strip("^$()").split("|")
    return f"{field.description} ({', '.join(allowed)})" if allowed else str(field.description)
