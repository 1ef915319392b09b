"""What an answer that is no reply means: again, never, or asked differently; and what of its words may be repeated."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus

from adapters.channels.calls import Answer, Passing, retry_after
from adapters.llm.json_text import parsed
from adapters.llm.replies import fields_of
from adapters.redaction import redaction
from domain.errors import Later, Refused, SreError, Unavailable
from domain.llm import Question
from domain.masking import MASK, masked_urls
from domain.shown_texts import visible

LONGEST_WORDS = 2_000  # characters of a refusal that are looked at
LONGEST_QUOTE = 200  # characters of it that are repeated
SAME = 12  # letters in a row that show that a refusal repeats the question

# Below 500, after which another try may help.
PASSING = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)
SETTINGS = {401: "llm.api_key", 403: "llm.api_key", 404: "llm.base_url", 405: "llm.base_url", 421: "llm.base_url"}
# Fields of an error in which it speaks, and those that hold such fields or a list of them.
TEXTS, HOLDERS = ("message", "msg", "param", "code"), ("error", "detail", "loc")
_NO_MODEL = re.compile(
    r"model_not_found|\bmodel\b.*(not found|not exist|n't exist)|(unknown|not a valid|no such) model", re.IGNORECASE
)
_NOT_LETTERS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Asked:
    """What an answer is judged by."""

    where: str  # how the server is called in errors
    question: Question = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


def unwrapped(answer: Answer) -> Answer:
    """An error that a proxy hands on within a success, as the error that it is."""
    document = fields_of(parsed(answer.body)) if answer.status == HTTPStatus.OK else {}
    status = fields_of(document.get("error")).get("code")
    if "choices" in document or not isinstance(status, int) or status not in range(400, 600):
        return answer
    return Answer(status, answer.headers, answer.body)


def judged(answer: Answer, asked: Asked) -> Answer:
    """The answer if it is a success. Raises Later, Passing, Unavailable or Refused."""
    status, told = answer.status, f"{asked.where}: HTTP status {answer.status}"
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return answer
    if status < HTTPStatus.BAD_REQUEST:
        raise Refused(f"{told}: it points elsewhere, which is not followed (see llm.base_url)")
    if error := _passing(answer, told):
        raise error
    if status in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND) and _NO_MODEL.search(words_of(answer)):
        raise Refused(f"{told}: it knows no such model (see llm.model)")
    if status in SETTINGS:
        raise Refused(f"{told} (see {SETTINGS[status]})")
    raise Refused(told + quoted(words_of(answer), asked))


def _passing(answer: Answer, told: str) -> SreError | None:
    """The error of a failure after which another try may help, as the server says or its status means."""
    passes = answer.status in PASSING or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    again = answer.headers.get("x-should-retry", "true" if passes else "false").lower() == "true"
    if not again:
        return Unavailable(told) if passes else None
    try:
        seconds = retry_after(answer.headers, now=datetime.now(UTC))
    except OverflowError:  # a date beyond all calendars
        seconds = None
    if seconds is None:
        return Passing(told)
    return Later(f"{told}: it asks to come again in {seconds:.0f} s", seconds)


def words_of(answer: Answer) -> str:
    """What a refusal says for itself, without what some servers repeat of the question."""
    document = parsed(answer.body)
    if document is None:
        return answer.body[:LONGEST_WORDS].decode("utf-8", "replace")
    return "; ".join(_told(document))[:LONGEST_WORDS]


def _told(document: object, depth: int = 4) -> Iterator[str]:
    """The texts of an error: OpenAI's, Ollama's, FastAPI's list of faults. Nothing of use stands deeper."""
    if isinstance(document, str):
        yield document
        return
    if depth == 0:
        return
    found = fields_of(document)
    yield from (found[name] for name in TEXTS if isinstance(found.get(name), str))
    inner = document if isinstance(document, list) else [found.get(name) for name in HOLDERS]
    for one in inner:
        yield from _told(one, depth - 1)


def quoted(words: str, asked: Asked) -> str:
    """`: …`, what the server says; nothing where it repeats what it was asked."""
    text = masked_urls(visible(words))
    for secret in asked.secrets:
        text = text.replace(secret, MASK)
    text = " ".join(redaction()(text).split())[:LONGEST_QUOTE]
    return f": {text}" if text and not _repeats(text, asked.question) else ""


def _repeats(text: str, question: Question) -> bool:
    """Whether some letters in a row of the text stand in the question too, whatever is between them."""
    letters, sent = _letters([text]), _letters(_sent(question))
    rows = (letters[at : at + SAME] for at in range(max(1, len(letters) - SAME + 1)))
    return any(row in sent for row in rows)


def _sent(question: Question) -> Iterator[str]:
    for message in question.messages:
        yield message.text
        yield from (call.arguments for call in message.calls)


def _letters(texts: Iterable[str]) -> str:
    return _NOT_LETTERS.sub("", "\n".join(texts)).casefold()
