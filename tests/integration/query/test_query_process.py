"""``python -m services.query`` as a process: starting, refusing to start, stopping."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.ports import free_port
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[3]


def environment(folder: Path, **settings: str) -> dict[str, str]:
    variables = {f"MOVIE_SEARCH_{name}": value for name, value in settings.items()}
    return {**os.environ, "MOVIE_SEARCH_DATA_DIR": str(folder), **variables}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "services.query", *arguments]


@contextmanager
def query_process(folder: Path, port: int, **settings: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command("--port", str(port)),
        cwd=ROOT,
        env=environment(folder, **settings),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def alive(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/livez", timeout=20).status_code == 200
    except httpx.TransportError:
        return False


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize("host", ["::1", "[::1]", "::"])
def test_it_listens_on_an_ipv6_address(tmp_path: Path, host: str) -> None:
    port = free_port()
    with query_process(tmp_path, port, HOST=host):
        variables = environment(tmp_path, HOST=host)

        def is_alive() -> bool:
            checked = subprocess.run(
                command("--check", "--port", str(port)), cwd=ROOT, env=variables,
                capture_output=True,
            )  # fmt: skip
            return checked.returncode == 0

        wait_until(is_alive, what="its own check reaches it")
        assert httpx.get(f"http://[::1]:{port}/livez", timeout=20).status_code == 200
        assert alive(port) == (host == "::")  # which is every address


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_starts_without_anything_and_stops_cleanly(
    tmp_path: Path, number: signal.Signals
) -> None:
    port = free_port()
    with query_process(tmp_path, port) as process:
        wait_until(lambda: alive(port))
        assert httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 503
        checked = subprocess.run(
            command("--check", "--port", str(port)), cwd=ROOT, env=environment(tmp_path)
        )
        assert checked.returncode == 0
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0
        assert "stopped" in errors
        assert "Traceback" not in errors


def test_garbage_is_looked_for_once_it_has_started(tmp_path: Path) -> None:
    port = free_port()
    with query_process(tmp_path, port):
        wait_until(lambda: alive(port))
        before = collections(port)
        wait_until(lambda: collections(port) > before, what="the garbage collector has run")


def collections(port: int) -> float:
    """Return the number of garbage collections of the youngest generation."""
    name = 'python_gc_collections_total{generation="0"} '
    lines = httpx.get(f"http://127.0.0.1:{port}/metrics").text.splitlines()
    [line] = [line for line in lines if line.startswith(name)]
    return float(line.removeprefix(name))


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = subprocess.run(
            command(),
            cwd=ROOT,
            env=environment(tmp_path, PORT=str(port)),
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert ended.returncode == 1
    [line] = ended.stderr.splitlines()
    for word in (str(port), "in use", "MOVIE_SEARCH_PORT", "--port"):
        assert word in line


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"PORT": "many"}, "MOVIE_SEARCH_PORT"),
        ({"ENCODE_QUEUE": "0"}, "MOVIE_SEARCH_ENCODE_QUEUE"),
        ({"ADMIN_TOKEN": "hunter2-hunter2"}, "token"),
        ({"ADMIN_TOKEN_FILE": "/nowhere/token"}, "MOVIE_SEARCH_ADMIN_TOKEN_FILE"),
    ],
)
def test_a_bad_setting_is_one_line_without_its_value(
    tmp_path: Path, settings: dict[str, str], named: str
) -> None:
    ended = subprocess.run(
        command(),
        cwd=ROOT,
        env=environment(tmp_path, **settings),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 2
    [line] = ended.stderr.splitlines()
    assert named in line
    assert "hunter2" not in line


def test_check_says_when_nothing_is_there(tmp_path: Path) -> None:
    ended = subprocess.run(
        command("--check", "--port", str(free_port())),
        cwd=ROOT,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1


def test_no_query_and_no_token_reach_the_log(tmp_path: Path) -> None:
    port = free_port()
    secret = "zxqsecretzxq"
    with query_process(
        tmp_path, port, LOG_LEVEL="debug", ADMIN_TOKEN=f"{secret}-0123456789-abcdefghij"
    ) as process:
        wait_until(lambda: alive(port))
        base = f"http://127.0.0.1:{port}"
        httpx.get(f"{base}/search", params={"q": secret})
        httpx.post(f"{base}/search", json={"query": secret, secret: 1})
        httpx.get(f"{base}/movies/{secret}")
        httpx.get(f"{base}/{secret}", headers={"Authorization": f"Bearer {secret}"})
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert '"route":"/search"' in errors
    assert secret not in errors


def test_a_signal_during_the_start_stops_the_service(tmp_path: Path) -> None:
    """A signal that arrives before the server handles signals must not be lost."""
    program = (
        "import os, signal, sys\n"
        "from services.query import app, __main__\n"
        "make = app.create_app\n"
        "def create_app(*given, **named):\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    return make(*given, **named)\n"
        "app.create_app = create_app\n"
        "sys.exit(__main__.main(sys.argv[1:]))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, "--port", str(free_port())],
        cwd=ROOT,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    assert "stopped" in ended.stderr
