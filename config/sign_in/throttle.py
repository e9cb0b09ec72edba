"""How often somebody may try to sign in: each failure makes the next try wait longer, and none waits for ever.

An attempt is counted for the address it comes from, and for the person it names: for that person in the browser they
have signed in with before, or for that person from anywhere else. So a stranger who fails in somebody's name, from
however many addresses, makes strangers wait and not the person at their desk; and a refused attempt counts for nothing,
so it makes no wait longer.

It is counted before the password is looked at, in one step of the broker, so that a thousand attempts at once are a
thousand attempts; success takes it back. Where the broker is away, nobody signs in.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from config.heartbeats import open_broker
from config.sign_in.devices import read_device

_PREFIX: Final = "tracebinder:sign-in:"
_FORGOTTEN_AFTER: Final = 24 * 3600  # seconds after the last attempt
_OF_ADDRESS: Final = 4  # times as many failures as of one person: several people may share it
_NETWORK: Final = 64  # bits of an IPv6 address that whoever has one chooses among freely

# KEYS: what an attempt counts for. ARGV: for how long it is known, the first wait, the longest, all in seconds by the
# broker's clock; and for each key how many failures wait for nothing. Returns how long to wait, 0 where it was counted.
_COUNT: Final = """
local now = tonumber(redis.call('TIME')[1])
local wait = 0
for _, key in ipairs(KEYS) do
  wait = math.max(wait, tonumber(redis.call('HGET', key, 'until') or 0) - now)
end
if wait > 0 then return wait end
for i, key in ipairs(KEYS) do
  local beyond = redis.call('HINCRBY', key, 'failures', 1) - tonumber(ARGV[3 + i])
  if beyond >= 0 then
    local pause = math.min(tonumber(ARGV[2]) * 2 ^ math.min(beyond, 30), tonumber(ARGV[3]))
    redis.call('HSET', key, 'until', string.format('%d', now + pause))
  end
  redis.call('EXPIRE', key, ARGV[1])
end
return 0
"""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that was counted, to be taken back where it succeeds."""

    keys: Sequence[str]  # of the person, and of the address


def count_attempt(request: HttpRequest | None, username: str) -> Attempt | int:
    """Count an attempt to sign in as somebody, or return for how many seconds it has to wait.

    Raises:
        redis.RedisError: the broker cannot count.
    """
    keys = [_key_of_person(request, username), _key_of_address(request)]
    free = [settings.SIGN_IN_FAILURES, settings.SIGN_IN_FAILURES * _OF_ADDRESS]
    waits = [settings.SIGN_IN_FIRST_WAIT, settings.SIGN_IN_LONGEST_WAIT]
    wait = int(open_broker().eval(_COUNT, len(keys), *keys, _FORGOTTEN_AFTER, *waits, *free))
    return wait or Attempt(keys)


def take_back(attempt: Attempt) -> None:
    """Forget the failures of a person who has signed in; their address is forgiven this attempt alone."""
    person, address = attempt.keys
    broker = open_broker()
    broker.delete(person)
    broker.hincrby(address, "failures", -1)
    broker.hdel(address, "until")
    broker.expire(address, _FORGOTTEN_AFTER)


def address_of(request: HttpRequest | None) -> str:
    """Return the address that a request comes from, as the last of our proxies saw it; of IPv6 its network.

    What a client itself says in `X-Forwarded-For` stands before what our proxies add, and is not read.
    """
    if request is None:
        return ""
    said = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    hops = settings.TRUSTED_PROXIES
    text = said[-hops] if hops and len(said) >= hops else request.META.get("REMOTE_ADDR", "")
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    if address.version == 6:
        return str(ipaddress.ip_network((address, _NETWORK), strict=False))
    return str(address)


def _key_of_person(request: HttpRequest | None, username: str) -> str:
    """Return the key of a person in a browser of theirs, or anywhere else. A name is not kept, what was typed may be a
    password.

    It is the name as accounts are found by it: another spelling names nobody, or somebody else, who would be forgiven
    in this person's place.
    """
    device = read_device(request, username) if request is not None else ""
    return _PREFIX + salted_hmac(__name__, f"{username}\0{device}", algorithm="sha256").hexdigest()


def _key_of_address(request: HttpRequest | None) -> str:
    return f"{_PREFIX}address:{address_of(request)}"
