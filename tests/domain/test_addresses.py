"""N9, P1, P4: an address that cannot work is refused when settings are read, and no error repeats its secrets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.addresses import anchor_problem, mail_problem, supervisord_problem, web_problem
from domain.settings import Settings

SECRET = "correct-horse"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        pytest.param("unix:///run/supervisor.sock", "", id="socket"),
        pytest.param("http://127.0.0.1:9001", "", id="loopback"),
        pytest.param("https://user:word@host.example:65535/RPC2", "", id="with-login"),
        pytest.param("http://[::1]:9001", "", id="six"),
        pytest.param("127.0.0.1:9001", "must begin with", id="no-scheme"),
        pytest.param("localhost", "must begin with", id="host-alone"),
        pytest.param("ftp://localhost", "must begin with", id="foreign-scheme"),
        pytest.param("unix://run/supervisor.sock", "names no socket", id="relative-socket"),
        pytest.param("unix:///", "names no socket", id="no-socket"),
        pytest.param("http://", "names no host", id="no-host"),
        pytest.param("http://:9001", "names no host", id="port-alone"),
        pytest.param("http://localhost:0", "1 to 65535", id="port-zero"),
        pytest.param("http://localhost:70000", "1 to 65535", id="port-too-high"),
        pytest.param("http://localhost:http", "1 to 65535", id="port-in-letters"),
        pytest.param("http://[::1:9001", "cannot be read", id="open-bracket"),
    ],
)
def test_addresses_of_a_supervisord(url: str, says: str) -> None:
    """N9: one without a scheme passed `sre config`; A8: a wrong port ended a background task."""
    found = supervisord_problem(url)
    assert (says in found) if says else found == ""


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("on-call@localhost", True),
        ("Night Watch <night@example.org>", True),
        ("a@b, c@d", False),
        ("nobody", False),
        ("@example.org", False),
        ("a@", False),
        ("a@b@c", False),
        ("a b@c", False),
        ("a@b\r\nBcc: c@d", False),
        ("jürgen@example.org", False),
        ("<>", False),
        ("", False),
    ],
)
def test_mail_addresses(text: str, good: bool) -> None:  # noqa: FBT001 - a column of the table
    assert good is (mail_problem(text) == "")


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("/var/lib/anchors/sre", ""),
        ("topic:ledger-heads", ""),
        ("https://hooks.example.org/secret", ""),
        ("anchors/sre", "must be /a/file"),
        ("s3://bucket/heads", "must be /a/file"),
        ("topic:", "names no topic"),
        ("topic:with space", "names no topic"),
        ("https://:9/x", "names no host"),
    ],
)
def test_places_for_anchors(place: str, says: str) -> None:
    """A16: neither a file, nor a topic, nor a URL is refused."""
    found = anchor_problem(place)
    assert (says in found) if says else found == ""


@given(st.text(max_size=30))
def test_no_text_breaks_a_check(text: str) -> None:
    for check in (web_problem, supervisord_problem, mail_problem, anchor_problem):
        assert isinstance(check(f"http://{text}"), str)
        assert isinstance(check(text), str)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"mitigation": {"supervisord_url": f"user:{SECRET}@localhost:9001"}}, id="supervisord"),
        pytest.param({"mitigation": {"supervisord_url": f"http://user:{SECRET}@localhost:99999"}}, id="its-port"),
        pytest.param({"ledger": {"anchor": f"htps://hooks.example.org/{SECRET}"}}, id="anchor"),
    ],
)
def test_an_error_does_not_repeat_a_secret(document: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate(document)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("email", "paging", "refused"),
    [
        pytest.param({"host": "mail", "recipients": []}, {}, True, id="nobody"),
        pytest.param({"host": "mail", "recipients": ""}, {}, True, id="empty-text"),
        pytest.param({"host": "mail", "recipients": ["a"]}, {}, True, id="no-address"),
        pytest.param({"host": "mail", "sender": "agent"}, {}, True, id="no-sender"),
        pytest.param({"host": "mail", "recipients": []}, {"enabled": False}, False, id="switched-off"),
        pytest.param({"recipients": []}, {}, False, id="no-server-either"),
        pytest.param({"host": "mail", "recipients": ["a@b"]}, {}, False, id="somebody"),
    ],
)
def test_paging_that_reaches_nobody_is_refused(
    email: dict[str, object],
    paging: dict[str, object],
    refused: bool,  # noqa: FBT001
) -> None:
    """P1: no recipients lost a page at the first try."""
    document = {"paging": {"email": email, **paging}}
    if refused:
        with pytest.raises(ValidationError):
            Settings.model_validate(document)
    else:
        assert Settings.model_validate(document)
