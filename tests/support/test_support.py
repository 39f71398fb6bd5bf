"""The tools of the tests keep their own promises."""

import asyncio
import socket
import threading
from contextlib import suppress

import pytest
from hypothesis import settings
from sqlalchemy import create_engine, text

from tests.support.network import RealNetworkRefused, is_local

DOCUMENTATION = "192.0.2.1"  # RFC 5737: belongs to nobody


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_connection_to_another_machine_is_refused(
    kind: socket.SocketKind, closed_network: list[str]
) -> None:
    with socket.socket(socket.AF_INET, kind) as sock, pytest.raises(RealNetworkRefused):
        sock.connect((DOCUMENTATION, 443))
    assert closed_network == [f"connection to {DOCUMENTATION}"]
    closed_network.clear()


def test_a_refusal_that_the_code_swallows_is_remembered(closed_network: list[str]) -> None:
    async def careless() -> None:
        with suppress(Exception):
            await asyncio.open_connection("example.org", 80)

    asyncio.run(careless())
    assert closed_network == ["look-up of example.org"]
    closed_network.clear()


def test_datagrams_to_another_machine_are_refused(closed_network: list[str]) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
        pytest.raises(RealNetworkRefused),
    ):
        sock.sendto(b"x", (DOCUMENTATION, 53))
    closed_network.clear()


def test_a_name_that_cannot_exist_fails_as_it_does_in_the_world() -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("provider.invalid", 443)


def test_this_machine_may_be_called() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        answer = threading.Thread(target=lambda: server.accept()[0].close())
        answer.start()
        with socket.create_connection(("localhost", server.getsockname()[1])) as client:
            assert client.recv(1) == b""
        answer.join()


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("::ffff:192.0.2.1", False),
        ("10.0.0.1", False),
        ("localhost.example.org", False),
        ("169.254.169.254", False),
    ],
)
def test_only_this_machine_is_local(host: str, local: bool) -> None:
    assert is_local(host) is local


def test_each_module_gets_an_empty_postgresql_database(postgres: str) -> None:
    engine = create_engine(postgres)
    with engine.begin() as connection:
        tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
        assert connection.execute(text(tables)).scalar_one() == 0
        assert connection.execute(text("SHOW server_encoding")).scalar_one() == "UTF8"
    engine.dispose()


def test_examples_are_not_timed() -> None:
    assert settings().deadline is None
