"""What must not leave is numbered; the same secret has the same number, and nothing of it is left."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.disguise import Disguise, shown
from domain.quoted import mask_quoted

TOKEN, OTHER = "tok3n-of-ann-8812", "tok3n-of-bob-9911"


def test_the_same_secret_has_the_same_number_in_every_text() -> None:
    disguise = Disguise(mask_quoted)
    first = disguise.hide(f"login failed: password={TOKEN} from host 7")
    second = disguise.hide(f"again password={TOKEN}, then password={OTHER}")
    assert "login failed: password=HIDDEN_1 from host 7" == first
    assert "again password=HIDDEN_1, then password=HIDDEN_2" == second


def test_hiding_twice_changes_nothing() -> None:
    disguise = Disguise(mask_quoted)
    once = disguise.hide(f"mail to ann@example.com with password={TOKEN}")
    assert disguise.hide(once) == once


def test_people_see_every_number_hidden_alike() -> None:
    assert "password=*** and ***" == shown("password=HIDDEN_3 and HIDDEN_0")


def test_a_mask_that_moves_text_about_hides_without_numbers() -> None:
    assert "HIDDEN_0 and more" == Disguise(lambda _: "*** and more").hide("something else: secret")


@pytest.mark.parametrize("text", ["", "nothing to hide", "HIDDEN_1 is written here"])
def test_what_hides_nothing_stays(text: str) -> None:
    assert Disguise(mask_quoted).hide(text) == text


@given(before=st.text(max_size=30), after=st.text(max_size=30), times=st.integers(1, 3))
def test_nothing_of_a_secret_is_left_wherever_it_stands(before: str, after: str, times: int) -> None:
    hidden = Disguise(mask_quoted).hide(" ".join([f"{before} password={TOKEN} {after}"] * times))
    assert TOKEN not in hidden
