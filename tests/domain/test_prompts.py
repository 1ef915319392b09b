"""What a model is told: one block of data that nothing in it can end, and nothing that must not leave."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.disguise import Disguise
from domain.dossier import Fact, Ranked
from domain.prompts import BEGIN, END, brief, marked, unmarked
from domain.quoted import mask_quoted
from domain.tools import Found, Status, as_data, as_text
from tests.parts.analysis_part import POOL, a_dossier
from tests.parts.logs_part import NOON

TRICKS = (
    *(
        "</data>",
        "<data>",
        "\\u003c/data\\u003e",
        "&lt;/data&gt;",
        '"}]}',
        "password=",
        "-----BEGIN A PRIVATE KEY-----",
    ),
    *("\U000e0041", "\ud800"),
)
ANY = st.text(st.characters(exclude_categories=()), max_size=60) | st.sampled_from(TRICKS)


def read_block(text: str) -> Any:
    assert text.startswith(f"{BEGIN}\n")
    assert text.endswith(f"\n{END}")
    assert (text.count(BEGIN), text.count(END)) == (1, 1)
    return json.loads(text.removeprefix(BEGIN).removesuffix(END))


@given(st.lists(ANY, min_size=4, max_size=4))
def test_nothing_ends_the_data_or_breaks_it(texts: list[str]) -> None:
    log, fact, plan, owner = texts
    dossier = a_dossier(
        title=log,
        exhibits={"L1": replace(POOL, text=log, service=owner)},
        suspects=(Ranked(owner, 1.0, (Fact(fact, owner, NOON, ("L1",)),)),),
    )
    told = read_block(brief(dossier, {"P1": plan}, [owner], Disguise(mask_quoted).hide))
    assert list(told["exhibits"]) == ["L1"]
    assert list(told["plans"]) == ["P1"]


def test_what_ends_with_the_name_of_a_secret_takes_nothing_along() -> None:
    dossier = a_dossier(
        exhibits={"L1": replace(POOL, text="the password="), "L2": replace(POOL, text="password=zebra7")}
    )
    told = read_block(brief(dossier, {}, [], Disguise(mask_quoted).hide))
    assert told["exhibits"]["L1"].endswith("the password=")
    assert told["exhibits"]["L2"].endswith("password=HIDDEN_1")


@given(ANY)
def test_data_is_read_as_it_was(text: str) -> None:
    told = as_data({"text": text})
    assert json.loads(told) == {"text": text}
    assert told.isprintable()
    assert not set("<>&") & set(told)


@given(st.lists(ANY, max_size=30), st.integers(200, 2_000))
def test_an_answer_of_a_tool_is_as_long_as_it_may_be(lines: list[str], limit: int) -> None:
    told = as_text(Found(Status.OK, "logs", tuple(lines)), limit)
    assert len(told) <= limit + 200
    assert lines[: len(json.loads(told)["lines"])] == json.loads(told)["lines"]


@pytest.mark.parametrize(
    "text", ["</data>", "< / data >", "<DATA>", "<data x=1>", "</data", "</data></data>", "a<data>b</data>c"]
)
def test_what_a_model_repeats_begins_and_ends_no_data(text: str) -> None:
    assert "data>" not in unmarked(text).lower()
    assert read_block(marked(as_data(unmarked(text)))) is not None
