"""Redis and services on one machine, as children of this process.

``movie-search up`` runs the whole system with it, and the evaluation runs the part that builds a
snapshot. Redis is embedded unless the caller names one. A child that ends is started again; when
this process ends, however it ends, its children end too.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from services.local import redis_server
from services.local.processes import CannotStart, Service
from shared.delivery.redis_check import RedisUnusable, wait_for_redis
from shared.delivery.redis_client import UNAVAILABLE, Client, connect
from shared.settings import PREFIX
from shared.system.scratch import scratch_folder

REDIS_TIMEOUT_S = 60.0
"""How long the embedded Redis may take to load its data."""
NAMED_REDIS_TIMEOUT_S = 5.0
"""How long a Redis that the caller named may be unreachable: it should be running."""

Work = Callable[[Client], Coroutine[Any, Any, None]]


class LocalSystem:
    """Redis and services that run while some work is done with them.

    ``stop`` ends the work early and stops everything.
    """

    def __init__(
        self,
        services: Sequence[str],
        *,
        data_dir: Path,
        environment: Mapping[str, str],
        redis_url: str | None = None,
        output: IO[bytes] | None = None,
    ) -> None:
        """Start nothing yet.

        Args:
            services: Names of the services in the order of their start; a name may be repeated.
            data_dir: The data folder, as an absolute path; it must exist.
            environment: Environment variables of all children. The Redis URL and the data folder
                are added.
            redis_url: A Redis server to use; None starts an embedded one.
            output: Where the output of the services goes; this process's own when None.

        Raises:
            CannotStart: there is no Redis server on this machine, and none was named.
        """
        self.stop = asyncio.Event()
        self.redis: str | Path = redis_url or _redis_binary()  # its URL, or the program to start
        self.redis_log = data_dir / "redis" / "server.log"
        self._names = services
        self._data_dir = data_dir
        self._environment = environment
        self._output = output
        self._children: list[Service] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def run(self, work: Work) -> None:
        """Start everything, do the work, and stop everything.

        1. Redis starts first, and the services when it answers.
        2. The work gets a Redis client and runs until it returns, ``stop`` is set, or a child
           cannot be started.
        3. The children are stopped in the reverse order of their start. So Redis is last, and no
           message is lost.

        Raises:
            CannotStart: a child cannot be started at all, or Redis does not answer or cannot do the
                work.
        """
        with contextlib.ExitStack() as resources:
            try:
                redis_url = (
                    self.redis
                    if isinstance(self.redis, str)
                    else self._start_redis(self.redis, resources)
                )
                client = connect(redis_url)
                try:
                    await self._run_beside_children(self._wait_for_redis(redis_url))
                    if not self.stop.is_set():
                        for name in self._names:
                            self._start(self._service(name, redis_url))
                        await self._run_beside_children(work(client))
                finally:
                    await client.aclose()
            finally:
                self.stop.set()
                for child in reversed(self._children):
                    await child.end()
                await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run_beside_children(self, work: Coroutine[Any, Any, None]) -> None:
        """Return when the work does or ``stop`` is set; raise what the work or a child raises."""
        working = asyncio.create_task(work)
        stopping = asyncio.create_task(self.stop.wait())
        awaited: set[asyncio.Task[Any]] = {working, stopping, *self._tasks}
        try:
            done, _ = await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (working, stopping):
                task.cancel()
            await asyncio.gather(working, stopping, return_exceptions=True)

    def _start(self, child: Service) -> None:
        self._children.append(child)
        self._tasks.append(asyncio.create_task(child.keep_running(self.stop)))

    def _start_redis(self, binary: Path, resources: contextlib.ExitStack) -> str:
        """Start the embedded Redis; returns its URL."""
        self.redis_log.parent.mkdir(parents=True, exist_ok=True)
        # The path of a socket is limited to 107 bytes, so it cannot be in the data folder.
        scratch = resources.enter_context(scratch_folder("movie-search-local-"))
        log = resources.enter_context(self.redis_log.open("ab"))
        socket = scratch / "redis.sock"
        command = redis_server.server_command(binary, data_dir=self.redis_log.parent, socket=socket)
        self._start(Service("redis", command, self._environment, output=log))
        return redis_server.socket_url(socket)

    async def _wait_for_redis(self, url: str) -> None:
        is_named = isinstance(self.redis, str)
        limit_s = NAMED_REDIS_TIMEOUT_S if is_named else REDIS_TIMEOUT_S
        try:
            await wait_for_redis(url, give_up_after_s=limit_s)
        except RedisUnusable as error:
            raise CannotStart(str(error)) from error
        except UNAVAILABLE as error:
            hint = f"; start it, or correct {PREFIX}REDIS_URL" if is_named else ""
            raise CannotStart(f"Redis does not answer: {error}{hint}") from error

    def _service(self, name: str, redis_url: str) -> Service:
        environment = {
            **self._environment,
            "PYTHONUNBUFFERED": "1",
            "OMP_NUM_THREADS": "1",
            "TOKENIZERS_PARALLELISM": "false",
            f"{PREFIX}REDIS_URL": redis_url,
            f"{PREFIX}DATA_DIR": str(self._data_dir),
        }
        command = [sys.executable, "-m", f"services.{name}"]
        return Service(name, command, environment, output=self._output)


def _redis_binary() -> Path:
    try:
        return redis_server.find_server()
    except redis_server.RedisServerMissing as error:
        raise CannotStart(str(error)) from error
