"""What comes out of logs is masked before it is asked about, however it is written there."""

from __future__ import annotations

import pyarrow as pa
import pytest

from adapters.log_blocks import STORED
from adapters.log_masks import document_mask, masked_tables
from adapters.redaction import redaction

MASK = redaction()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("password=hunter2", id="as it is"),
        pytest.param('{"password":"hunter2"}', id="in JSON"),
        pytest.param('{"pass\\u0077ord":"hunter2"}', id="behind an escape"),
        pytest.param('{"message":"{\\"pass\\\\u0077ord\\":\\"hunter2\\"}"}', id="behind two"),
        pytest.param('[{"a":["pass\\u0077ord=hunter2"]}]', id="deep inside"),
    ],
)
def test_no_escape_hides_a_secret(text: str) -> None:
    assert "hunter2" not in document_mask(MASK)(text)
    assert "***" in document_mask(MASK)(text)


def test_what_is_nested_too_deep_to_be_looked_at_is_not_told() -> None:
    text = "[" * 1_000 + '"pass\\u0077ord=hunter2"' + "]" * 1_000
    assert "hunter2" not in document_mask(MASK)(text)


def test_every_text_of_a_log_is_masked_and_nothing_else() -> None:
    secret = "password=hunter2"
    log = {name: secret for name in STORED.names if pa.types.is_string(STORED.field(name).type)}
    log |= {"key": secret.encode(), "body": secret.encode("utf-16"), "measured": [(secret, 1.0)], "offset": 7}
    whole = pa.Table.from_pylist([log, {}, log], schema=STORED)
    (found,) = masked_tables([whole], MASK)
    assert STORED == found.schema
    assert "hunter2" not in str(found.to_pylist())
    assert [7, None, 7] == found["offset"].to_pylist()
    assert {None} == set(found.slice(1, 1).to_pylist()[0].values())
    assert b"password=***" == found["key"][0].as_py()
    assert b"***" == found["body"][0].as_py()  # no UTF-8, so nobody could say what is in it
    assert [("password=***", 1.0)] == found["measured"][0].as_py()


def test_a_question_is_not_held_up_by_one_large_table() -> None:
    whole = pa.Table.from_pylist([{"message": f"log {n}"} for n in range(25_000)], schema=STORED)
    parts = list(masked_tables([whole], MASK))
    assert 3 == len(parts)
    assert whole == pa.concat_tables(parts).combine_chunks()
