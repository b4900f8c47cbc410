"""The processor's floating-point state, which one library can change for the whole process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .registry import probe

if TYPE_CHECKING:
    from collections.abc import Iterator


def floating_point_state() -> list[str]:
    """What is wrong with rounding and subnormal numbers in this thread, seen from plain Python floats.

    The values come through ``float()``, since the compiler would fold constants before the question is put.
    """
    one, tiny = float("1"), float("2.2250738585072014e-308")
    half_ulp = float("1.1102230246251565e-16")
    wrong = []
    if tiny / float("2") == 0.0 or float("5e-324") * one == 0.0:
        wrong.append("subnormal numbers are flushed to zero (FTZ/DAZ is set)")
    nearest = one + half_ulp == one and one + float("3") * half_ulp > one + float("2") * half_ulp
    # Ties go to even, upwards and downwards alike; each other rounding mode fails one of the two.
    symmetric = -one - half_ulp == -one and float("0.1") + float("0.2") == float("0.30000000000000004")
    if not (nearest and symmetric):
        wrong.append("floating-point arithmetic does not round to nearest")
    return wrong


@probe(
    "float-state",
    catches="rounding mode or flush-to-zero changed by a preloaded or startup library",
    cost_ms=1,
    needs="",
)
def float_state(_module: Any, _facts: dict[str, Any]) -> Iterator[str]:
    """Divide and add plain floats before numpy is imported.

    What fails here was changed before numpy came in, so numpy is not to blame.
    """
    yield from floating_point_state()
