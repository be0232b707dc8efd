"""Greedy clients: what one takes, no other goes without.

These tests count what is done and in which order, never the time. Clients have addresses of their
own: all of 127.0.0.0/8 is this machine.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from services.query.serving.batching import MAX_BATCH
from tests.support.counts import Counted
from tests.support.query.query_process import QueryProcess, publish, query_child, read_all
from tests.support.query.raw_http import answer, answers, head, post, problem_in, query_json
from tests.support.waiting import wait_until

GREEDY, SECOND, MODEST = "127.0.0.2", "127.0.0.3", "127.0.0.4"
WAITING = "movie_search_waiting"
CONNECTIONS = "movie_search_connections"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    publish(tmp_path)
    return tmp_path


@dataclass(frozen=True)
class Gated:
    """A query process whose encoder waits until it is opened, and notes what it encodes."""

    query: QueryProcess
    record: Path
    stack: ExitStack

    def close(self) -> None:
        self.record.with_suffix(".closed").touch()

    def open(self) -> None:
        self.record.with_suffix(".closed").unlink()

    @property
    def batches(self) -> list[list[str]]:
        lines = self.record.read_text().splitlines() if self.record.exists() else []
        return [json.loads(line) for line in lines]

    def send(self, client: str, *requests: bytes) -> list[socket.socket]:
        """Send each request on its own connection."""
        connections = []
        for request in requests:
            connections.append(self.stack.enter_context(self.query.connect(client)))
            connections[-1].sendall(request)
        return connections

    def wait_for(self, waiting: int) -> None:
        wait_until(lambda: self.query.metric(WAITING) == waiting, what=f"{waiting} searches wait")

    def begin(self, client: str = GREEDY) -> socket.socket:
        """Close the encoder, and keep it busy with one search."""
        before = len(self.batches)
        self.close()
        [connection] = self.send(client, search("the first"))
        wait_until(lambda: len(self.batches) > before, what="the encoder is busy")
        return connection

    def encoded(self) -> list[str]:
        """The texts since ``begin``, in their order."""
        texts = [text for batch in self.batches for text in batch]
        return texts[texts.index("the first") :]


@contextmanager
def gated(folder: Path, queue: int = 256) -> Iterator[Gated]:
    record = folder / "record"
    changes = {"record": str(record)}
    with (
        query_child(folder, changes=changes, QUERY_CACHE="0", ENCODE_QUEUE=str(queue)) as query,
        ExitStack() as stack,
    ):
        yield Gated(query, record, stack)


def search(text: str) -> bytes:
    return post(query_json(text, interpret=False))


def batch(*texts: str) -> bytes:
    searches = [{"query": text, "interpret": False} for text in texts]
    return post(json.dumps({"searches": searches}).encode(), target="/search/batch")


def statuses(connections: Sequence[socket.socket]) -> set[int]:
    return {answer(read_all(connection)).status for connection in connections}


def test_one_search_is_next_whatever_others_have_sent(folder: Path, counted: Counted) -> None:
    """A hundred searches of one client wait, then sixty-four of another, then one of a third."""
    with gated(folder) as running:
        sent = [running.begin()]
        sent += running.send(GREEDY, *(search(f"greedy {n}") for n in range(100)))
        running.wait_for(100)
        sent += running.send(SECOND, batch(*(f"second {n}" for n in range(64))))
        running.wait_for(164)
        sent += running.send(MODEST, search("modest"))
        running.wait_for(165)
        running.open()
        assert statuses(sent) == {200}
        _, *order = running.encoded()
    # The greedy client has been served last, so the two others come before it.
    assert set(order[:2]) == {"second 0", "modest"}
    turns = [text.split()[0] for text in order if text != "modest"]
    assert turns[:128] == ["second", "greedy"] * 64
    counted("searches in turns", len(order))


def test_a_batch_behind_a_proxy_takes_turns_with_single_searches(
    folder: Path, counted: Counted
) -> None:
    """All clients have the address of the proxy."""
    with gated(folder) as running:
        sent = [running.begin()]
        sent += running.send(GREEDY, batch(*(f"batch {n}" for n in range(64))))
        running.wait_for(64)
        sent += running.send(GREEDY, *(search(f"single {n}") for n in range(3)))
        running.wait_for(67)
        running.open()
        assert statuses(sent) == {200}
        _, *order = running.encoded()
    assert order[0] == "batch 0"
    assert set(order[1:4]) == {"single 0", "single 1", "single 2"}
    assert order[4:] == [f"batch {n}" for n in range(1, 64)]
    counted("searches in turns", len(order))


def test_what_nobody_waits_for_is_not_computed(folder: Path, counted: Counted) -> None:
    with gated(folder) as running:
        first = running.begin()
        idle = running.query.metric(CONNECTIONS)
        gone = running.send(GREEDY, *(search(f"gone {n}") for n in range(20)))
        gone += running.send(GREEDY, batch(*(f"gone too {n}" for n in range(40))))
        running.wait_for(60)
        [modest] = running.send(MODEST, search("modest"))
        running.wait_for(61)
        for connection in gone:
            connection.close()
        wait_until(lambda: running.query.metric(CONNECTIONS) == idle + 1, what="they are noticed")
        running.open()
        assert statuses([first, modest]) == {200}
        assert answer(running.query.raw(search("the last"))).status == 200
        assert running.encoded() == ["the first", "modest", "the last"]
        assert running.query.metric('movie_search_refused_total{reason="gone"}') == 60
        assert (
            running.query.metric(
                'movie_search_http_requests_total{method="POST",route="/search",status="499"}'
            )
            == 20
        )
    assert "Traceback" not in running.query.log.read_text()
    counted("searches dropped", 60)


def test_a_queue_that_one_client_fills_has_room_for_another(folder: Path, counted: Counted) -> None:
    queue = 24
    with gated(folder, queue) as running:
        sent = [running.begin()]
        sent += running.send(GREEDY, *(search(f"greedy {n}") for n in range(queue)))
        running.wait_for(queue)
        [over] = running.send(GREEDY, search("one too many"))
        assert problem_in(answer(read_all(over)), 503).code == "overloaded"
        sent += running.send(MODEST, *(search(f"modest {n}") for n in range(queue // 2)))
        running.wait_for(queue + queue // 2)
        [over] = running.send(MODEST, search("more than its share"))
        assert problem_in(answer(read_all(over)), 503).code == "overloaded"
        running.open()
        assert statuses(sent) == {200}
    counted("searches admitted beside a full queue", queue // 2)


def test_a_lone_client_has_its_searches_computed_together(folder: Path) -> None:
    """Turns cost a lone client nothing."""
    with gated(folder) as running:
        sent = [running.begin()]
        sent += running.send(GREEDY, *(search(f"alone {n}") for n in range(2 * MAX_BATCH)))
        running.wait_for(2 * MAX_BATCH)
        running.open()
        assert statuses(sent) == {200}
        assert [len(texts) for texts in running.batches[-3:]] == [1, MAX_BATCH, MAX_BATCH]


def test_idle_connections_of_one_client_shut_nobody_out(folder: Path, counted: Counted) -> None:
    files, opened = 256, 400
    with query_child(folder, open_files=f"64:{files}") as query, ExitStack() as stack:
        assert query.process.rlimit(7)[0] == files  # RLIMIT_NOFILE: the soft limit was raised
        idle = [stack.enter_context(query.connect(GREEDY)) for _ in range(opened)]
        refused = "movie_search_connections_refused_total"
        wait_until(lambda: query.metric(refused) > opened // 2, what="connections are refused")
        for number in range(50):
            assert answer(query.raw(search(f"modest {number}"), MODEST)).status == 200
        problem = problem_in(answer(read_all(idle[-1])), 503)
        assert problem.code == "too-many-connections"
        assert query.process.num_fds() < files
        for connection in idle:
            connection.close()
        wait_until(lambda: query.metric(CONNECTIONS) == 1, what="all are closed")
        assert answer(query.raw(search("greedy again"), GREEDY)).status == 200
    lines = [line for line in query.log.read_text().splitlines() if "too many connect" in line]
    assert len(lines) == 1
    assert GREEDY in lines[0]
    counted("connections refused", opened // 2)


def test_answers_that_a_client_does_not_take_are_bounded(folder: Path, counted: Counted) -> None:
    changes: dict[str, Any] = {"timeouts": {"MAX_UNTAKEN_BYTES": 2_000_000}}
    with query_child(folder, changes=changes) as query, ExitStack() as stack:
        asked = head("GET", "/openapi.json", close=False)
        codes: set[str] = set()
        lazy = 0
        while not codes:
            assert lazy < 100, "nothing bounds them"
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.bind((GREEDY, 0))
            connection.connect(("127.0.0.1", query.port))
            connection.sendall(asked * 100)  # it reads none of them
            lazy += 1
            assert connection.recv(1)
            response = answer(query.raw(search("greedy"), GREEDY))
            codes = {problem_in(response, 503).code} if response.status != 200 else set()
        assert codes == {"answers-not-taken"}
        assert answer(query.raw(search("modest"), MODEST)).status == 200
        assert answer(query.raw(head("GET", "/livez"))).status == 200
        stack.close()

        def is_answered() -> bool:
            return answers(query.raw(search("greedy"), GREEDY))[0].status == 200

        wait_until(is_answered, what="who takes its answers is answered again")
    counted("clients that do not read", 1)
