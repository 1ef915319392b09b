"""Words, short forms and parts of a text, one rule each."""

from __future__ import annotations

import pytest

from ml.retrieval import acronyms, parts
from ml.retrieval.reading import words
from ml.retrieval.words import pieces, terms, tokens

NONE = acronyms.Acronyms()


@pytest.mark.parametrize(
    ("token", "found"),
    [
        pytest.param("KubeVirtDown", ("kube", "virt", "down"), id="cut where the case changes"),
        pytest.param("virt-handler", ("virt", "handler"), id="cut at punctuation"),
        pytest.param(
            "http_5xx_total", ("http", "xx", "total"), id="cut at digits; what is one letter long is left out"
        ),
        pytest.param("VMIs", ("vmi",), id="the plural of a short form is the short form"),
        pytest.param("HTTPServerError", ("http", "server", "error"), id="a short form before a word is a word"),
        pytest.param("größer", ("größer",), id="words with other letters stay whole"),
    ],
)
def test_identifiers_are_cut(token: str, found: tuple[str, ...]) -> None:
    assert found == tuple(piece for part in tokens(token) for piece in pieces(part))


def test_identifiers_are_kept_whole_too() -> None:
    assert "kubevirtdown" in terms("KubeVirtDown")
    assert "virt+handler" in terms("virt-handler")


def test_spaces_make_no_identifier() -> None:
    assert "virt+handler" not in words("virt handler", NONE).terms


def test_a_word_and_its_plural_are_one_term() -> None:
    assert words("timeouts", NONE).terms == words("timeout", NONE).terms


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("a virtual machine (VM) is", [(("virtual", "machin"), "vm")], id="the first letters"),
        pytest.param("two virtual machines (VMs).", [(("virtual", "machin"), "vm")], id="in the plural"),
        pytest.param(
            "the HyperConverged Cluster Operator (HCO)",
            [(("hyper", "converg", "cluster", "oper"), "hco")],
            id="an identifier in the long form",
        ),
        pytest.param("it is down (OK)", [], id="letters that are not in the words before"),
        pytest.param("see below (Figure)", [], id="a word in brackets"),
    ],
)
def test_short_forms_are_learnt(text: str, found: list[tuple[tuple[str, ...], str]]) -> None:
    assert found == list(acronyms.explained(text))


def test_a_long_form_counts_as_its_short_form() -> None:
    short = acronyms.learn(["a virtual machine instance (VMI)", "a virtual machine (VM)"])
    assert ["vmi"] == words("virtual machine instances (VMIs)", short).terms
    assert ["vm", "stuck"] == words("virtual machine stuck", short).terms


def test_code_is_no_heading() -> None:
    text = "# Title\n\n```\n# a comment\n```\n\n## Next\n"
    assert "Title" == parts.title(text)
    assert ["# Title\n\n```\n# a comment\n```", "## Next"] == parts.sections(text)


def test_a_heading_stays_with_what_follows() -> None:
    assert ["# Title\n\nText.", "- one", "- two\n  more"] == parts.blocks("# Title\n\nText.\n\n- one\n- two\n  more\n")
