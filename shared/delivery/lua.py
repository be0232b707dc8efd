'''Lua scripts for Redis whose keys and arguments have names and types.

A script is a class: its annotations declare what it is called with, and its ``lua`` uses the same
names as local variables::

    class TakeLease(Script[int]):
        """Take a free lease, or renew one that ``holder`` has. Returns 1 when it is held."""

        lease: Key
        holder: str
        lease_ms: int

        lua = """
        local current = redis.call('GET', lease)
        if current and current ~= holder then return 0 end
        redis.call('SET', lease, holder, 'PX', lease_ms)
        return 1
        """

    held = await TakeLease(lease="lease:r1", holder="a", lease_ms=15_000).run(redis)

``Key`` fields become ``KEYS`` in their order, all others ``ARGV``. A sequence becomes a Lua table
of its values, a mapping as a table of names and values in turn, as ``HSET`` and ``XADD`` take them
after ``unpack``. Redis hands numbers to Lua as strings.

A script runs by its hash (``EVALSHA``). A server that does not know it, because it was restarted or
its scripts were flushed, is sent the whole text (``EVAL``), which it then remembers. A script whose
first line is ``#!lua flags=allow-oom`` also runs on a server that is out of memory.
'''

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import (
    Annotated,
    ClassVar,
    Generic,
    TypeVar,
    cast,
    dataclass_transform,
    get_type_hints,
)

from redis.exceptions import NoScriptError

from shared.delivery.redis_client import Client

Key = Annotated[str, "a key of Redis"]
Reply = TypeVar("Reply")
_SINGLE = (str, int, float)

_READ_ARGUMENTS = (
    "local argument = 0 "
    "local function one() argument = argument + 1 return ARGV[argument] end "
    "local function many() local values = {} for i = 1, tonumber(one()) do values[i] = one() end "
    "return values end"
)


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Script(Generic[Reply]):
    """A script with what it is called with; see the module. ``Reply`` is what Redis answers."""

    lua: ClassVar[str]
    TEXT: ClassVar[str]
    """The script as Redis gets it: ``lua`` with the declarations of its variables."""
    SHA1: ClassVar[str]
    _keys: ClassVar[tuple[str, ...]]
    _arguments: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls) -> None:
        dataclass(frozen=True, kw_only=True)(cls)
        types = get_type_hints(cls, include_extras=True)
        names = [field.name for field in fields(cls)]  # type: ignore[arg-type]  # a dataclass now
        cls._keys = tuple(name for name in names if types[name] == Key)
        cls._arguments = tuple(name for name in names if types[name] != Key)
        single = {name for name in names if types[name] in _SINGLE}
        cls.TEXT = _with_variables(cls.lua, cls._keys, cls._arguments, single)
        cls.SHA1 = hashlib.sha1(cls.TEXT.encode(), usedforsecurity=False).hexdigest()

    async def run(self, redis: Client) -> Reply:
        """Run the script.

        Raises:
            redis.exceptions.RedisError: Redis is unavailable, or the script failed.
        """
        keys, arguments = self._call()
        try:
            reply = await redis.evalsha(self.SHA1, len(keys), *keys, *arguments)
        except NoScriptError:
            reply = await redis.eval(self.TEXT, len(keys), *keys, *arguments)
        return cast("Reply", reply)

    def queue(self, pipeline: Client) -> None:
        """Add the script to a pipeline, by its text: a pipeline cannot fall back on it later."""
        keys, arguments = self._call()
        pipeline.eval(self.TEXT, len(keys), *keys, *arguments)

    def _call(self) -> tuple[list[str], list[str]]:
        keys = [getattr(self, name) for name in self._keys]
        values = [getattr(self, name) for name in self._arguments]
        return keys, [argument for value in values for argument in _encoded(value)]


def _with_variables(
    lua: str, keys: Sequence[str], arguments: Sequence[str], single: Collection[str]
) -> str:
    """A script after the declarations of its variables, and those after its ``#!`` line."""
    body = lua.strip("\n")
    shebang = ""
    if body.startswith("#!"):
        shebang, _, body = body.partition("\n")
        shebang += "\n"
    variables = [f"local {name} = KEYS[{number}]" for number, name in enumerate(keys, 1)]
    if arguments:
        variables.append(_READ_ARGUMENTS)
    variables += [f"local {name} = {'one' if name in single else 'many'}()" for name in arguments]
    return f"{shebang}{' '.join(variables)}\n{body}\n"


def _encoded(value: object) -> Iterator[str]:
    """The arguments of a value: a collection's after their number."""
    if isinstance(value, Mapping):
        yield str(2 * len(value))
        for name, content in value.items():
            yield name
            yield content
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield str(len(value))
        yield from value
    else:
        yield str(value)
