"""The demo site as a real server, and as a process of its own."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from services.ingest.demo_site.demo_server import serve_demo_site


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve_demo_site("127.0.0.1", 0) as url:
        yield url


@pytest.fixture
def connection(url: str) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    yield connection
    connection.close()


def test_a_page_and_then_only_its_tag(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/films/tt0088763")
    first = connection.getresponse()
    body = first.read()
    assert first.status == 200
    assert first.headers["Content-Type"] == "text/html; charset=utf-8"
    assert b"Back to the Future" in body
    tag = first.headers["ETag"]
    connection.request("GET", "/films/tt0088763", headers={"If-None-Match": f'"x", {tag}'})
    again = connection.getresponse()
    assert (again.status, again.read(), again.headers["ETag"]) == (304, b"", tag)
    connection.request("GET", "/films/tt0088763", headers={"If-None-Match": '"other"'})
    changed = connection.getresponse()
    assert (changed.status, changed.read()) == (200, body)


def test_head_has_no_body(connection: http.client.HTTPConnection) -> None:
    connection.request("HEAD", "/films")
    head = connection.getresponse()
    assert (head.status, head.read()) == (200, b"")
    assert int(head.headers["Content-Length"]) > 1000
    connection.request("GET", "/no/such/page")
    missing = connection.getresponse()
    assert missing.status == 404
    assert b"No such page" in missing.read()


def test_a_method_that_is_not_served(connection: http.client.HTTPConnection) -> None:
    connection.request("POST", "/films", body=b"x")
    assert connection.getresponse().status == 501


def test_absolute_links_name_the_place_and_not_the_host_header(url: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    connection.request("GET", "/sitemap.xml", headers={"Host": "evil.example"})
    body = connection.getresponse().read().decode()
    connection.close()
    assert url in body
    assert "evil" not in body


def test_a_taken_port_is_no_obstacle() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with serve_demo_site("127.0.0.1", port) as url:
            assert urlsplit(url).port not in {None, port}


def test_alone_in_a_process_it_says_where_and_ends_when_told() -> None:
    command = [sys.executable, "-m", "services.ingest.demo_site", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        where = urlsplit(process.stdout.readline().strip())
        connection = http.client.HTTPConnection(where.netloc, timeout=60)
        connection.request("GET", "/robots.txt")
        assert b"Sitemap: " in connection.getresponse().read()
        connection.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
