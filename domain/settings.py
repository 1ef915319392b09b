"""Every knob, as one frozen tree; each function gets only its branch.

Nothing is read at import. `adapters.settings_files` fills the tree from files and the environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator


class Start(StrEnum):
    """Where a partition without a stored offset starts."""

    LATEST = "latest"
    EARLIEST = "earliest"


class Security(StrEnum):
    """How the connection to an SMTP server is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class Branch(BaseModel):
    """A frozen branch of the tree; unknown keys are errors."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        hide_input_in_errors=True,  # a wrong value may be a secret
        use_attribute_docstrings=True,
    )


def _as_text(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


class KafkaSettings(Branch):
    """The cluster and how logs are taken off it."""

    bootstrap_servers: str = ""
    """Host:port list; empty means the embedded broker that `sre up` starts."""
    topic: str = "system-logs"
    """The topic to watch."""
    consumer_group: str = "sre-agent-group"
    """Group that spreads partitions over `watch` runs."""
    start: Start = Start.LATEST
    """Where a partition starts that has no stored offset when the topic is first seen."""
    batch_rows: int = Field(40_000, gt=0)
    """Most rows in one micro-batch."""
    batch_seconds: float = Field(1.0, gt=0)
    """Longest wait for a full batch."""
    max_log_bytes: int = Field(1_000_000, gt=0)
    """A longer log goes to the dead letters."""
    dead_letter_topic: str = ""
    """Empty means the topic's name with `.dead-letter` behind it."""
    client: dict[str, SecretStr] = Field(default_factory=dict)
    """Passed through to librdkafka as it is: security.protocol, sasl.mechanism, ssl.ca.location, …"""

    @field_validator("client", mode="before")
    @classmethod
    def _as_librdkafka_writes(cls, value: object) -> object:
        """Numbers and booleans of a YAML file in librdkafka's spelling, which is text."""
        if not isinstance(value, Mapping):
            return value
        return {key: _as_text(entry) for key, entry in value.items()}


class StoreSettings(Branch):
    """The agent's own database."""

    url: SecretStr = SecretStr("")
    """postgresql:// or sqlite:// URL; empty means the embedded PostgreSQL that `sre up` starts."""
    sqlite_path: Path = Path("data/sre_agent.db")
    """SQLite file of `process_log`, which needs no server; `sre up` stores in PostgreSQL."""
    keep_days: int = Field(14, gt=0)
    """Days of logs that the clean-up leaves, by arrival time."""

    @field_validator("url")
    @classmethod
    def _of_a_known_database(cls, url: SecretStr) -> SecretStr:
        """The error must not repeat the URL: it may hold a password."""
        if url.get_secret_value() and not url.get_secret_value().startswith(("postgresql://", "sqlite://")):
            raise ValueError("must begin with postgresql:// or sqlite://")
        return url


class DetectionSettings(Branch):
    """What makes a log an anomaly."""

    enabled: bool = True
    """Off: logs are stored unscored and no incident opens."""
    confidence_threshold: float = Field(0.7, ge=0, le=1)
    """A log with at least this confidence is an anomaly."""
    model_path: str = ""
    """Folder with a saved champion, used where no registry is reachable."""
    model_name: str = "sre-agent-detector"
    """Registered model whose alias `champion` is used."""
    refresh_seconds: float = Field(10, gt=0)
    """How often the registry is asked for a new champion."""


class IncidentSettings(Branch):
    """How anomalies become incidents."""

    quiet_seconds: float = Field(900, gt=0)
    """Without an anomalous log for so long, the next one opens a new incident."""
    confirm_logs: int = Field(3, gt=0)
    """An incident is confirmed, so answered, from this many anomalous logs on."""
    storm_after: int = Field(20, gt=0)
    """Open incidents of a service beyond which new ones merge into one storm."""


class PlaybookSettings(Branch):
    """What the agent knows."""

    enabled: bool = True
    """Off: every incident is uncommon and goes to a human."""
    path: str = "playbooks"
    """Folder of playbooks, relative to the project."""
    max_context_length: int = Field(4_000, gt=0)
    """Most characters of a playbook's text in a page or prompt."""


class MitigationSettings(Branch):
    """What the agent may do by itself."""

    enabled: bool = True
    """Off: no plan is made; confirmed incidents page."""
    acting: bool = False
    """Off: plans are made and shown, nothing is carried out."""
    common_error_threshold: float = Field(0.8, ge=0, le=1)
    """A playbook that fits with at least this confidence makes an incident common."""
    max_risk: str = Field("low", pattern="^(low|medium|high)$")
    """Highest risk that runs unattended."""
    target_seconds: float = Field(900, gt=0)
    """One action per target in this time."""
    actions_per_hour: int = Field(6, gt=0)
    """Actions in all in any hour."""
    max_ineffective: int = Field(2, gt=0)
    """Ineffective actions on a target within a day after which the next pages instead."""
    evidence_seconds: float = Field(120, gt=0)
    """Older evidence never leads to an action."""
    supervisord_url: str = Field("", repr=False)
    """XML-RPC address of the supervisord whose processes may be acted upon: unix:///… or http://…"""


class LlmSettings(Branch):
    """The model that will analyse uncommon incidents."""

    enabled: bool = True
    """Off: uncommon incidents go to a human without an analysis."""
    model: str = "gpt-4"
    """Name of the model; without effect yet."""
    max_tokens: int = Field(2_000, gt=0)
    """Most tokens of an answer; without effect yet."""
    api_key: SecretStr = SecretStr("")
    """Key of the model's API; without effect yet."""


class EmailSettings(Branch):
    """The SMTP server that carries pages."""

    host: str = ""
    """Empty means the demo's sink, where one runs; else the channel is off."""
    port: int = Field(587, gt=0, lt=65536)
    """Port of the SMTP server."""
    security: Security = Security.STARTTLS
    """How the connection is protected."""
    ca_file: str = ""
    """Certificates to trust instead of the system's; empty means the system's."""
    username: str = ""
    """Empty means no login."""
    password: SecretStr = SecretStr("")
    """Password of the login."""
    sender: str = "sre-agent@localhost"
    """From address of pages."""
    recipients: tuple[str, ...] = ("on-call@localhost",)
    """Who is paged; in the environment separated by commas."""

    @field_validator("recipients", mode="before")
    @classmethod
    def _split_at_commas(cls, value: object) -> object:
        """One text is a comma-separated list."""
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


class PagerDutySettings(Branch):
    """PagerDuty's Events API v2."""

    routing_key: SecretStr = SecretStr("")
    """Integration key; the channel is off without one; without effect yet."""


class PagingSettings(Branch):
    """Who is told, and how."""

    enabled: bool = True
    """Off: pages are recorded as suppressed, not sent."""
    webhook: SecretStr = SecretStr("")
    """The reference project's `paging_webhook`; without effect yet."""
    escalation_policy: str = "default"
    """Name of the escalation policy; without effect yet."""
    group_seconds: float = Field(60, ge=0)
    """Uncommon incidents of one service that come within this time share one page; a worse one pages anew."""
    late_seconds: float = Field(120, gt=0)
    """Evidence older than this pages at most once per service, marked late."""
    email: EmailSettings = EmailSettings()
    pagerduty: PagerDutySettings = PagerDutySettings()


class CallSettings(Branch):
    """Holds for each call to the outside."""

    max_retries: int = Field(3, ge=0)
    """Tries after the first."""
    timeout_seconds: float = Field(30, gt=0)
    """Longest wait for one try."""


class ServerSettings(Branch):
    """Servers the agent talks to; empty means the embedded ones."""

    prefect_api_url: str = ""
    """PREFECT_API_URL of one's own server."""
    mlflow_tracking_uri: str = ""
    """MLFLOW_TRACKING_URI of one's own server."""


class LoggingSettings(Branch):
    """The agent's own log."""

    level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR|CRITICAL)$")
    """Least level that is logged; SRE_LOG_LEVEL sets this too."""
    file: Path = Path("logs/sre_agent.log")
    """JSON lines, rotated."""

    @field_validator("level", mode="before")
    @classmethod
    def _as_logging_writes(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value


class Settings(Branch):
    """The whole tree."""

    kafka: KafkaSettings = KafkaSettings()
    store: StoreSettings = StoreSettings()
    detection: DetectionSettings = DetectionSettings()
    incidents: IncidentSettings = IncidentSettings()
    playbooks: PlaybookSettings = PlaybookSettings()
    mitigation: MitigationSettings = MitigationSettings()
    llm: LlmSettings = LlmSettings()
    paging: PagingSettings = PagingSettings()
    calls: CallSettings = CallSettings()
    servers: ServerSettings = ServerSettings()
    logging: LoggingSettings = LoggingSettings()


def without_secrets(settings: Settings) -> Settings:
    """The same tree without the credentials of paging, actions and the LLM: what `watch` may hold."""
    email = settings.paging.email.model_copy(update={"username": "", "password": SecretStr("")})
    paging = {"email": email, "pagerduty": PagerDutySettings(), "webhook": SecretStr("")}
    return settings.model_copy(
        update={
            "paging": settings.paging.model_copy(update=paging),
            "llm": settings.llm.model_copy(update={"api_key": SecretStr("")}),
            "mitigation": settings.mitigation.model_copy(update={"supervisord_url": ""}),
        }
    )
