"""Master keys as people give them."""

from __future__ import annotations

import base64

import pytest
from pydantic import ValidationError

from domain.encryption_keys import MasterKey, parse_keys
from domain.encryption_settings import EncryptionSettings
from domain.errors import BadSettings
from tests.parts.keys_part import FIRST, SECOND, line

SHORT = base64.b64encode(b"sixteen bytes ok").decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(line(FIRST), (FIRST,), id="one key"),
        pytest.param(
            f"{line(FIRST)},{line(SECOND)}", (FIRST, SECOND), id="several between commas, the first one first"
        ),
        pytest.param(f"# keys\n{line(SECOND)}  # new\n\n{line(FIRST)}\n", (SECOND, FIRST), id="a file with comments"),
    ],
)
def test_keys_are_read(text: str, expected: tuple[MasterKey, ...]) -> None:
    assert expected == parse_keys(text, "here")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("", "here: no key; write `id:base64`", id="none"),
        pytest.param("# only a comment", "here: no key", id="only a comment"),
        pytest.param(line(FIRST).partition(":")[2], "here: key 1 has no id", id="without an id"),
        pytest.param(f"a/b:{SHORT}", "here: key 1 has no id", id="an id that no file could hold"),
        pytest.param("one:***", "here: key one is not base64", id="not base64"),
        pytest.param(f"one:{SHORT}", "here: key one has 16 bytes, not 32", id="too short"),
        pytest.param(f"{line(FIRST)}\n{line(FIRST)}", "here: 2026-01 names two keys", id="one id twice"),
    ],
)
def test_what_is_no_key_is_told_with_the_fix_and_without_the_key(text: str, told: str) -> None:
    """Fault 5: what cannot apply is an error at load, which names the place."""
    with pytest.raises(BadSettings, match=told) as caught:
        parse_keys(text, "here")
    assert SHORT not in str(caught.value)


def test_a_key_never_shows_its_secret() -> None:
    assert "secret" not in repr(FIRST)


def test_two_places_for_keys_are_refused() -> None:
    with pytest.raises(ValidationError, match="keep one of them"):
        EncryptionSettings(keys_file="keys", keys_command="pass show keys")
