"""The file of search keys: each has a name, the hash of its text, and optionally its own rate.

``movie-search keys`` writes the file, and the query service reads it again when it has changed, so
that a key that is removed is refused within ``CHECKED_EVERY_S``. The text of a key is shown once,
when it is made, and not stored: it is random, so a plain SHA-256 of it cannot be reversed.

The file is JSON: ``{"keys": [{"name": "site", "sha256": "...", "rate": "600/minute"}]}``.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from services.query.access.rates import Rate
from shared.system.file_lock import FileLock
from shared.telemetry import get_logger

CHECKED_EVERY_S = 1.0
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PREFIX = "msk_"  # tools that look for secrets in published code know keys by a prefix


class KeyFileInvalid(ValueError):
    """The file of search keys cannot be read; the message is one line that says why."""


class KeyNameTaken(ValueError):
    """There is a key with this name already."""


def _checked_rate(text: str | None) -> str | None:
    if text is not None:
        Rate.parse(text)
    return text


class SearchKey(BaseModel):
    """One key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=f"^{NAME.pattern}$")]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    rate: Annotated[str | None, AfterValidator(_checked_rate)] = None

    @property
    def limit(self) -> Rate | None:
        """Its rate; None: as often as it likes."""
        return Rate.parse(self.rate) if self.rate is not None else None


class _Keys(BaseModel):
    model_config = ConfigDict(extra="forbid")

    keys: list[SearchKey] = []


def read_keys(path: Path) -> list[SearchKey]:
    """Read the keys of a file.

    Raises:
        KeyFileInvalid: the file is missing, cannot be read, or is no file of keys.
    """
    try:
        keys = _Keys.model_validate_json(path.read_bytes()).keys
    except OSError as error:
        raise KeyFileInvalid(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise KeyFileInvalid(f"{path}: {place + ': ' if place else ''}{first['msg']}") from error
    if len({key.name for key in keys}) != len(keys):
        raise KeyFileInvalid(f"{path}: two keys have the same name")
    return keys


def add_key(path: Path, name: str, rate: Rate | None = None) -> str:
    """Make a key, and write it into the file, which is made if it is missing.

    Returns:
        The text of the key, which is stored nowhere.

    Raises:
        KeyNameTaken: there is a key with this name.
        KeyFileInvalid: the file cannot be read.
    """
    text = _PREFIX + secrets.token_urlsafe(24)
    with FileLock(_lock_of(path)):
        keys = read_keys(path) if path.exists() else []
        if any(key.name == name for key in keys):
            raise KeyNameTaken(name)
        added = SearchKey(
            name=name, sha256=_hash(text.encode()), rate=str(rate) if rate is not None else None
        )
        _write(path, [*keys, added])
    return text


def remove_key(path: Path, name: str) -> bool:
    """Remove a key from the file.

    Returns:
        Whether there was a key with this name.

    Raises:
        KeyFileInvalid: the file cannot be read.
    """
    with FileLock(_lock_of(path)):
        keys = read_keys(path)
        left = [key for key in keys if key.name != name]
        if len(left) == len(keys):
            return False
        _write(path, left)
    return True


@dataclass(slots=True)
class KeyFile:
    """The keys of a file as they are now."""

    path: Path
    clock: Callable[[], float] = time.monotonic
    _by_hash: dict[str, SearchKey] | None = None
    _version: tuple[int, int, int] | None = None
    _checked_at_s: float = 0.0

    def key_of(self, text: bytes) -> SearchKey | None:
        """Return the key with this text.

        Raises:
            KeyFileInvalid: the file cannot be read at first. A fault that it gets later is logged,
                and the keys stay as they were.
        """
        now_s = self.clock()
        if self._by_hash is None or now_s - self._checked_at_s >= CHECKED_EVERY_S:
            self._checked_at_s = now_s
            self._read()
        assert self._by_hash is not None  # noqa: S101 - for types
        return self._by_hash.get(_hash(text))

    def _read(self) -> None:
        try:
            state = self.path.stat()
            version = (state.st_ino, state.st_mtime_ns, state.st_size)
        except OSError:
            version = (0, 0, 0)
        if version == self._version:
            return
        self._version = version
        try:
            self._by_hash = {key.sha256: key for key in read_keys(self.path)}
        except KeyFileInvalid as error:
            if self._by_hash is None:
                raise
            get_logger().error("search keys unreadable", reason=str(error))


def _hash(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def _lock_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.lock")


def _write(path: Path, keys: Sequence[SearchKey]) -> None:
    """Replace the file in one step, readable by its owner only."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(_Keys(keys=list(keys)).model_dump_json(indent=2).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
