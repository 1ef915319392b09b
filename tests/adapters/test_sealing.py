"""What is sealed opens with its key, in its place, and nowhere else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.encryption_keys import VARIABLE, keyring_of
from adapters.sealing import MAGIC, PLAIN, SEALED, SIGNED, Keyring, key_id
from domain.encryption_settings import EncryptionSettings
from domain.errors import BadSettings, Refused
from tests.parts.keys_part import FIRST, SECOND, a_keyring, line

ON = EncryptionSettings(enabled=True)
TEXTS = st.text(st.characters(codec=None), max_size=200)
# Bytes and texts that look as if we had sealed them.
FORGED = st.sampled_from([MAGIC, MAGIC + b"\0", MAGIC + b"\x03one", MAGIC + b"\xff"])
FORGED_TEXTS = st.sampled_from([SEALED, f"{SEALED}:", f"{SEALED}2026-01:AAAA", SIGNED, f"{SIGNED}AAAA"])
RINGS = [pytest.param(a_keyring(), id="sealed"), pytest.param(PLAIN, id="plain")]


@pytest.mark.parametrize("ring", RINGS)
@given(data=st.binary(max_size=300) | FORGED)
def test_bytes_come_back_also_those_that_look_sealed(ring: Keyring, data: bytes) -> None:
    assert data == ring.open(ring.seal(data, "place"), "place")


@pytest.mark.parametrize("ring", RINGS)
@given(text=TEXTS | FORGED_TEXTS)
def test_texts_come_back_also_those_that_look_sealed(ring: Keyring, text: str) -> None:
    assert text == ring.open_text(ring.seal_text(text, "place"), "place")
    assert text == ring.open_text(ring.sign_text(text), "place")


def test_what_was_written_before_is_read_as_it_is() -> None:
    assert b"plain" == a_keyring().open(b"plain", "place")
    assert "plain" == a_keyring().open_text("plain", "place")


def test_sealed_is_neither_the_text_nor_twice_the_same_and_names_its_key() -> None:
    ring = a_keyring()
    first, second = (ring.seal(b"payment of Ann", "place") for _ in range(2))
    assert b"Ann" not in first
    assert first != second
    assert FIRST.id == key_id(first)
    assert ring.seal_text("Ann", "place").startswith(f"{SEALED}{FIRST.id}:")


def test_the_first_key_seals_and_all_open() -> None:
    old = a_keyring(FIRST).seal(b"x", "place")
    both = a_keyring(SECOND, FIRST)
    assert SECOND.id == key_id(both.seal(b"x", "place"))
    assert b"x" == both.open(old, "place")


@pytest.mark.parametrize(
    ("ring", "told"),
    [
        pytest.param(Keyring([SECOND]), "the key 2026-01, which is not there .given: 2026-02.; add it", id="another"),
        pytest.param(PLAIN, "the key 2026-01, which is not there .none is given.; add it", id="none"),
    ],
)
def test_without_its_key_the_error_names_it(ring: Keyring, told: str) -> None:
    for sealed in (a_keyring().seal(b"x", "logs.body"), a_keyring().seal_text("x", "logs.body")):
        with pytest.raises(BadSettings, match=told):
            ring.open(sealed, "logs.body") if isinstance(sealed, bytes) else ring.open_text(sealed, "logs.body")


def test_a_signed_text_without_any_key_is_told_of() -> None:
    with pytest.raises(BadSettings, match=r"incidents\.template is sealed, and no key is given"):
        PLAIN.open_text(a_keyring().sign_text("x"), "incidents.template")


@pytest.mark.parametrize("at", [5, 13, 40, -1])
def test_what_was_changed_does_not_open(at: int) -> None:
    sealed = bytearray(a_keyring().seal(b"a message", "place"))
    sealed[at] ^= 1
    with pytest.raises((Refused, BadSettings)):
        a_keyring().open(bytes(sealed), "place")


@pytest.mark.parametrize("length", range(len(MAGIC), 60))
def test_what_was_cut_does_not_open(length: int) -> None:
    sealed = a_keyring().seal(b"a message of a log", "place")
    cut = sealed[:length]
    try:
        found = a_keyring().open(cut, "place")
    except (Refused, BadSettings):
        return
    assert b"" == found  # a head without an id holds nothing


def test_nothing_opens_in_another_place() -> None:
    with pytest.raises(Refused, match="alerts does not open with 2026-01: it was changed, or it belongs elsewhere"):
        a_keyring().open(a_keyring().seal(b"x", "incidents"), "alerts")


def test_a_text_is_signed_the_same_over_a_rotation() -> None:
    before, after = a_keyring(FIRST), a_keyring(SECOND, FIRST)
    assert before.sign_text("pool <*>") == after.sign_text("pool <*>")
    assert before.sign("pool <*>") == after.sign("pool <*>")
    assert before.sign("pool <*>") != before.sign("pool")
    assert "pool" not in before.sign_text("pool <*>") + before.sign("pool <*>")


def test_two_stores_sign_differently() -> None:
    rings = [Keyring([FIRST]), Keyring([FIRST])]
    for ring in rings:
        ring.take_signing_key(ring.new_signing_key())
    assert rings[0].sign("x") != rings[1].sign("x")


@pytest.mark.parametrize(
    ("settings", "environ", "told"),
    [
        pytest.param(ON, {}, f"encryption.enabled: there is no key; set {VARIABLE}, ", id="none"),
        pytest.param(ON, {VARIABLE: "nonsense"}, f"{VARIABLE}: key 1 has no id", id="no key in the variable"),
        pytest.param(
            ON.model_copy(update={"keys_file": "/nowhere"}), {}, "keys_file: /nowhere cannot be read", id="no file"
        ),
        pytest.param(ON.model_copy(update={"keys_file": "/x"}), {VARIABLE: line(FIRST)}, "keep one of them", id="both"),
        pytest.param(ON.model_copy(update={"keys_command": "false"}), {}, "keys_command: exit code 1", id="it fails"),
        pytest.param(ON.model_copy(update={"keys_command": "/no/such"}), {}, "/no/such cannot be run", id="no command"),
        pytest.param(ON.model_copy(update={"keys_command": "a 'b"}), {}, "keys_command: No closing", id="no words"),
        pytest.param(
            ON.model_copy(update={"keys_command": "sleep 5", "command_seconds": 0.05}),
            {},
            "no answer within",
            id="hangs",
        ),
    ],
)
def test_keys_that_cannot_be_had_are_told_of(settings: EncryptionSettings, environ: dict[str, str], told: str) -> None:
    with pytest.raises(BadSettings, match=told):
        keyring_of(settings, environ)


def test_keys_from_the_variable_a_file_and_a_command(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{line(SECOND)}\n{line(FIRST)}\n")
    prints = f"{sys.executable} -c 'print(open(\"{file}\").read())'"
    rings = (
        keyring_of(ON, {VARIABLE: f"{line(SECOND)} {line(FIRST)}"}),
        keyring_of(ON.model_copy(update={"keys_file": str(file)}), {}),
        keyring_of(ON.model_copy(update={"keys_command": prints}), {}),
    )
    assert [(SECOND.id, FIRST.id)] * 3 == [ring.ids for ring in rings]
    assert [SECOND.id] * 3 == [ring.sealing_id for ring in rings]


def test_off_is_plain_and_with_keys_still_reads_what_is_sealed() -> None:
    assert keyring_of(EncryptionSettings(), {}) is PLAIN
    reads = keyring_of(EncryptionSettings(), {VARIABLE: line(FIRST)})
    assert b"x" == reads.open(a_keyring().seal(b"x", "place"), "place")
    assert b"x" == reads.seal(b"x", "place")
