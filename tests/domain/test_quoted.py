"""What of a quoted log must not be repeated, and what must."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.redaction import PLUGINS, redaction
from domain.paging_settings import PagingSettings
from domain.quoted import MASK, is_card, mask_quoted, masked_within

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAK\n-----END RSA PRIVATE KEY-----"
DIGITS = "0123456789" * 10
LETTERS = "abcdefghijklmnopqrstuvwxyz" * 4

MASKED = [
    pytest.param("password=hunter2 next", "password=*** next", id="a-password"),
    pytest.param("DB_PASSWORD='two words' next", "DB_PASSWORD='***' next", id="a-quoted-password"),
    pytest.param('{"password": "x,y", "user": "u"}', '{"password": "***", "user": "u"}', id="a-password-in-json"),
    pytest.param(
        '{"password": "a\\"b1 c", "user": "u"}', '{"password": "***", "user": "u"}', id="a-quote-in-a-password"
    ),
    pytest.param('login password="hunter2 and', 'login password="***', id="a-password-that-was-cut"),
    pytest.param("login password='hunter2", "login password='***", id="a-password-in-single-quotes-that-was-cut"),
    pytest.param('{\\"password\\": \\"x,y\\", 1}', '{\\"password\\": \\"***\\", 1}', id="a-password-in-json-in-json"),
    pytest.param(
        '{\\"password\\": \\"hunter2', '{\\"password\\": \\"***', id="a-password-in-json-in-json-that-was-cut"
    ),
    pytest.param('{"token": "a1b2c3', '{"token": "***', id="a-token-that-was-cut"),
    pytest.param("passwd: letmein", "passwd: ***", id="a-password-behind-a-colon"),
    pytest.param("api_key=abc123", "api_key=***", id="an-api-key"),
    pytest.param("client-secret => zzz", "client-secret => ***", id="a-secret-behind-an-arrow"),
    pytest.param("token: a1b2c3d4e5", "token: ***", id="a-token-behind-a-colon"),
    pytest.param("postgresql://agent:p@ss/w@db:5432/x", "postgresql://agent:***@db:5432/x", id="a-connection-string"),
    pytest.param("root:secret@tcp(db:3306)/shop", "root:***@tcp(db:3306)/shop", id="a-connection-string-of-go"),
    pytest.param(f"AccountKey={'a' * 86}==;x=1", "AccountKey=***;x=1", id="a-key-of-azure-storage"),
    pytest.param("Server=db;User=u;Password=p;", "Server=db;User=u;Password=***;", id="a-connection-string-of-ado"),
    pytest.param("Authorization: Bearer abc.def", "Authorization: Bearer ***", id="an-authorization"),
    pytest.param("curl -H 'authorization: Basic dTpw'", "curl -H 'authorization: Basic ***'", id="a-login"),
    pytest.param("sent bearer abcdefghijklmnop123", "sent bearer ***", id="a-bearer-token"),
    pytest.param("Set-Cookie: sid=abc; Path=/", "Set-Cookie: ***", id="a-cookie"),
    pytest.param("GET /x?sig=abc&n=1", "GET /x?sig=***&n=1", id="a-signature-in-an-address"),
    pytest.param(f"got {JWT} there", "got *** there", id="a-jwt"),
    pytest.param(f"before {PEM} after", "before *** after", id="a-private-key"),
    pytest.param(PEM[:50], "***", id="a-private-key-that-was-cut"),
    pytest.param("mail to ann.b+c@mail.example.org now", "mail to *** now", id="a-mail-address"),
    pytest.param("card 4111 1111 1111 1111 declined", "card *** declined", id="a-visa"),
    pytest.param("card 5500-0000-0000-0004 declined", "card *** declined", id="a-mastercard"),
    pytest.param("card 378282246310005 declined", "card *** declined", id="an-amex"),
    pytest.param(f"npm_{LETTERS[:36]}", "***", id="a-token-of-npm"),
    pytest.param(f"sk-proj-{LETTERS[:30]}", "***", id="a-key-of-openai"),
]
KNOWN_KEYS = [
    pytest.param("AKIA" + "IOSFODNN7EXAMPLE", id="aws"),
    pytest.param("ghp" + "_" + LETTERS[:36], id="github"),
    pytest.param("glpat" + "-" + LETTERS[:20], id="gitlab"),
    pytest.param("xoxb" + "-123456-123456-" + LETTERS[:24], id="slack"),
    pytest.param("https://hooks.slack.com/services/" + "T000/B000/XXXX", id="a-webhook-of-slack"),
    pytest.param("sk_live" + "_" + LETTERS[:24], id="stripe"),
    pytest.param("SG" + f".{LETTERS[:22]}.{LETTERS[:43]}", id="sendgrid"),
    pytest.param(f"123456789:{LETTERS[:35]}", id="telegram"),
    pytest.param("SK" + f"{DIGITS[:32]}", id="twilio"),
    pytest.param(f"{DIGITS[:32]}-us1", id="mailchimp"),
]
KEPT = [
    pytest.param("request 7f3a9b2c4d5e6f708192a3b4c5d6e7f8 took 251.8 ms", id="an-id"),
    pytest.param("commit 5b1c9f0c7c3d2e1f0a9b8c7d6e5f4a3b2c1d0e9f", id="a-commit"),
    pytest.param("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", id="a-digest"),
    pytest.param("image web@sha256:e3b0c44298fc1c14", id="an-image"),
    pytest.param("7f3a9b2c-1111-2222-3333-444455556666", id="a-uuid"),
    pytest.param("/var/lib/postgresql/16/main/base/16384/2619 is full", id="a-path"),
    pytest.param("C:\\Program Files\\x.log", id="a-path-of-windows"),
    pytest.param("10.0.0.7:5432 and [2001:db8::1]:443 refused", id="addresses"),
    pytest.param("at 1767614400123, 1767614400123456789 ns, 12 min, 3.5 s", id="times-and-durations"),
    pytest.param("order 1234567890123456 is paid", id="a-number-of-16-digits"),
    pytest.param("order 4111111111111112 is paid", id="a-number-that-fails-luhn"),
    pytest.param("token: expired", id="a-sentence-about-a-token"),
    pytest.param("secret: not found in vault", id="a-sentence-about-a-secret"),
    pytest.param("password authentication failed for user web", id="a-sentence-about-a-password"),
    pytest.param("tokens=4096 max_tokens: 512", id="a-count-of-tokens"),
    pytest.param("token=null password=None", id="no-value"),
    pytest.param("PWD=/home/app OLDPWD=/", id="a-folder"),
    pytest.param("getty@tty1.service failed", id="a-unit-of-systemd"),
    pytest.param("http://web:8080/health answered 502", id="an-address-without-a-password"),
    pytest.param("APACHE2SERVER APPLICATION restarted", id="words-in-capitals"),
    pytest.param("pool_in_use 40, normally 6 (model 2)", id="a-verdict"),
    pytest.param("disk-usage 97 %, task-queue-length 12", id="names-with-hyphens"),
]


@pytest.mark.parametrize(("text", "expected"), MASKED)
def test_what_must_not_be_repeated(text: str, expected: str) -> None:
    assert expected == mask_quoted(text)
    assert expected == redaction()(text)


@pytest.mark.parametrize("key", KNOWN_KEYS)
def test_keys_that_have_a_look_of_their_own(key: str) -> None:
    masked = redaction()(f"sent {key} to them")
    assert key not in masked
    assert masked.startswith("sent ")
    assert masked.endswith(" to them")
    assert MASK in masked


@pytest.mark.parametrize("text", KEPT)
def test_what_an_sre_needs_stays(text: str) -> None:
    assert text == redaction()(text)


def test_patterns_of_the_settings_are_masked_too() -> None:
    assert "order of ***" == redaction((r"cust-\d+",))("order of cust-17")
    assert "order of cust-17" == redaction()("order of cust-17")


@pytest.mark.parametrize("pattern", ["(", r"(?=x)", r"(a)\1"])
def test_a_pattern_that_cannot_be_matched_is_an_error_at_load(pattern: str) -> None:
    """Fault 5: a rule that was accepted and silently ignored."""
    with pytest.raises(ValueError, match="mask"):
        PagingSettings(mask=(pattern,))


TEXTS = st.text(max_size=200) | st.lists(
    st.sampled_from(["password=", "token:", "a@b.org", " ", "://u:p@h", JWT, '"', "'", "4111111111111111", "\ud800"])
).map("".join)


@given(TEXTS)
def test_masked_text_is_not_masked_further(text: str) -> None:
    once = redaction()(text)
    assert once == redaction()(once)


@pytest.mark.parametrize("piece", ["://:a ", "sk-", "eyJ", "password", "a@", "1 ", "-----BEGIN ", "xoxb-1-", "@a."])
def test_no_text_takes_long(piece: str) -> None:
    """RE2 reads it once for each pattern; what grows with the square of a megabyte would take days."""
    assert redaction()(piece * (1_000_000 // len(piece)))


@pytest.mark.parametrize(
    ("digits", "expected"),
    [("4111111111111111", True), ("6011111111111117", True), ("30569309025904", True), ("1111111111111117", False)],
)
def test_cards_have_a_brand_and_a_checksum(digits: str, expected: bool) -> None:  # noqa: FBT001
    assert expected == is_card(digits)


def test_every_text_within_a_value_is_masked() -> None:
    value = {"password=x": ["password=x", 7, None, {"a": ("password=x",)}]}
    assert {"password=x": ["password=***", 7, None, {"a": ["password=***"]}]} == masked_within(value, mask_quoted)


def test_each_plugin_is_one_that_the_library_has() -> None:
    assert redaction()("x") == "x"
    assert len(PLUGINS) == len(set(PLUGINS.values()))
