"""Chooses the arithmetic precision that the CPU and an artefact allow."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

from shared.encoder.runtime import ov
from shared.settings import Precision
from shared.telemetry import get_logger

PassagePrecision = Literal["f32", "bf16"]
QueryPrecision = Literal["f32", "bf16", "int8"]

_CPUINFO = Path("/proc/cpuinfo")


class Precisions(NamedTuple):
    """The precisions in which queries and passages are encoded."""

    queries: QueryPrecision
    passages: PassagePrecision


def choose(setting: Precision, *, bf16: bool, int8: bool) -> Precisions:
    """Choose the precisions for a setting.

    ``auto`` means int8 for queries, if the artefact and the CPU support it: they cost a quarter to
    a third less than in bf16, and the rankings are the same (decision 69). Otherwise it means bf16
    where the CPU has it, else f32. ``int8`` asks for it explicitly; if it is unavailable, a warning
    is logged and the service falls back, because a setting must not stop a service after a change
    of the model. Passages are never in int8: their vectors are the index.

    Args:
        setting: Value of the setting ``ENCODER_PRECISION``.
        bf16: Whether the CPU computes in bf16.
        int8: Whether the artefact has an int8 graph and the CPU computes in int8.
    """
    if setting == "f32":
        return Precisions("f32", "f32")
    if setting == "bf16":
        return Precisions("bf16", "bf16")
    plain: PassagePrecision = "bf16" if bf16 else "f32"
    if int8:
        return Precisions("int8", plain)
    if setting == "int8":
        get_logger().warning("int8 unavailable, falling back", precision=plain)
    return Precisions(plain, plain)


def has_bf16(core: ov.Core) -> bool:
    """Whether the CPU computes in bf16 natively."""
    return "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def has_vnni(cpuinfo: Path = _CPUINFO) -> bool:
    """Whether the CPU multiplies int8 into int32 in one instruction.

    Without it int8 is not only slow: sums of two products saturate at 16 bits, and the vectors
    differ from those that were measured. Only Linux on x86 reports it; other systems count as
    without.

    Args:
        cpuinfo: File with the CPU's flags.
    """
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return False
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    return not {"avx512_vnni", "avx_vnni"}.isdisjoint(flags)
