"""Locks between several embedders of one database: their names, and which of them publishes.

Each embedder takes the first free worker lock, which gives it a stable name: when it restarts, it
takes the same lock, and finds the entries that are pending for it and the reviews that it claimed.
One embedder also holds the publisher lock; the others try to take it now and then.

Where the locks are depends on the database, because that is what the embedders share:

- PostgreSQL: advisory locks of one session, which the server releases when the process ends or its
  host no longer answers. Embedders need no folder in common.
- SQLite: locks on files of the snapshot store, which the kernel releases when the process ends.

So no embedder waits for a dead one, and what a dead one had claimed can be given to others at once:
its lock is free (``holding_free``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from threading import Lock
from typing import Protocol

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from shared.system.file_lock import FileLock

FOLDER = ".embedders"
PUBLISHER = "publisher"
CONVERTER = "converter"
MAX_WORKERS = 64
_LOCKS_OF_EMBEDDERS = 0x6D6F76  # the first of the two numbers of each advisory lock
_NUMBER_OF_PUBLISHER = 0
_NOTICE_DEATH = (
    # The server asks a silent client after 10 s, and ends its session 15 s later.
    "SET tcp_keepalives_idle = 10",
    "SET tcp_keepalives_interval = 5",
    "SET tcp_keepalives_count = 3",
    "SET idle_session_timeout = 0",
)


class TooManyWorkers(RuntimeError):
    """Raised at start when as many embedders as allowed already work on the database."""


class WorkerLocks(Protocol):
    """The locks of one embedder.

    Example:
        An embedder holds its name while it works, and publishes while it holds that lock, too::

            locks = open_locks(engine, settings.snapshot_dir)
            with locks.hold_worker() as name:
                if locks.try_publishing():
                    ...
    """

    @property
    def is_publisher(self) -> bool:
        """Whether this embedder is the one that publishes."""

    def try_publishing(self) -> bool:
        """Become the one that publishes, unless another embedder is; returns ``is_publisher``.

        Raises:
            OSError: The store cannot be written.
            sqlalchemy.exc.DBAPIError: The database cannot be reached.
        """

    def hold_worker(self) -> AbstractContextManager[str]:
        """Hold the first free worker lock; all locks are released at the end.

        Returns:
            A context manager that gives the name of the worker that holds the lock.

        Raises:
            TooManyWorkers: All worker locks are taken.
            OSError: The store cannot be written.
            sqlalchemy.exc.DBAPIError: The database cannot be reached.
        """

    def holding_free(self, names: Sequence[str]) -> AbstractContextManager[list[str]]:
        """Hold those of other workers' locks that are free: these workers have ended.

        Args:
            names: Names of workers.

        Returns:
            A context manager that gives the names of which the locks were free, and keeps other
            processes from taking these names meanwhile.
        """

    def are_lost(self) -> bool:
        """Whether the locks were released from outside, so that another may have them now."""


def open_locks(engine: Engine, store: Path) -> WorkerLocks:
    """Return the locks of a new embedder; none is taken yet.

    Args:
        engine: The database that the embedders share.
        store: The snapshot store, which those with an SQLite database share, too.
    """
    return DatabaseLocks(engine) if engine.dialect.name == "postgresql" else FolderLocks(store)


class FolderLocks:
    """``WorkerLocks`` on files of the snapshot store.

    Args:
        store: The snapshot store.
    """

    def __init__(self, store: Path) -> None:
        self._store = store
        self._publisher: FileLock | None = None
        self._name: str | None = None

    @property
    def is_publisher(self) -> bool:
        """Whether this embedder is the one that publishes."""
        return self._publisher is not None

    def try_publishing(self) -> bool:
        """Become the one that publishes, unless another embedder is."""
        if self._publisher is None:
            lock = _lock(self._store, PUBLISHER)
            if lock.try_acquire():
                self._publisher = lock
        return self.is_publisher

    @contextmanager
    def hold_worker(self) -> Iterator[str]:
        """Hold the first free worker lock; all locks are released at the end."""
        for name in _worker_names():
            lock = _lock(self._store, name)
            if lock.try_acquire():
                break
        else:
            raise _too_many(str(self._store))
        with lock:
            self._name = name
            try:
                yield name
            finally:
                if self._publisher is not None:
                    self._publisher.release()
                    self._publisher = None

    @contextmanager
    def holding_free(self, names: Sequence[str]) -> Iterator[list[str]]:
        """Hold those of other workers' locks that are free."""
        with ExitStack() as stack:
            free = []
            for name in names:
                lock = _lock(self._store, name)
                if name != self._name and lock.try_acquire():
                    stack.callback(lock.release)
                    free.append(name)
            yield free

    def are_lost(self) -> bool:
        """Files stay locked until the process ends."""
        return False


class DatabaseLocks:
    """``WorkerLocks`` as advisory locks of PostgreSQL, all of one session.

    A pooler that lends a session for a transaction only (PgBouncer's transaction mode) would
    release them; connect to the server itself.

    Args:
        engine: The database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._session: Connection | None = None
        self._name: str | None = None
        self._is_publisher = False
        self._one_thread = Lock()

    @property
    def is_publisher(self) -> bool:
        """Whether this embedder is the one that publishes."""
        return self._is_publisher

    def try_publishing(self) -> bool:
        """Become the one that publishes, unless another embedder is."""
        if not self._is_publisher:
            self._is_publisher = self._try(_NUMBER_OF_PUBLISHER)
        return self._is_publisher

    @contextmanager
    def hold_worker(self) -> Iterator[str]:
        """Hold the first free worker lock; all locks are released at the end."""
        with self._engine.connect() as pooled:
            session = pooled.execution_options(isolation_level="AUTOCOMMIT")
            session.detach()  # closed at the end, and not given back with its locks
            for statement in _NOTICE_DEATH:
                session.execute(text(statement))
            self._session = session
            try:
                free = (name for name in _worker_names() if self._try(_number_of(name)))
                self._name = next(free, None)
                if self._name is None:
                    raise _too_many("this database")
                yield self._name
            finally:
                self._session, self._is_publisher = None, False

    @contextmanager
    def holding_free(self, names: Sequence[str]) -> Iterator[list[str]]:
        """Hold those of other workers' locks that are free."""
        others = [name for name in names if name != self._name and name in _worker_names()]
        free = [name for name in others if self._try(_number_of(name))]
        try:
            yield free
        finally:
            for name in free:
                self._call("pg_advisory_unlock", _number_of(name))

    def are_lost(self) -> bool:
        """Whether the session has ended, and with it all its locks."""
        try:
            self._ask("SELECT true")
        except DBAPIError:
            return True
        return False

    def _try(self, number: int) -> bool:
        return self._call("pg_try_advisory_lock", number)

    def _call(self, function: str, number: int) -> bool:
        statement = f"SELECT {function}(:group, :number)"
        return self._ask(statement, group=_LOCKS_OF_EMBEDDERS, number=number)

    def _ask(self, statement: str, **values: int) -> bool:
        with self._one_thread:
            if self._session is None:
                raise RuntimeError("no worker lock is held")
            return bool(self._session.execute(text(statement), values).scalar_one())


@contextmanager
def converting(store: Path) -> Iterator[None]:
    """Wait until no other embedder converts a model into the store, and lock the others out.

    Raises:
        OSError: The store cannot be written.
    """
    with _lock(store, CONVERTER):
        yield


def _worker_names() -> list[str]:
    return [f"embedder-{number}" for number in range(1, MAX_WORKERS + 1)]


def _number_of(name: str) -> int:
    return int(name.removeprefix("embedder-"))


def _too_many(where: str) -> TooManyWorkers:
    return TooManyWorkers(f"{MAX_WORKERS} embedders already use {where}")


def _lock(store: Path, name: str) -> FileLock:
    folder = store / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / name)
