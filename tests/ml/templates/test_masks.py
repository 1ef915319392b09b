"""What shows by its form that it is a value is masked."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.templates import TemplateMiner
from ml.templates.masks import LONGEST, SLICE, shapes


def shown(message: str) -> str | None:
    miner = TemplateMiner()
    (one,) = miner.assign(pa.array([message])).tolist()
    return miner.text_of(one)


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        pytest.param("sent <*> to <*> in <*>", "sent 17 bytes to 10.0.0.7:5432 in 12.5ms", id="address-and-duration"),
        pytest.param("from <*> via eth<*>", "from 00:1b:44:11:3a:b7 via eth0", id="hardware-address"),
        pytest.param("peer <*> left", "peer fe80::1ff:fe23:4567:890a left", id="IPv6"),
        pytest.param("volume <*> is gone", "volume 0b6f6e1c-52f4-4ab2-9c55-6e5a0f2c1d9e is gone", id="UUID"),
        pytest.param("at <*>, mask <*>", "at 0x0b85eee0, mask 0x05", id="hexadecimal"),
        pytest.param("commit <*> is bad", "commit 9fceb02d is bad", id="hexadecimal-word"),
        pytest.param("a decade of added facades", "a decade of added facades", id="words-of-hexadecimal-letters"),
        pytest.param("started at <*>", "started at Sat Jun 18 02:23:10 2005", id="date"),
        pytest.param("<*> ready", "2024-01-02T10:11:12.123+00:00 ready", id="timestamp"),
        pytest.param("Marked <*> nodes, Decoded <*>", "Marked 5 nodes, Decoded 7", id="words-that-begin-like-months"),
        pytest.param("May I come in", "May I come in", id="no-date"),
        pytest.param("get <*> failed", "get https://a.example.com:8443/x?y=1 failed", id="address-of-a-page"),
        pytest.param("mail to <*>", "mail to jo.doe+x@mail.example.com", id="address-of-a-person"),
        pytest.param("open <*>: denied", "open /var/lib/x-1/y.db: denied", id="path"),
        pytest.param("load <*> now", r"load C:\Windows\System32\x.dll now", id="path-with-a-drive"),
        pytest.param("read and/or write", "read and/or write", id="no-path"),
        pytest.param("free <*>, used <*>", "free 5.2 KB, used 17 GB", id="sizes"),
        pytest.param("took <*>", "took 1m30.5s", id="duration"),
        pytest.param("ready=<*>,adj=<*>", "ready=true,adj=-17", id="flags-and-signs"),
        pytest.param("x enabled .. <*>", "x enabled.....1", id="leader"),
        pytest.param("node-<*> and node-<*>", "node-12 and node-[40-63]", id="counted-names"),
        pytest.param("delete <*>", "delete 1 2 3 4", id="list"),
        pytest.param("(empty)", "", id="nothing"),
        pytest.param("Zähler <*> läuft", "Zähler 7 läuft", id="letters-beyond-ASCII"),
    ],
)
def test_a_value_is_masked_by_its_form(expected: str, message: str) -> None:
    assert expected == shown(message)


@given(st.lists(st.one_of(st.none(), st.text(max_size=40))), st.integers(0, 5))
def test_shapes_have_one_digit_for_many(messages: list[str | None], start: int) -> None:
    column = pa.array(messages, pa.string()).slice(start)
    expected = [re.sub("[0-9]+", "0", one or "") for one in messages[start:]]
    assert expected == shapes(column).to_pylist()


def test_shapes_are_the_same_over_slices() -> None:
    messages = [f"{number} of {number * 7}" for number in range(SLICE + 10)]
    assert ["0 of 0"] * len(messages) == shapes(pa.chunked_array([messages[:5], messages[5:]])).to_pylist()


def test_a_long_message_is_cut_between_words() -> None:
    message = "word " * LONGEST
    (found,) = shapes(pa.array(["short 1", message])).to_pylist()[1:]
    assert len(found) <= LONGEST
    assert set(found.split()) == {"word"}
