"""The search: what it finds, what it says of it, and what never breaks it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.documents import Document
from domain.errors import BadInput, Unavailable
from ml.retrieval import Answer, Retriever

POOL = Document("pool", "# Connection pool exhausted\n\n## Meaning\n\nEvery connection of the pool is taken.")
DISK = Document("disk", "# Disk full\n\n## Meaning\n\nNo space is left on the device.\n\n## Mitigation\n\nRotate logs.")
CLOCK = Document("clock", "# Clock skew\n\n## Meaning\n\nThe host's clock drifts; chrony lost its server.")
LEAK = Document("leak", "# Memory leak\n\n## Meaning\n\nThe heap grows until the kernel kills the process.")
ALL = [POOL, DISK, CLOCK, LEAK]

retriever = Retriever().fit(ALL)


def ids(answer: Answer) -> list[str]:
    return [hit.document.id for hit in answer.hits]


@pytest.mark.parametrize(
    ("question", "best"),
    [
        pytest.param("all connections are taken", "pool", id="by words of the text"),
        pytest.param("ConnectionPoolExhausted", "pool", id="by an alert's name"),
        pytest.param("no space left", "disk", id="by a phrase"),
        pytest.param("chronny lost the server", "clock", id="in spite of a slip of the pen"),
        pytest.param("the heap is growing", "leak", id="by another form of a word"),
    ],
)
def test_the_best_comes_first(question: str, best: str) -> None:
    assert best == ids(retriever.search(question))[0]


def test_terms_are_as_the_text_writes_them() -> None:
    assert {"space", "left", "device"} <= set(retriever.search("SPACE left on devices").hits[0].terms)


def test_the_excerpt_is_the_best_section() -> None:
    assert "## Mitigation\n\nRotate logs." == retriever.search("rotate the logs").hits[0].excerpt


def test_a_long_section_is_shown_from_what_answers_and_cut_at_the_end_of_a_line() -> None:
    lines = [f"- word{number} other" for number in range(200)]
    hit = Retriever(excerpt_length=200).fit([Document("a", "\n".join(lines)), *ALL]).search("word150").hits[0]
    assert hit.excerpt.startswith("- word150 other\n- word151")
    assert hit.excerpt.endswith("other\n… (cut)")
    assert len(hit.excerpt) <= 200


def test_what_nothing_is_about_is_not_answered() -> None:
    assert not any(hit.answers for hit in retriever.search("the printer is out of toner").hits)


def test_a_question_of_the_very_words_is_answered() -> None:
    assert retriever.search("connection pool exhausted").hits[0].answers


def test_scores_never_rise() -> None:
    scores = [hit.score for hit in retriever.search("connection of the host is taken, heap grows").hits]
    assert sorted(scores, reverse=True) == scores
    assert all(0 <= score <= 1 for score in scores)


def test_two_documents_with_one_id_are_refused() -> None:
    with pytest.raises(BadInput, match="'pool'"):
        Retriever().fit([POOL, POOL])


@pytest.mark.parametrize("documents", [[], [Document("a", "")], [Document("a", "!?"), Document("b", "\n\n# \n")]])
def test_without_words_there_is_nothing_to_find(documents: list[Document]) -> None:
    assert () == Retriever().fit(documents).search("disk full").hits


# --- vectors ------------------------------------------------------------------------------------


def by_letters(texts: Sequence[str]) -> Any:
    """Vectors that tell texts apart by the first letter of their title."""
    return np.array([[1.0, 0.0] if text.lstrip("\n# ").startswith("M") else [0.0, 1.0] for text in texts])


def unavailable(texts: Sequence[str]) -> Any:
    raise Unavailable("embeddings of small: ConnectError")


def test_vectors_are_one_more_ranking() -> None:
    """A question that shares no word with the text is found by them; nothing is made surer."""
    assert "leak" == ids(Retriever(by_letters).fit(ALL).search("Mnemosyne"))[0]
    assert not Retriever(by_letters).fit(ALL).search("Mnemosyne").hits[0].answers


def test_without_vectors_words_answer_and_the_answer_says_so() -> None:
    answer = Retriever(unavailable).fit(ALL).search("no space left")
    assert "disk" == ids(answer)[0]
    assert "without embeddings: embeddings of small: ConnectError" == answer.degraded


# --- properties ---------------------------------------------------------------------------------


@given(st.text())
def test_any_text_is_a_question(text: str) -> None:
    for hit in retriever.search(text).hits:
        assert hit.document in ALL
        assert 0 <= hit.score <= 1


@pytest.mark.parametrize(
    "text",
    ["", "\0\x1b[2J", "a" * 100_000, "disk full " * 10_000, "\ud800", "((((VM)" * 10_000, "-._:/" * 20_000],
    ids=["nothing", "control characters", "one long word", "100 kB", "half a character", "brackets", "punctuation"],
)
def test_a_hostile_question_gets_an_answer_or_none(text: str) -> None:
    assert len(retriever.search(text).hits) <= len(ALL)


@given(st.text(max_size=200), st.randoms(use_true_random=False))
def test_the_order_of_documents_changes_nothing(question: str, chance: random.Random) -> None:
    mixed = list(ALL)
    chance.shuffle(mixed)
    assert retriever.search(question) == Retriever().fit(mixed).search(question)


@pytest.mark.parametrize("document", ALL, ids=lambda document: document.id)
def test_a_document_s_own_title_finds_it(document: Document) -> None:
    assert document.id == ids(retriever.search(document.text.partition("\n")[0]))[0]


WORD = st.text("abcdefghijklmnop", min_size=4, max_size=12)


@given(st.lists(st.lists(WORD, min_size=2, max_size=4), min_size=2, max_size=6))
def test_a_title_of_words_that_no_other_has_finds_its_document(titles: list[list[str]]) -> None:
    """Whatever the words are."""
    documents = [
        Document(f"d{number}", f"# {' '.join(f'x{number}y{word}' for word in words)}\n\ntext of all")
        for number, words in enumerate(titles)
    ]
    found = Retriever().fit(documents)
    for document in documents:
        assert document.id == ids(found.search(document.text.partition("\n")[0]))[0]
