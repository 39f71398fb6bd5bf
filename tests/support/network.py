"""Nobody but this machine is called by a test: an audit hook refuses everything else.

A hook sees every socket of this process, whichever library opened it, and patches nothing. It
cannot be removed, so it is installed once; what it refused is kept until a fixture reads it,
because code under test may well swallow the error.
"""

import ipaddress
import socket
import sys
from collections.abc import Sequence

refused: list[str] = []
_installed = False


class RealNetworkRefused(RuntimeError):
    """A test reached for a host that is not this machine."""


def install() -> None:
    global _installed
    if not _installed:
        _installed = True
        sys.addaudithook(_watch)


def _watch(event: str, args: Sequence[object]) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        _check_address(args[1])
    elif event == "socket.getaddrinfo":
        _check_name(args[0])


def _check_address(address: object) -> None:
    # A path is a unix socket; None is the address a connected socket already has.
    if isinstance(address, tuple) and address and not is_local(address[0]):
        _refuse(f"connection to {address[0]}")


def _check_name(host: object) -> None:
    """Names of this machine resolve; `*.invalid` never does, here as elsewhere (RFC 6761)."""
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if isinstance(name, str) and name.rstrip(".").endswith(".invalid"):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    if not is_local(name):
        _refuse(f"look-up of {name}")


def is_local(host: object) -> bool:
    if host is None or host in ("", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _refuse(what: str) -> None:
    refused.append(what)
    raise RealNetworkRefused(f"{what}: tests speak to this machine only")
