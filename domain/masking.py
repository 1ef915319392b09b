"""What of a secret may be shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeGuard

from pydantic import BaseModel, SecretStr

from domain.settings import Settings
from domain.settings_keys import values

MASK = "***"
_SHORTEST = 4  # masking "a" wherever it occurs would leave no text

# user:password@ behind a scheme; greedy, because an unescaped password may itself hold / or @.
_USERINFO = re.compile(r"(://[^\s/:@\"']*):[^\s\"']*@")
_QUERY = re.compile(r"((?:password|passwd|secret|token|api_key|apikey|routing_key|key)=)[^&\s\"']+", re.IGNORECASE)

# Settings of librdkafka that are no secret and worth seeing.
_PLAIN_CLIENT = ("protocol", "mechanism", "mechanisms", "location", "ms", "bytes", "rack", "id", "verification")


def masked_urls(text: str) -> str:
    """`text` with the passwords of its URLs masked."""
    return _QUERY.sub(rf"\1{MASK}", _USERINFO.sub(rf"\1:{MASK}@", text))


def _secret(key: str, text: str) -> str:
    """A secret's place, or as much of it as helps and harms nobody."""
    if not text:
        return ""
    if key in ("store.url", "mitigation.supervisord_url"):
        return masked_urls(text)
    if key == "ledger.anchor" and not text.startswith("http"):
        return text
    if key in ("paging.webhook", "ledger.anchor") and (host := re.match(r"https?://[^/@?#]+(?=[/?#]|$)", text)):
        return f"{host[0]}/{MASK}"  # the path of a webhook is its password
    client_key = key.removeprefix("kafka.client.")
    if client_key != key and client_key.rsplit(".", 1)[-1] in _PLAIN_CLIENT:
        return MASK if client_key == "sasl.oauthbearer.client.id" else text
    return MASK


def shown(key: str, value: object) -> object:
    """The setting's value as it may be printed: plain JSON types, secrets masked."""
    if isinstance(value, SecretStr):
        return _secret(key, value.get_secret_value())
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, str):
        return masked_urls(str(value))
    if isinstance(value, Mapping):
        return {name: _entry(entry) for name, entry in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _entry(entry: object) -> object:
    """One of several that people name: a branch, a secret or a plain value."""
    if isinstance(entry, SecretStr):
        return MASK if entry.get_secret_value() else ""
    if not isinstance(entry, BaseModel):
        return masked_urls(entry) if isinstance(entry, str) else entry
    return {name: _entry(value) for name, value in entry if not isinstance(value, Mapping)} | {
        name: {key: _entry(one) for key, one in value.items()} for name, value in entry if isinstance(value, Mapping)
    }


def secrets(settings: Settings) -> frozenset[str]:
    """Every secret in clear, for those who must keep them out of texts; one of under four characters cannot be."""
    known = values(settings)
    hidden = {value.get_secret_value() for key, value in known.items() if _is_hidden(value, key)}
    for value in known.values():
        if isinstance(value, Mapping):
            hidden |= set(_within(value.values()))
    return frozenset(clear for clear in hidden if len(clear) >= _SHORTEST)


def holds_secret(key: str, value: object) -> bool:
    """Whether a setting's value is, or holds, a secret that is not empty."""
    if isinstance(value, Mapping):
        return any(_within(value.values()))
    return _is_hidden(value, key)


def _within(entries: Iterable[object]) -> Iterator[str]:
    """The secrets of what people name."""
    for entry in entries:
        if isinstance(entry, SecretStr):
            yield entry.get_secret_value()
        elif isinstance(entry, BaseModel):
            yield from _within(value for _, value in entry)


def _is_hidden(value: object, key: str) -> TypeGuard[SecretStr]:
    return isinstance(value, SecretStr) and shown(key, value) != value.get_secret_value()
