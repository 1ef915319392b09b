"""What one document has of a question: in which words, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from domain.documents import Document
from domain.playbooks import excerpt
from ml.retrieval import acronyms, parts
from ml.retrieval.lexicon import Lexicon
from ml.retrieval.reading import Words, called, words
from ml.retrieval.words import terms, tokens

MOST_TERMS = 12


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it is compared with documents."""

    words: Words
    told: Mapping[str, float]  # its terms, with what is said in long and short form, each with how much it tells

    @classmethod
    def of(cls, text: str, lexicon: Lexicon) -> Question:
        """Read it; a short form that it explains itself counts where documents use it."""
        own = acronyms.learn([text]).known_to(lexicon.terms_)
        read = words(text, lexicon.acronyms_.and_those_of(own))
        return cls(read, lexicon.information([*read.terms, *words(text, acronyms.Acronyms()).terms]))


def written(question: Question, document: Document) -> tuple[str, ...]:
    """The words of the question as the document writes them first, each once, those that tell most first."""
    found: dict[str, tuple[float, str]] = {}
    for token in dict.fromkeys(tokens(f"{called(document)}\n{document.text}")):
        told = max((question.told[term] for term in terms(token) if term in question.told), default=0.0)
        if told > 0:
            found.setdefault(token.lower(), (told, token))
    ranked = sorted(found.values(), key=lambda each: (-each[0], each[1]))
    return tuple(token for _, token in ranked[:MOST_TERMS])


def shown_part(question: Question, document: Document, lexicon: Lexicon, limit: int) -> str:
    """The section with the block that has most of the question, or its end from there on where it is too long."""
    found = [(section, block) for section in parts.sections(document.text) for block in parts.blocks(section)]
    if not found:
        return ""
    section, block = max(found, key=lambda each: _told(question, each[1], lexicon))
    begins = section.find(block)
    return excerpt(section if begins + len(block) <= limit else section[begins:], limit)


def _told(question: Question, block: str, lexicon: Lexicon) -> float:
    there = set(words(block, lexicon.acronyms_).terms)
    return sum(told for term, told in question.told.items() if term in there)
