"""Which arithmetic this CPU and an artefact allow."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

import openvino as ov

from shared.settings import Precision
from shared.telemetry import get_logger

PassagePrecision = Literal["f32", "bf16"]
QueryPrecision = Literal["f32", "bf16", "int8"]

_CPUINFO = Path("/proc/cpuinfo")


class Precisions(NamedTuple):
    """What queries and passages are encoded in."""

    queries: QueryPrecision
    passages: PassagePrecision


def choose(wanted: Precision, *, bf16: bool, int8: bool) -> Precisions:
    """What a setting means here.

    ``auto`` is bf16 where the CPU has it. Elsewhere queries are in int8, where there is a graph for
    it and the CPU can, because f32 costs twice as much; beside bf16, int8 gains a tenth and takes
    more memory (decision 33). ``int8`` asks for it aloud: where it is not to be had it says so and
    serves on, because a setting must not take a service down that a change of the model has
    overtaken. Passages are never in int8: their vectors are the index.

    Args:
        wanted: The setting.
        bf16: Whether the CPU computes in bf16.
        int8: Whether there is an int8 graph, and the CPU computes in int8.
    """
    if wanted == "f32":
        return Precisions("f32", "f32")
    if wanted == "bf16":
        return Precisions("bf16", "bf16")
    plain: PassagePrecision = "bf16" if bf16 else "f32"
    if int8 and (wanted == "int8" or not bf16):
        return Precisions("int8", plain)
    if wanted == "int8":
        get_logger().warning("int8 is not to be had here, queries are encoded otherwise", in_=plain)
    return Precisions(plain, plain)


def has_bf16(core: ov.Core) -> bool:
    """Whether the CPU computes in bf16 natively."""
    return "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def has_vnni(cpuinfo: Path = _CPUINFO) -> bool:
    """Whether the CPU multiplies int8 into int32 in one instruction.

    Without it int8 is not only slow: sums of two products saturate at 16 bits, and the vectors are
    not those that were measured. Linux on x86 tells; anything else counts as without.
    """
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return False
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    return not {"avx512_vnni", "avx_vnni"}.isdisjoint(flags)
