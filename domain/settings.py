"""Every knob, as one frozen tree; each function gets only its branch.

Nothing is read at import. `adapters.settings_files` fills the tree from files and the environment.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, field_validator

from domain.addresses import anchor_problem, supervisord_problem
from domain.canary_settings import CanarySettings
from domain.detection_settings import DetectionSettings
from domain.encryption_settings import EncryptionSettings
from domain.http_settings import HttpSettings
from domain.kafka_settings import KafkaSettings
from domain.llm_settings import LlmSettings
from domain.openid_settings import OpenIdSettings
from domain.paging_settings import PagingSettings, without_credentials
from domain.people import People, Role
from domain.quality_settings import QualitySettings
from domain.settings_acting import AutonomySettings, CommandSettings, EffectSettings, WebhookSettings
from domain.settings_branch import Branch, without_problem
from domain.slo_settings import SloSettings


class StoreSettings(Branch):
    """The agent's own database."""

    url: SecretStr = SecretStr("")
    """postgresql:// or sqlite:// URL; empty means the embedded PostgreSQL that `sre up` starts."""
    sqlite_path: Path = Path("data/sre_agent.db")
    """SQLite file of `process_log`, which needs no server; `sre up` stores in PostgreSQL."""
    files: str = "data/logs"
    """Folder, or URI of an object store such as s3://bucket/logs, for logs that were compacted."""
    compact_after_minutes: float = Field(10, ge=1, le=10_080)
    """An hour of logs is gathered into files when it has been over for so long."""
    keep_days: int = Field(14, gt=0, le=36_500)
    """Days of logs that the clean-up leaves, by arrival time."""
    keep_gigabytes: float = Field(0, ge=0, le=1_000_000)
    """Most gigabytes of logs that the clean-up leaves, the oldest go first; 0 means as many as there are."""
    keep_records_days: int = Field(400, gt=0, le=36_500)
    """Days of closed incidents, pages, actions and the ledger that the clean-up leaves."""

    @field_validator("url")
    @classmethod
    def _of_a_known_database(cls, url: SecretStr) -> SecretStr:
        """The error must not repeat the URL: it may hold a password."""
        if url.get_secret_value() and not url.get_secret_value().startswith(("postgresql://", "sqlite://")):
            raise ValueError("must begin with postgresql:// or sqlite://")
        return url


class IncidentSettings(Branch):
    """How anomalies become incidents."""

    quiet_seconds: float = Field(600, gt=0, le=31_536_000)
    """Without an anomalous log for so long, the next one opens a new incident."""
    confirm_logs: int = Field(3, gt=0, le=1_000_000)
    """This many anomalous logs of one text or metric confirm an incident; so does one more of one service."""
    confirm_seconds: float = Field(300, gt=0, le=31_536_000)
    """The logs that confirm an incident come within so long."""
    join_seconds: float = Field(120, ge=0, le=31_536_000)
    """Alerts of several services or texts can be of one fault when they come within so long of each other."""
    storm_after: int = Field(20, gt=0, le=1_000_000)
    """Open alerts of a service beyond which further ones are one."""
    fleet_storm_after: int = Field(50, gt=0, le=1_000_000)
    """Pages within `paging.group_seconds`, over all services, beyond which further ones share one page of the fleet."""


class PlaybookSettings(Branch):
    """What the agent knows."""

    enabled: bool = True
    """Off: every incident is uncommon and goes to a human."""
    path: str = "playbooks"
    """Folder of playbooks, relative to the project."""
    max_context_length: int = Field(4_000, gt=0, le=1_000_000)
    """Most characters of a playbook's text in a page or prompt."""


class RetrievalSettings(Branch):
    """How playbooks and past incidents are found; words find them, vectors may be added."""

    embedding_url: str = Field("", pattern="^(https?://.+)?$")
    """OpenAI-compatible endpoint, up to /v1, that orders what was found by meaning too; empty: by words alone."""
    embedding_model: str = ""
    """Name of its model."""
    embedding_key: SecretStr = SecretStr("")
    """Its key."""


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
    target_seconds: float = Field(900, gt=0, le=31_536_000)
    """One plan per target in this time."""
    actions_per_hour: int = Field(6, gt=0, le=1_000_000)
    """Actions in all in any hour; what a plan intends counts as soon as it is begun, here and below."""
    kind_per_hour: int = Field(4, gt=0, le=1_000_000)
    """Actions of one kind in any hour."""
    service_per_hour: int = Field(3, gt=0, le=1_000_000)
    """Actions on one service in any hour."""
    target_per_day: int = Field(6, gt=0, le=1_000_000)
    """Actions on one target in any day."""
    max_share: float = Field(1.0, gt=0, le=1)
    """Share of a service's running processes that one plan may interrupt; the inventory may say less for a service."""
    max_ineffective: int = Field(2, gt=0, le=1_000_000)
    """Actions on a target within a day that did not help, or made it worse, after which the next pages instead."""
    evidence_seconds: float = Field(120, gt=0, le=31_536_000)
    """Older evidence never leads to an action."""
    approval_seconds: float = Field(1_800, gt=0, le=31_536_000)
    """How long a plan waits for a person who allows it, before the incident is escalated."""
    step_tries: int = Field(5, gt=0, le=1_000_000)
    """Tries of one step of an answer, after which the incident goes to a human as failed."""
    inventory: str = ""
    """YAML file that says which service runs where, relative to the project; empty: nothing may be acted upon."""
    effect_seconds: EffectSettings = EffectSettings()
    """The longest that one effect may take, by kind."""
    autonomy: AutonomySettings = AutonomySettings()
    """How a playbook earns the right to act on a service, and loses it."""
    commands: dict[str, CommandSettings] = Field(default_factory=dict)
    """Name to a command that `run_command` may run; nothing else is ever run."""
    webhooks: dict[str, WebhookSettings] = Field(default_factory=dict)
    """Name to a webhook that `call_webhook` may call."""
    systemd_bus: str = Field("system", pattern="^(system|user)$")
    """Whose units may be acted upon: the system's or the user's."""
    kubeconfig: str = ""
    """File that says how to reach Kubernetes; empty: the service account of the pod that this runs in."""
    kube_context: str = ""
    """Context of that file; empty: its current one."""
    prometheus_rules: bool = False
    """On: a sharper watch on a workload of Kubernetes adds a PrometheusRule for as long, beside our own watch."""
    supervisord_url: SecretStr = SecretStr("")
    """XML-RPC address of the supervisord whose processes may be acted upon: unix:///… or http[s]://…"""

    @field_validator("supervisord_url")
    @classmethod
    def _of_a_supervisord(cls, url: SecretStr) -> SecretStr:
        """The error must not repeat the URL: it may hold a password."""
        return without_problem(url, supervisord_problem)


class PersonSettings(Branch):
    """One person."""

    role: Role
    """What the person may do."""


class LedgerSettings(Branch):
    """The record of decisions."""

    anchor: SecretStr = SecretStr("")
    """A second place for the heads of the chain: /a/file, topic:NAME, or a URL that takes a POST; empty: none."""

    @field_validator("anchor")
    @classmethod
    def _a_place_that_we_know(cls, place: SecretStr) -> SecretStr:
        """The error must not repeat it: the path of a URL may be a password."""
        return without_problem(place, anchor_problem)


class CallSettings(Branch):
    """Holds for each call to the outside."""

    max_retries: int = Field(3, ge=0, le=1_000_000)
    """Tries after the first."""
    timeout_seconds: float = Field(30, gt=0, le=86_400)
    """Longest wait for one try."""
    ca_file: str = ""
    """File of PEM certificates that HTTP calls take beside those of the machine; relative to the project."""


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
    """JSON lines, rotated; relative to the home, `SRE_HOME`."""

    @field_validator("level", mode="before")
    @classmethod
    def _as_logging_writes(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value


class Settings(Branch):
    """The whole tree."""

    kafka: KafkaSettings = KafkaSettings()
    quality: QualitySettings = QualitySettings()
    store: StoreSettings = StoreSettings()
    detection: DetectionSettings = DetectionSettings()
    incidents: IncidentSettings = IncidentSettings()
    playbooks: PlaybookSettings = PlaybookSettings()
    retrieval: RetrievalSettings = RetrievalSettings()
    mitigation: MitigationSettings = MitigationSettings()
    llm: LlmSettings = LlmSettings()
    paging: PagingSettings = PagingSettings()
    http: HttpSettings = HttpSettings()
    slo: SloSettings = SloSettings()
    canary: CanarySettings = CanarySettings()
    encryption: EncryptionSettings = EncryptionSettings()
    ledger: LedgerSettings = LedgerSettings()
    calls: CallSettings = CallSettings()
    servers: ServerSettings = ServerSettings()
    logging: LoggingSettings = LoggingSettings()
    people: dict[str, PersonSettings] = Field(default_factory=dict)
    """Who may say what, such as `ann: {role: approver}`, in the environment as JSON; empty: whoever can run `sre`."""


def people_of(settings: Settings) -> People:
    """Everybody whom the settings name."""
    return People({name: person.role for name, person in settings.people.items()})


def without_secrets(settings: Settings) -> Settings:
    """The same tree without the credentials of paging, actions and the LLM: what `watch` may hold."""
    acting = {"supervisord_url": SecretStr(""), "kubeconfig": "", "webhooks": {}}
    return settings.model_copy(
        update={
            "paging": without_credentials(settings.paging),
            "llm": settings.llm.model_copy(update={"api_key": SecretStr("")}),
            "mitigation": settings.mitigation.model_copy(update=acting),
            "retrieval": settings.retrieval.model_copy(update={"embedding_key": SecretStr("")}),
            "ledger": LedgerSettings(),
            "canary": settings.canary.model_copy(update={"heartbeat": SecretStr("")}),
            "http": settings.http.model_copy(update={"token": SecretStr(""), "openid": OpenIdSettings()}),
        }
    )
