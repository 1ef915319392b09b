"""What may go wrong between us and a model: each failure in our words, in time, and without what nobody may read."""

from __future__ import annotations

import gzip
import json
import logging
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from adapters import trust
from adapters.llm import with_model
from adapters.llm.client import OpenAiModel
from adapters.own_log import CHATTY, OURS, configure
from benchmarks.evals.answers import Answer, Request, as_json
from benchmarks.evals.behaviours import (
    Answering,
    Behaviour,
    cut,
    dead,
    dripping,
    endless,
    failing,
    first,
    guarded,
    malformed,
    moved,
    rate_limited,
    silent,
    slow,
    together,
)
from benchmarks.evals.scripted import Script, Turn, call, loop, say, serve
from deployments.ports import unused
from domain.errors import BadSettings, Later, Refused, SreError, Unavailable
from domain.llm import Abilities, ToolCall
from domain.llm_settings import LlmSettings
from domain.settings import CallSettings, LoggingSettings
from tests.parts.certificates_part import certificates
from tests.parts.llm_part import KEY, LOGS, SCHEMA, SECRET_LOG, a_model, a_question

PASSWORD = "s3cret-pass"
LATE = 15.0  # seconds: far beyond any deadline here, far below that of a test
HELLO = say("hello")


def told(status: int, message: str, **headers: str) -> Behaviour:
    """Every request is answered so."""
    return first(1_000, as_json({"error": {"message": message}}, status, headers))


def said(body: str) -> Behaviour:
    return first(1_000, Answer(200, body.encode()))


# What the server does -> which error it is, and what it says.
FAILURES = {
    "a wrong key": (guarded("another"), Refused, r"HTTP status 401 \(see llm\.api_key\)"),
    "a key without rights": (told(403, "no"), Refused, r"403 \(see llm\.api_key\)"),
    "a wrong path": (told(404, "Not Found"), Refused, r"404 \(see llm\.base_url\)"),
    "an unknown model": (told(404, "The model `x` does not exist"), Refused, r"no such model \(see llm\.model\)"),
    "a redirect": (moved("http://127.0.0.1:9/v1"), Refused, r"307: it points elsewhere.*llm\.base_url"),
    "too long a question": (
        told(400, "This model's maximum context length is 8192 tokens, 90 of them in the functions, with max_tokens."),
        Refused,
        r"HTTP status 400: This model's maximum context length is 8192 tokens",
    ),
    "a failure": (failing(), Unavailable, "HTTP status 500"),
    "a failure of a proxy": (failing(status=502), Unavailable, "HTTP status 502"),
    "a conflict": (failing(status=409), Unavailable, "HTTP status 409"),
    "a time-out": (failing(status=408), Unavailable, "HTTP status 408"),
    "too many requests": (rate_limited(retry_after=""), Unavailable, "HTTP status 429"),
    "too many, later": (rate_limited(retry_after="900"), Later, "429: it asks to come again in 900 s"),
    "too many, at no date": (
        rate_limited(retry_after="Jan 999999999999 999999999999 12:00:00"),
        Unavailable,
        "HTTP status 429$",
    ),
    "a closed connection": (dead(), Unavailable, "the call broke off"),
    "an endless body": (endless, Refused, r"is no answer: it is longer than 1,000,000 bytes"),
    "an endless refusal": (
        together(lambda _, answering: replace(answering(), status=400), endless),
        Refused,
        r"is no answer: it is longer",
    ),
    "an error within a success": (said('{"error": {"code": 502, "message": "x"}}'), Unavailable, "HTTP status 502"),
    "a compressed body": (
        first(9, Answer(200, gzip.compress(b" " * 9_000_000), {"Content-Encoding": "gzip"})),
        Refused,
        "is no answer: it is compressed",
    ),
    "an empty body": (said(""), Refused, "is no answer: it is no chat completion"),
    "a stream": (said('data: {"choices": []}\n\n'), Refused, "is no answer: it is no chat completion"),
    **{
        f"malformed: {kind}": (malformed(kind), Refused, "is no answer: it is no chat completion")
        for kind in ("html", "broken_body", "deep", "wrong_shape", "no_choices")
    },
    "nothing said": (malformed("nothing_said"), Refused, "is no answer: it is empty"),
    "a content filter": (malformed("filtered"), Refused, "is no answer: a content filter took it"),
    "a model that declines": (malformed("declined"), Refused, "is no answer: the model declines"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_is_one_of_ours_and_says_where_and_what_to_look_at(name: str) -> None:
    behaviour, kind, text = FAILURES[name]
    with serve(HELLO, behaviour=behaviour) as server:
        model = a_model(server)
        with pytest.raises(kind, match=text) as caught:
            model.ask(a_question())
        assert 1 == len(server.requests)
    assert isinstance(caught.value, Unavailable) == (kind is not Refused)
    assert str(caught.value).startswith("model scripted at 127.0.0.1:")
    assert Abilities() == model.abilities


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(Unavailable, match=r"cannot be reached \(see llm\.base_url\)"):
        a_model(f"http://127.0.0.1:{unused()}/v1").ask(a_question())


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(silent, id="silent"),
        pytest.param(dripping, id="dripping"),
        pytest.param(slow(600), id="slow"),
        pytest.param(together(slow(0.2), failing()), id="failing-for-ever"),
        pytest.param(rate_limited(retry_after="0"), id="rate-limited-for-ever"),
    ],
)
def test_a_question_ends_in_its_time_whatever_the_server_does(behaviour: Behaviour) -> None:
    begun = time.monotonic()
    with serve(HELLO, behaviour=behaviour) as server, pytest.raises(Unavailable):
        a_model(server, retries=1_000_000).ask(a_question(seconds=1.0))
    assert time.monotonic() - begun < LATE


def test_a_deadline_is_told_with_its_setting() -> None:
    with serve(HELLO, behaviour=silent) as server, pytest.raises(Unavailable, match=r"llm\.call_seconds"):
        a_model(server).ask(a_question(seconds=0.2))


@pytest.mark.parametrize(
    ("behaviour", "retries", "requests"),
    [
        pytest.param(failing(2), 2, 3, id="fails-twice"),
        pytest.param(dead(1), 2, 2, id="closes-once"),
        pytest.param(rate_limited(2, retry_after="0"), 3, 3, id="rate-limited-at-once"),
        pytest.param(rate_limited(1, retry_after=""), 1, 2, id="rate-limited-without-a-time"),
        pytest.param(failing(1, 400, **{"x-should-retry": "true"}), 1, 2, id="a-refusal-that-it-takes-back"),
    ],
)
def test_what_passes_is_tried_again(behaviour: Behaviour, retries: int, requests: int) -> None:
    with serve(HELLO, behaviour=behaviour) as server:
        assert "hello" == a_model(server, retries=retries).ask(a_question()).text
        assert requests == len(server.requests)


@pytest.mark.parametrize(
    ("behaviour", "retries", "requests"),
    [
        pytest.param(failing(), 0, 1, id="no-retries"),
        pytest.param(failing(), 2, 3, id="as-many-as-are-set"),
        pytest.param(dead(), 1, 2, id="closed-connections-too"),
        pytest.param(failing(**{"x-should-retry": "false"}), 5, 1, id="the-server-says-no"),
        pytest.param(rate_limited(**{"x-should-retry": "false"}), 5, 1, id="the-server-says-no-although-it-says-when"),
        pytest.param(rate_limited(retry_after="900"), 5, 1, id="later-than-there-is-time"),
    ],
)
def test_tries_are_counted(behaviour: Behaviour, retries: int, requests: int) -> None:
    with serve(HELLO, behaviour=behaviour) as server:
        with pytest.raises(Unavailable):
            a_model(server, retries=retries).ask(a_question())
        assert requests == len(server.requests)


def test_a_pause_that_the_server_asks_for_is_kept() -> None:
    came: list[float] = []

    def noted(_: Request, answering: Answering) -> Answer:
        came.append(time.monotonic())
        return answering()

    with serve(HELLO, behaviour=together(noted, rate_limited(1, retry_after="1"))) as server:
        a_model(server, retries=1).ask(a_question())
    assert came[1] - came[0] >= 1


def test_a_redirect_takes_the_key_nowhere() -> None:
    with serve(HELLO) as other, serve(HELLO, behaviour=moved(f"{other.url}/chat/completions")) as server:
        with pytest.raises(Refused):
            a_model(server).ask(a_question())
        assert ([], 1) == (other.requests, len(server.requests))


def echoing(status: int) -> Behaviour:
    """A server that says everything back that it was sent: the key, the question."""

    def behave(request: Request, _: Answering) -> Answer:
        everything = f"{request.headers['authorization']} {json.dumps(request.body['messages'])}"
        return as_json({"error": {"message": everything}, "detail": [{"msg": everything}]}, status)

    return behave


@pytest.mark.parametrize("status", [400, 401, 404, 413, 422, 429, 500])
def test_no_error_and_no_log_repeats_the_key_or_the_question(
    status: int, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_LOG", "debug")
    caplog.set_level(logging.DEBUG)
    with own_log(tmp_path) as file, serve(HELLO, behaviour=echoing(status)) as server:
        errors = []
        for url in (server.url, server.url.replace("127.0.0.1", f"user:{PASSWORD}@127.0.0.1")):
            model = a_model(url, retries=1)
            with pytest.raises(SreError) as caught:
                model.ask(a_question(tools=(LOGS,), schema=SCHEMA))
            errors.append(f"{caught.value!r} {caught.value.__cause__!r} {model!r} {model._endpoint!r}")
        logged = file.read_text() + caplog.text + "".join(str(vars(one)) for one in caplog.records)
    for secret in (KEY, PASSWORD, "zebra@example.com", "quokka", "4111", "analyse incidents"):
        assert secret not in "".join(errors) + logged


def test_what_a_server_repeats_of_our_secrets_is_masked() -> None:
    basic = b64encode(f"user:{PASSWORD}".encode()).decode()
    words = f"no {KEY} at http://user:{PASSWORD}@host nor Basic {basic}"
    with serve(HELLO, behaviour=told(418, words)) as server, pytest.raises(Refused) as caught:
        a_model(server.url.replace("127.0.0.1", f"user:{PASSWORD}@127.0.0.1")).ask(a_question())
    assert "no *** at http://user:***@host nor Basic ***" == str(caught.value).split("418: ")[1]


@pytest.mark.parametrize("name", ["openai", "httpx2", "httpcore2.http11"])
def test_the_library_tells_no_log_what_it_sends(name: str) -> None:
    logging.getLogger(name.partition(".")[0]).setLevel(logging.DEBUG)
    a_model("http://host/v1")
    assert not logging.getLogger(name).isEnabledFor(logging.INFO)


@contextmanager
def own_log(home: Path) -> Iterator[Path]:
    """Our log's file, with everything in it that would come there; the loggers are as before in the end."""
    loggers = [logging.getLogger(name) for name in ("", *OURS, *CHATTY)]
    before = [(logger, list(logger.handlers), logger.level) for logger in loggers]
    configure(LoggingSettings(level="DEBUG"), home, debug=True)
    try:
        yield home / "logs/sre_agent.log"
    finally:
        for logger, handlers, level in before:
            for handler in set(logger.handlers) - set(handlers):
                handler.close()
            logger.handlers[:] = handlers
            logger.setLevel(level)


def test_a_refusal_is_quoted_shortly_and_printably() -> None:
    long = "the deployment\n is \x1b[31mpaused " + "by its owner since Monday " * 40
    with serve(HELLO, behaviour=told(418, long)) as server, pytest.raises(Refused) as caught:
        a_model(server).ask(a_question())
    quote = str(caught.value).split("418: ")[1]
    assert quote.startswith("the deployment is ")
    assert quote.isprintable()
    assert 200 >= len(quote)


def test_the_key_is_sent_and_none_is_sent_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody-else")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-somebody-else")
    with serve(HELLO) as server:
        a_model(server, api_key=f"{KEY}\n").ask(a_question())
        a_model(server, api_key="").ask(a_question())
        with_key, without = (one.headers for one in server.requests)
    assert f"Bearer {KEY}" == with_key["authorization"]
    assert "authorization" not in without
    assert "of-somebody-else" not in str([with_key, without])


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        pytest.param({"api_key": "sk-ü"}, r"llm\.api_key: .*printable ASCII", id="a-key-with-an-umlaut"),
        pytest.param({"api_key": "sk-1\nX-Other: 2"}, r"llm\.api_key", id="a-key-with-a-line-break"),
        pytest.param({"base_url": "http://[::1/v1"}, r"llm\.base_url: no address", id="a-broken-address"),
        pytest.param({"base_url": "http:///v1"}, r"llm\.base_url: no address", id="an-address-without-a-host"),
        pytest.param({"base_url": "http://host:99999999/v1"}, r"llm\.base_url: no address", id="no-such-port"),
        pytest.param({"base_url": f"http://{'a' * 70}.org/v1"}, r"llm\.base_url: no address", id="too-long-a-name"),
    ],
)
def test_settings_that_no_call_can_be_made_with_are_told(settings: dict[str, str], text: str) -> None:
    with pytest.raises(BadSettings, match=text) as caught:
        OpenAiModel(LlmSettings.model_validate({"base_url": "http://host/v1", **settings}), CallSettings())
    assert "sk-" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        pytest.param(LlmSettings(), False, id="nothing-set"),
        pytest.param(LlmSettings.model_validate({"api_key": KEY}), True, id="a-key"),
        pytest.param(LlmSettings(base_url="http://127.0.0.1:8080/v1"), True, id="an-address"),
        pytest.param(LlmSettings(base_url="http://127.0.0.1:8080/v1", enabled=False), False, id="switched-off"),
    ],
)
def test_there_is_a_model_where_one_is_known_and_switched_on(settings: LlmSettings, *, expected: bool) -> None:
    found = with_model(settings, CallSettings())
    assert expected == (found is not None)
    assert found is None or found.name == settings.model


def test_certificates_of_ones_own_are_trusted_by_their_setting(tmp_path: Path) -> None:
    files = certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    with serve(HELLO) as server:
        server._http.socket = context.wrap_socket(server._http.socket, server_side=True)
        model = a_model(server.url.replace("http:", "https:"))
        with pytest.raises(Unavailable, match=r"cannot be reached .*see calls\.ca_file"):
            model.ask(a_question())
        trust.trust(str(files.ca))
        try:
            assert "hello" == model.ask(a_question()).text
        finally:
            trust.trust("")


def shaped(message: dict[str, object], finish: str = "stop") -> Behaviour:
    """The model's message as it is, whatever the script says."""
    choice = {"message": {"role": "assistant", **message}, "finish_reason": finish}
    return first(1_000, as_json({"choices": [choice]}))


def calling(*calls: object) -> dict[str, object]:
    return {"content": None, "tool_calls": list(calls)}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param(
            calling({"id": "a", "function": {"name": "logs", "arguments": {"service": "web"}}}),
            [ToolCall("a", "logs", '{"service": "web"}')],
            id="arguments-as-an-object",
        ),
        pytest.param(
            calling({"function": {"name": "logs", "arguments": "{}"}}, {"id": "", "function": {"name": "logs"}}),
            [ToolCall("call_2_0", "logs", "{}"), ToolCall("call_2_1", "logs", "{}")],
            id="no-ids-and-no-arguments",
        ),
        pytest.param(
            calling(*({"id": "a", "function": {"name": name, "arguments": "{"}} for name in ("logs", "graph"))),
            [ToolCall("a", "logs", "{"), ToolCall("call_2_1", "graph", "{")],
            id="one-id-for-two-calls-with-broken-arguments",
        ),
        pytest.param(
            calling({"id": "a", "function": {"name": None}}, 7, {"id": "b", "function": {"name": "logs"}}),
            [ToolCall("b", "logs", "{}")],
            id="calls-of-nothing",
        ),
        pytest.param({"content": "x", "tool_calls": "logs"}, [], id="calls-that-are-none"),
    ],
)
def test_calls_of_tools_are_taken_as_servers_write_them(message: dict[str, object], expected: list[ToolCall]) -> None:
    with serve(HELLO, behaviour=shaped(message)) as server:
        assert expected == list(a_model(server).ask(a_question(tools=(LOGS,))).calls)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param({"content": [{"type": "text", "text": "a"}, {"text": "b"}, 7]}, "ab", id="parts"),
        pytest.param({"content": "<think>hm</think>\n\nhello"}, "hello", id="a-thought-before"),
        pytest.param({"content": "half a character: \ud800"}, "half a character: ?", id="half-a-character"),
    ],
)
def test_a_text_is_what_can_be_read_and_stored(message: dict[str, object], expected: str) -> None:
    with serve(HELLO, behaviour=shaped(message)) as server:
        reply = a_model(server).ask(a_question())
    assert (expected, 0, 0) == (reply.text, reply.tokens_in, reply.tokens_out)


def test_half_a_character_in_a_question_harms_nobody() -> None:
    message = replace(a_question().messages[1], text="half a character: \ud800")
    with serve(HELLO) as server:
        assert "hello" == a_model(server).ask(a_question(messages=(message,))).text


def test_an_answer_that_is_cut_says_so() -> None:
    with serve(say({"cause": "the disk is full"}), behaviour=cut) as server:
        reply = a_model(server).ask(a_question(schema=SCHEMA))
    assert (True, '{"cause": "the') == (reply.cut, reply.text)


def test_a_model_that_thought_until_its_tokens_were_gone_has_said_nothing() -> None:
    with serve(HELLO, behaviour=shaped({"content": None}, finish="length")) as server:
        reply = a_model(server).ask(a_question())
    assert ("", True) == (reply.text, reply.cut)


def test_what_is_no_json_stays_as_the_model_wrote_it() -> None:
    with serve(say('{"cause": ')) as server:
        model = a_model(server)
        assert '{"cause": ' == model.ask(a_question(schema=SCHEMA)).text
        assert (Abilities(), 1) == (model.abilities, len(server.requests))


@pytest.mark.parametrize("usage", [None, 7, {}, {"prompt_tokens": "many", "completion_tokens": -1}])
def test_tokens_that_nobody_counted_are_none(usage: object) -> None:
    document = {"choices": [{"message": {"content": "x"}}], "usage": usage}
    with serve(HELLO, behaviour=first(1, as_json(document))) as server:
        reply = a_model(server).ask(a_question())
    assert (0, 0) == (reply.tokens_in, reply.tokens_out)


@pytest.mark.parametrize("retries", [0, 3])
def test_a_server_that_refuses_everything_in_every_way_is_asked_few_times(retries: int) -> None:
    every = "tools, response_format, temperature and max_tokens are not supported"
    with serve(HELLO, behaviour=told(400, every)) as server:
        model = a_model(server, retries=retries)
        with pytest.raises(Refused):
            model.ask(a_question(tools=(LOGS,), schema=SCHEMA))
        assert 6 == len(server.requests)
    assert Abilities(tools=False, schema=False, json=False) == model.abilities


def test_questions_at_once_each_have_their_reply() -> None:
    def script(request: dict[str, object]) -> Turn:
        return say(str(request["messages"])[-12:])

    with serve(script, dialect="openai_new") as server:
        model, replies = a_model(server), {}

        def ask(number: int) -> None:
            message = replace(a_question().messages[1], text=f"number {number:04}")
            replies[number] = model.ask(a_question(messages=(message,))).text

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
        for one in threads:
            one.start()
        for one in threads:
            one.join(LATE)
    assert [True] * 6 == [f"{number:04}" in replies[number] for number in range(6)]


async def test_a_question_may_be_asked_while_an_event_loop_runs() -> None:
    with serve(HELLO) as server:
        assert "hello" == a_model(server).ask(a_question()).text


SCRIPTS: dict[str, Script] = {"text": HELLO, "calls": loop(call("logs", {}), call("logs", "{"))}


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_is_sent_is_what_the_question_says(name: str) -> None:
    with serve(SCRIPTS[name]) as server:
        a_model(server, temperature=0.3).ask(a_question(tools=(LOGS,), schema=SCHEMA, max_tokens=77))
        body = server.requests[0].body
    assert ("scripted", 77, 0.3, "auto") == tuple(
        body[key] for key in ("model", "max_tokens", "temperature", "tool_choice")
    )
    assert {"name": "answer", "schema": SCHEMA, "strict": True} == body["response_format"]["json_schema"]
    assert ["logs"] == [one["function"]["name"] for one in body["tools"]]
    assert SECRET_LOG in body["messages"][1]["content"]
