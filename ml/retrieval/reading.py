"""A document as the rankings read it: words by field, and block by block."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from domain.documents import Document
from ml.retrieval import parts
from ml.retrieval.acronyms import Acronyms
from ml.retrieval.words import OF_ALERTS, pieces, said, stems, terms, tokens, wholes


@dataclass(frozen=True, slots=True)
class Words:
    """A text as the rankings see it."""

    terms: list[str]  # stems and whole identifiers
    plain: str  # its words in full, for n-grams


_NOTHING = Words([], "")


def words(text: str, short: Acronyms) -> Words:
    """The text's words, long forms shortened."""
    found = tokens(text)
    read = list(chain.from_iterable(map(terms, found)))
    if not short.touch(read):
        return Words(read, " ".join(filter(None, map(said, found))))
    flat = short.shorten(list(chain.from_iterable(map(pieces, found))))
    whole = chain.from_iterable(map(wholes, found))
    return Words([*stems(flat), *whole], " ".join(word for word in flat if word not in OF_ALERTS))


def called(document: Document) -> str:
    """Its title and its other names."""
    return "\n".join((document.title or parts.title(document.text), *document.names))


@dataclass(frozen=True, slots=True)
class Read:
    """One document's words."""

    terms: list[str]  # title and names count beside the text; code once a word: it repeats names without stress
    blocks: list[list[str]]  # terms of the names and of each block, each below the title
    plain: str

    @classmethod
    def of(cls, document: Document, short: Acronyms) -> Read:
        """Read a document."""
        title = words(document.title or parts.title(document.text), short)
        names = words("\n".join(document.names), short)
        texts = [parts.apart(block) for block in parts.blocks(document.text)]
        blocks = [(words(prose, short), words(code, short) if code else _NOTHING) for prose, code in texts]
        written = chain.from_iterable(prose.terms for prose, _ in blocks)
        listed = dict.fromkeys(chain.from_iterable(code.terms for _, code in blocks))
        return cls(
            terms=[*title.terms, *names.terms, *written, *listed],
            blocks=[title.terms + names.terms, *(title.terms + prose.terms + code.terms for prose, code in blocks)],
            plain=" ".join([names.plain, *(word.plain for block in blocks for word in block if word.plain)]),
        )
