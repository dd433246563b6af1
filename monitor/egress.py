"""Every outgoing address is resolved once, checked and capped here; secrets enter addresses here."""

import ipaddress
import os
import re
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import httpcore
import httpx

from monitor.domain.errors import MonitorError

ALLOW = "MONITOR_EGRESS_ALLOW"  # comma-separated host:port or CIDR that may be private
LARGEST_ANSWER = 1 << 20  # bytes; an answer is read for its status and a hint, not for its content
NAT64 = ipaddress.ip_network("64:ff9b::/96")
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class EgressRefused(MonitorError):
    """The address may not be reached from here."""


class EgressFailed(MonitorError):
    """The address did not answer in time or in full: worth trying again."""

    permanent = False


class VariableUnset(MonitorError):
    """The configuration names an environment variable that is not set."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"environment variable {name} is not set; the configuration refers to it as ${{{name}}}"
        )


def expand(text: str) -> tuple[str, list[str]]:
    """Put the environment's values in place of ``${NAME}``.

    Returns: the text, and the values put in, so that :func:`redact` can take them out of messages.
    Raises VariableUnset, which names the variable and nothing else.
    """
    secrets: list[str] = []

    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[1])
        if found is None:
            raise VariableUnset(match[1])
        secrets.append(found)
        return found

    return VARIABLE.sub(value, text), secrets


def redact(message: str, secrets: Iterable[str]) -> str:
    """The message without any of the secrets, longest first.

    >>> redact("cannot reach db://ana:hunter2@host", ["hunter2"])
    'cannot reach db://ana:***@host'
    """
    for secret in sorted({s for s in secrets if s}, key=len, reverse=True):
        message = message.replace(secret, "***")
    return message


def allowed() -> list[str]:
    """host:port or CIDR that may be reached although private, from MONITOR_EGRESS_ALLOW at this moment."""
    return [part.strip() for part in os.environ.get(ALLOW, "").split(",") if part.strip()]


def resolve(host: str, port: int, allow: Iterable[str]) -> list[str]:
    """The IP addresses that may be connected to, in the resolver's order.

    Raises EgressRefused where any address of the host is not public (private, loopback, link-local, metadata ...) and
    neither ``host:port`` nor its network is allowed; EgressFailed where the name cannot be resolved.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as fault:
        raise EgressFailed(f"the name {host} cannot be resolved: {fault}") from None
    addresses = list(dict.fromkeys(str(entry[4][0]).split("%")[0] for entry in found))
    allow = list(allow)
    for address in addresses:
        if not _may(address, host, port, allow):
            raise EgressRefused(
                f"{host}:{port} is at {address}, which is not public; expected a public address, or this one in {ALLOW}"
            )
    return addresses


def _may(address: str, host: str, port: int, allow: list[str]) -> bool:
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ip.ipv4_mapped or ip.sixtofour or (_embedded(ip) if ip in NAT64 else ip)
    if ip.is_global and not ip.is_multicast:
        return True
    return any(entry == f"{host}:{port}" or _inside(ip, entry) for entry in allow)


def _embedded(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)


def _inside(ip: ipaddress.IPv4Address | ipaddress.IPv6Address, entry: str) -> bool:
    try:
        network = ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
    return ip.version == network.version and ip in network


class _Stream(httpcore.NetworkStream):
    """Every wait for bytes ends at the deadline of the whole exchange, so that a trickle cannot hold a worker."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: float) -> None:
        self._inner, self._deadline = inner, deadline

    def _left(self, timeout: float | None) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the exchange took too long")
        return left if timeout is None else min(left, timeout)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(
            self._inner.start_tls(ssl_context, server_hostname, self._left(timeout)), self._deadline
        )

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    """Connects to the address that was checked, so that a second look-up cannot give another one."""

    def __init__(self, allow: list[str], seconds: float) -> None:
        self._allow, self._seconds, self._inner = allow, seconds, httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        deadline = time.monotonic() + self._seconds
        *others, last = resolve(host, port, self._allow)
        for address in others:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return _Stream(
                    self._inner.connect_tcp(address, port, timeout, local_address, socket_options), deadline
                )
        return _Stream(self._inner.connect_tcp(last, port, timeout, local_address, socket_options), deadline)

    def connect_unix_socket(self, path: str, timeout: float | None = None, socket_options: Any = None) -> Any:
        raise EgressRefused(f"unix sockets are not reached from here, got {path}")


class _Transport(httpx.HTTPTransport):
    def __init__(self, allow: list[str], seconds: float) -> None:
        super().__init__(trust_env=False)
        # the public constructor takes no network backend, and only there can name and address not drift apart
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False), network_backend=_Backend(allow, seconds)
        )


def open_client(*, seconds: float = 10.0, allow: Iterable[str] | None = None) -> httpx.Client:
    """A client that reaches only what may be reached; redirects are not followed, proxies of the environment not used.

    seconds: for a whole exchange, the answer's last byte included. allow: instead of MONITOR_EGRESS_ALLOW.
    """
    entries = allowed() if allow is None else list(allow)
    return httpx.Client(
        transport=_Transport(entries, seconds), timeout=seconds, follow_redirects=False, trust_env=False
    )


def post(
    url: str,
    content: bytes,
    headers: Mapping[str, str],
    *,
    seconds: float = 10.0,
    allow: Iterable[str] | None = None,
) -> httpx.Response:
    """Send and read the answer, at most ``LARGEST_ANSWER`` bytes of it.

    Raises EgressRefused for an address that may not be reached or a redirect, EgressFailed for trouble on the way.
    """
    try:
        with open_client(seconds=seconds, allow=allow) as client:
            return _exchange(client, url, content, headers)
    except httpx.InvalidURL as fault:
        raise EgressRefused(f"the address is no URL: {fault}") from None
    except httpx.UnsupportedProtocol:
        raise EgressRefused("the address is no http(s) address; expected https://host/path") from None
    except httpx.HTTPError as fault:
        raise EgressFailed(f"{httpx.URL(url).host} did not answer: {fault or type(fault).__name__}") from None


def _exchange(client: httpx.Client, url: str, content: bytes, headers: Mapping[str, str]) -> httpx.Response:
    with client.stream("POST", url, content=content, headers=dict(headers)) as response:
        if response.is_redirect:
            raise EgressRefused(
                f"{response.url.host} redirects to another address; expected an answer, not a redirect"
            )
        body = b""
        for part in response.iter_raw():
            body += part
            if len(body) > LARGEST_ANSWER:
                raise EgressFailed(f"{response.url.host} answered more than {LARGEST_ANSWER} bytes")
        return httpx.Response(
            response.status_code, headers=response.headers, content=body, request=response.request
        )


def connect(host: str, port: int, *, seconds: float, allow: Iterable[str] | None = None) -> socket.socket:
    """A connection to an address that may be reached, for what does not speak HTTP.

    Raises EgressRefused and EgressFailed as :func:`resolve` does, OSError where nobody answers.
    """
    *others, last = resolve(host, port, allowed() if allow is None else allow)
    for address in others:
        with suppress(OSError):
            return socket.create_connection((address, port), seconds)
    return socket.create_connection((last, port), seconds)
