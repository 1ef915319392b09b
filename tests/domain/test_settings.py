"""The tree of settings: frozen, closed, documented, and careful with secrets."""

from __future__ import annotations

import re

import pytest
from pydantic import SecretStr, ValidationError

from domain.kafka_settings import OURS, KafkaSettings
from domain.masking import MASK, masked_urls, secrets, shown
from domain.paging_settings import EmailSettings
from domain.settings import LoggingSettings, Settings, StoreSettings, without_secrets
from domain.settings_acting import WebhookSettings
from domain.settings_keys import OPEN, WITHOUT_EFFECT, leaves, values

PASSWORD = "correct-horse"


def with_secrets() -> Settings:
    """A tree in which everything that may be secret is."""
    return Settings.model_validate(
        {
            "kafka": {"client": {"sasl.password": "kafka-word", "security.protocol": "SASL_SSL"}},
            "store": {"url": "postgresql://agent:store-word@db/agent"},
            "mitigation": {"supervisord_url": "http://user:action-word@localhost:9001"},
            "ledger": {"anchor": "https://hooks.example.org/anchors/anchor-word"},
            "llm": {"api_key": "llm-word"},
            "paging": {
                "webhook": "https://hooks.example.org/services/webhook-word",
                "email": {"username": "mail-user", "password": "mail-word"},
                "pagerduty": {"routing_key": "pagerduty-word"},
            },
        }
    )


def clear_texts(settings: Settings) -> str:
    """Every value in clear, in one text."""
    found = values(settings).values()
    return " ".join(value.get_secret_value() if isinstance(value, SecretStr) else str(value) for value in found)


def test_settings_need_nothing() -> None:
    assert Settings().kafka.topic == "system-logs"


def test_acting_is_off_until_a_person_turns_it_on() -> None:
    assert Settings().mitigation.acting is False


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().kafka.topic = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"kafka": {"topc": "logs"}}, id="unknown-key"),
        pytest.param({"kafka": {"batch_rows": 0}}, id="no-rows"),
        pytest.param({"kafka": {"batch_seconds": float("inf")}}, id="endless"),
        pytest.param({"detection": {"confidence_threshold": 1.1}}, id="above-one"),
        pytest.param({"mitigation": {"max_risk": "extreme"}}, id="no-such-risk"),
        pytest.param({"paging": {"email": {"port": 70_000}}}, id="no-such-port"),
        pytest.param({"store": {"url": "mysql://localhost/x"}}, id="foreign-database"),
    ],
)
def test_wrong_values_are_refused(document: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(document)


def test_every_setting_is_documented() -> None:
    assert [key for key, field in leaves() if not (field.description or "").strip()] == []


def test_lists_of_special_keys_name_existing_settings() -> None:
    assert {key for key, _ in leaves()} >= OPEN | WITHOUT_EFFECT


def test_values_of_an_open_branch_stand_by_their_own_names() -> None:
    assert "kafka.client.sasl.password" in values(with_secrets())
    assert values(Settings())["kafka.client"] == {}


@pytest.mark.parametrize(
    ("given", "expected"), [(6000, "6000"), (True, "true"), (False, "false"), (0.5, "0.5"), ("PLAIN", "PLAIN")]
)
def test_librdkafka_gets_text(given: object, expected: str) -> None:
    settings = KafkaSettings.model_validate({"client": {"some.key": given}})
    assert expected == settings.client["some.key"].get_secret_value()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a@x", ("a@x",)),
        ("a@x, b@y,", ("a@x", "b@y")),
        (["a@x", "b@y"], ("a@x", "b@y")),
        (["a@x, b@y"], ("a@x", "b@y")),  # P4: the second one was never reached
    ],
)
def test_recipients_may_be_one_text(given: object, expected: tuple[str, ...]) -> None:
    assert expected == EmailSettings.model_validate({"recipients": given}).recipients


def test_level_may_be_lower_case() -> None:
    assert LoggingSettings(level="debug").level == "DEBUG"


def test_watch_holds_no_credential_of_paging_actions_or_llm() -> None:
    left = clear_texts(without_secrets(with_secrets()))
    for word in ("action-word", "anchor-word", "llm-word", "webhook-word", "mail-user", "mail-word", "pagerduty-word"):
        assert word not in left


def test_watch_keeps_what_it_works_with() -> None:
    left = clear_texts(without_secrets(with_secrets()))
    assert "kafka-word" in left
    assert "store-word" in left


def test_repr_and_printed_values_show_no_secret() -> None:
    settings = with_secrets()
    text = repr(settings) + repr({key: shown(key, value) for key, value in values(settings).items()})
    assert [
        word for word in ("kafka", "store", "action", "anchor", "llm", "webhook", "mail") if f"{word}-word" in text
    ] == []


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        pytest.param("llm.api_key", SecretStr("key"), MASK, id="secret"),
        pytest.param("llm.api_key", SecretStr(""), "", id="unset"),
        pytest.param("kafka.client.security.protocol", SecretStr("SASL_SSL"), "SASL_SSL", id="harmless-client-key"),
        pytest.param("kafka.client.sasl.password", SecretStr("x"), MASK, id="client-password"),
        pytest.param("kafka.client.ssl.key.pem", SecretStr("x"), MASK, id="client-key"),
        pytest.param("kafka.client.new.thing", SecretStr("x"), MASK, id="unknown-client-key"),
        pytest.param("store.url", SecretStr("postgresql://a:b@h/d"), f"postgresql://a:{MASK}@h/d", id="database"),
        pytest.param("ledger.anchor", SecretStr("https://h.org/T/B"), f"https://h.org/{MASK}", id="anchor-webhook"),
        pytest.param("ledger.anchor", SecretStr("topic:heads"), "topic:heads", id="anchor-topic"),
        pytest.param(
            "mitigation.supervisord_url",
            SecretStr("http://u:p@h:1/RPC2"),
            f"http://u:{MASK}@h:1/RPC2",
            id="supervisord",
        ),
        pytest.param("paging.webhook", SecretStr("https://h.org/T/B"), f"https://h.org/{MASK}", id="webhook"),
        pytest.param("paging.webhook", SecretStr("https://u:p@h.org/T"), MASK, id="webhook-with-login"),
        pytest.param("servers.prefect_api_url", "http://u:p@h/api", f"http://u:{MASK}@h/api", id="plain-url"),
        pytest.param("paging.email.recipients", ("a@x",), ["a@x"], id="list"),
    ],
)
def test_shown(key: str, value: object, expected: object) -> None:
    assert expected == shown(key, value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://a:b@h/d", "postgresql://a:***@h/d"),
        ("postgresql://a:p/w@rd@h/d", "postgresql://a:***@h/d"),
        (
            "postgresql:///d?host=/run&password=word&sslmode=require",
            "postgresql:///d?host=/run&password=***&sslmode=require",
        ),
        ("postgresql://a@h/d", "postgresql://a@h/d"),
        ("http://localhost:4200/api", "http://localhost:4200/api"),
        ('{"url": "http://h:80/x", "to": "a@b"}', '{"url": "http://h:80/x", "to": "a@b"}'),
    ],
)
def test_passwords_in_urls_are_masked(text: str, expected: str) -> None:
    assert expected == masked_urls(text)


def test_secrets_are_listed_for_the_log_without_harmless_words() -> None:
    found = secrets(with_secrets())
    assert "mail-word" in found
    assert "SASL_SSL" not in found


def test_a_wrong_database_url_is_not_repeated() -> None:
    with pytest.raises(ValidationError) as caught:
        StoreSettings.model_validate({"url": f"mysql://u:{PASSWORD}@h/d"})
    assert PASSWORD not in str(caught.value)


def test_the_address_and_the_key_of_a_webhook_are_secrets() -> None:
    hook = WebhookSettings(url="https://hooks.example/T0K3N", secret="s3cret")
    assert {"https://hooks.example/T0K3N", "s3cret"} <= secrets(Settings(mitigation={"webhooks": {"tell": hook}}))


def test_secrets_of_named_receivers_are_hidden_too() -> None:
    paging = {
        "webhooks": {"ops": {"url": "https://h.org/T/path1", "secret": "secret2"}},
        "teams": {"ops": "https://t.org/path3"},
        "apprise": {"ops": "ntfy://topic4"},
        "pagerduty": {"routing_keys": {"db": "routing5"}},
        "alertmanagers": {"ops": "http://u:hidden6@am:9093"},
    }
    tree = Settings.model_validate({"paging": paging})
    expected = {"https://h.org/T/path1", "secret2", "https://t.org/path3", "ntfy://topic4", "routing5"}
    assert expected <= secrets(tree)
    for key, value in values(tree).items():
        told = str(shown(key, value))
        assert not any(secret in told for secret in (*expected, "hidden6"))


@pytest.mark.parametrize("key", sorted(OURS))
def test_i3_what_exactly_once_rests_on_cannot_be_set_otherwise(key: str) -> None:
    """I3: `kafka.client` could override where reading begins, whose group it is and what counts as read."""
    with pytest.raises(ValidationError, match=re.escape(f"{key} cannot be set")):
        KafkaSettings(client={key: SecretStr("latest")})
