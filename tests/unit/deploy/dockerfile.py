"""A parser of Dockerfiles into stages of instructions, for the tests of this folder."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Instruction:
    """One instruction: its keyword, flags such as ``from``, and its argument."""

    word: str
    flags: dict[str, str]
    argument: str

    @property
    def exec_form(self) -> list[str] | None:
        """The arguments when they are a JSON list, which runs without a shell; None otherwise."""
        try:
            arguments: Any = json.loads(self.argument)
        except ValueError:
            return None
        return arguments if isinstance(arguments, list) else None


@dataclass(frozen=True)
class Stage:
    """One stage: its name, the image or stage that it is based on, and its instructions."""

    name: str
    parent: str
    instructions: tuple[Instruction, ...]

    def all(self, word: str) -> list[Instruction]:
        return [instruction for instruction in self.instructions if instruction.word == word]

    def last(self, word: str) -> Instruction | None:
        return next(iter(reversed(self.all(word))), None)


@dataclass(frozen=True)
class Dockerfile:
    """All stages by name, in order."""

    stages: dict[str, Stage]

    def chain(self, name: str) -> list[Stage]:
        """A stage and the stages that it is based on, nearest first."""
        stages = []
        while name in self.stages:
            stages.append(self.stages[name])
            name = self.stages[name].parent
        return stages

    def builders(self, name: str) -> list[Stage]:
        """The stages that a stage copies from, and the stages that those are based on."""
        sources = [copy.flags.get("from", "") for copy in self.stages[name].all("COPY")]
        return [stage for source in sources for stage in self.chain(source)]


def parse_dockerfile(text: str) -> Dockerfile:
    """Parse a Dockerfile: the part of the grammar that ours uses."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    stages: dict[str, Stage] = {}
    name, parent, instructions = "", "", list[Instruction]()
    for line in re.sub(r"\\\n", " ", "\n".join(lines)).splitlines():
        instruction = _parse_instruction(line)
        if instruction.word != "FROM":
            instructions.append(instruction)
            stages[name] = Stage(name, parent, tuple(instructions))
            continue
        parent, _, name = re.split(r"\s+(AS)\s+", instruction.argument)
        instructions = []
        stages[name] = Stage(name, parent, ())
    return Dockerfile(stages)


def read_dockerfile(path: Path) -> Dockerfile:
    return parse_dockerfile(path.read_text())


def _parse_instruction(line: str) -> Instruction:
    word, _, rest = line.strip().partition(" ")
    flags = {}
    while match := re.match(r"\s*--([a-z-]+)=(\S+)\s*", rest):
        flags[match.group(1)] = match.group(2)
        rest = rest[match.end() :]
    return Instruction(word.upper(), flags, " ".join(rest.split()))
