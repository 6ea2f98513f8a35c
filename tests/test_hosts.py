"""Where a credential may be sent."""

from __future__ import annotations

import pytest

from reconciler.errors import Blocked
from reconciler.providers.hosts import bound_host, host_of, is_loopback, is_private

KNOWN = ("*.thulium.com", "ai-assistant.is74.ru")


@pytest.mark.parametrize(
    "url",
    [
        "https://acme.thulium.com/api",
        "https://AI-assistant.is74.ru",
        "http://127.0.0.1:8787/thulium/api",
        "http://localhost:1",
        "http://[::1]:1/x",
        "https://pbx.acme.example",
    ],
)
def test_known_allowed_and_loopback_hosts_may_have_the_key(url: str) -> None:
    assert bound_host("c", url, KNOWN, ["pbx.acme.example"]) == host_of(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://acme.thulium.com/api",
        "https://thulium.com.evil.example/api",
        "https://evilthulium.com",
        "https://thulium.com",
        "https://acme.thulium.com@evil.example",
        "https://user:secret@acme.thulium.com",
        "https://acme.thulium.com/api?x=1",
        "ftp://127.0.0.1",
        "https://",
        "acme.thulium.com",
        "https://10.0.0.1",
        "http://127.0.0.1.evil.example",
    ],
)
def test_any_other_address_is_refused_before_a_key_leaves(url: str) -> None:
    with pytest.raises(Blocked, match="Nothing was sent") as refused:
        bound_host("thulium-krakow", url, KNOWN, [])
    assert str(refused.value).startswith("thulium-krakow: ") and "secret" not in str(refused.value)


def test_the_refusal_names_the_way_out() -> None:
    with pytest.raises(Blocked, match="RECONCILER_ALLOWED_HOSTS"):
        bound_host("c", "https://pbx.acme.example", KNOWN, [])


def test_addresses() -> None:
    assert is_loopback("127.0.0.9") and not is_loopback("acme.example")
    assert is_private("10.1.2.3") and is_private("fe80::1%eth0") and not is_private("1.1.1.1")
