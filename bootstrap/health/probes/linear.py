"""Known answers of the linear algebra libraries and of FFT: BLAS exactly, LAPACK and FFT within bounds.

BLAS is asked for products of integers, whose every partial sum is exact in any order of summation, with or
without fused operations; numpy's own integer loops, which use no BLAS, say what is right. LAPACK is asked for
problems whose solution is known in closed form and for factors whose product must be the matrix again.
"""

# ruff: noqa: B905 - zip's strict is younger than some interpreters that this runs in

from __future__ import annotations

import cmath
import math
from typing import TYPE_CHECKING, Any

from .registry import probe

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHAPES = ((1, 1, 1), (3, 5, 7), (16, 16, 16), (33, 65, 31), (64, 129, 70), (193, 67, 129))
_LIMIT = 1e-11
"""Relative bound of every residual: thousands of times the rounding error at these sizes, and millions of
times below what a wrong kernel leaves."""


def _matrix(numpy: Any, rows: int, columns: int, seed: int) -> Any:
    """Integers between -9 and 9, without a random generator."""
    i, j = numpy.arange(rows)[:, None], numpy.arange(columns)
    return (i * (7 + seed) + j * (13 + seed) + i * j * 3) % 19 - 9


@probe("blas", catches="a wrong, foreign or damaged BLAS", cost_ms=30)
def blas(numpy: Any, _facts: dict[str, Any]) -> Iterator[str]:
    """Multiply integer matrices and vectors of every float type, layout and size class, exactly."""
    tiny = numpy.array([[1.0, 2.0], [3.0, 4.0]])
    if (tiny @ tiny).tolist() != [[7.0, 10.0], [15.0, 22.0]]:
        yield f"2x2 product: {(tiny @ tiny).tolist()} instead of [[7.0, 10.0], [15.0, 22.0]]"
    for rows, inner, columns in _SHAPES:
        a, b = _matrix(numpy, rows, inner, 1), _matrix(numpy, inner, columns, 4)
        right = a @ b
        real = a.T.copy()
        for name in ("float64", "float32", "complex128", "complex64"):
            label = f"{name} ({rows}x{inner})({inner}x{columns})"
            x, y = a.astype(name), b.astype(name)
            products = {
                "": x @ y,
                " dot": numpy.dot(x, y),
                " with a Fortran operand": numpy.asfortranarray(x) @ y,
                " with a transposed operand": real.astype(name).T @ y,
                " with a strided operand": numpy.repeat(x, 2, axis=1)[:, ::2] @ y,
            }
            for layout, product in products.items():
                if not numpy.array_equal(product, right):
                    yield f"{label}{layout}: {int((product != right).sum())} of {right.size} entries are wrong"
            if not numpy.array_equal(x @ x.T, a @ a.T):
                yield f"{label}: the product with its own transpose is wrong"
            if not numpy.array_equal(x @ y[:, 0], right[:, 0]):
                yield f"{label}: the matrix-vector product is wrong"
            if numpy.vdot(x[0], x[0]) != int((a[0] * a[0]).sum()):
                yield f"{label}: the dot product of a vector is wrong"
        turned = (a + 2j * a) @ (b - 1j * b)
        if not numpy.array_equal(turned, right * (3 + 1j)):
            yield f"complex ({rows}x{inner})({inner}x{columns}): the imaginary parts are wrong"
    einsum = numpy.einsum("ij,jk,kl->il", tiny, tiny, tiny).tolist()
    if einsum != [[37.0, 54.0], [81.0, 118.0]]:
        yield f"einsum: {einsum} instead of [[37.0, 54.0], [81.0, 118.0]]"


@probe("lapack", catches="a wrong, foreign or damaged LAPACK", cost_ms=30)
def lapack(numpy: Any, _facts: dict[str, Any]) -> Iterator[str]:
    """Solve, factor and diagonalise matrices whose answers are known."""
    linalg = numpy.linalg

    def check(label: str, got: Any, expected: Any) -> Iterator[str]:
        error = float(abs(got - expected).max())
        if not error <= _LIMIT * max(1.0, float(abs(expected).max())):
            yield f"{label}: off by {error:.3g}"

    for size in (5, 48):
        second = numpy.diag([2.0] * size) - numpy.diag([1.0] * (size - 1), 1) - numpy.diag([1.0] * (size - 1), -1)
        known = numpy.array([2 - 2 * math.cos(math.pi * k / (size + 1)) for k in range(1, size + 1)])
        yield from check(f"eigh {size}", linalg.eigh(second)[0], known)
        yield from check(f"eigvals {size}", numpy.sort(linalg.eigvals(second).real), known)
        yield from check(f"svd {size}", linalg.svd(second, compute_uv=False)[::-1], known)
        yield from check(f"det {size}", numpy.array([linalg.det(second)]), numpy.array([size + 1.0]))
        i = numpy.arange(1.0, size + 1)
        inverse = numpy.minimum(i[:, None], i) * (size + 1 - numpy.maximum(i[:, None], i)) / (size + 1)
        yield from check(f"inv {size}", linalg.inv(second), inverse)
        matrix = _matrix(numpy, size, size, 2) + 20.0 * numpy.eye(size) * size
        truth = _matrix(numpy, size, 3, 5) * 1.0
        for name, bound in (("float64", 1.0), ("complex128", 1.0), ("float32", 1e7)):
            solved = linalg.solve(matrix.astype(name), (matrix @ truth).astype(name))
            yield from check(f"{name} solve {size}", (solved - truth) / bound, truth * 0)
        u, s, vt = linalg.svd(matrix)
        yield from check(f"svd factors {size}", (u * s) @ vt, matrix)
        w, v = linalg.eigh(matrix + matrix.T)
        yield from check(f"eigh factors {size}", (v * w) @ v.T, matrix + matrix.T)
        w, v = linalg.eig(matrix)
        yield from check(f"eig factors {size}", matrix @ v - v * w, matrix * 0)
        q, r = linalg.qr(matrix)
        yield from check(f"qr factors {size}", q @ r, matrix)
        yield from check(f"qr orthogonality {size}", q.T @ q, numpy.eye(size))
        factor = linalg.cholesky(second)
        yield from check(f"cholesky {size}", factor @ factor.T, second)
        fitted = linalg.lstsq(matrix[:, :3], matrix[:, :3] @ truth[:3], rcond=None)[0]
        yield from check(f"lstsq {size}", fitted, truth[:3])
        yield from check(f"pinv {size}", linalg.pinv(matrix) @ matrix, numpy.eye(size))
    try:
        linalg.inv(numpy.zeros((2, 2)))
        yield "inv of a singular matrix raises no LinAlgError"
    except linalg.LinAlgError:
        pass


@probe("fft", catches="a damaged or replaced FFT", cost_ms=25)
def fft(numpy: Any, _facts: dict[str, Any]) -> Iterator[str]:
    """Compare transforms of several lengths, primes among them, with the defining sum."""
    for size in (1, 8, 12, 17, 45, 101):
        values = [complex((i * 37) % 23 - 11, (i * 17) % 13 - 6) for i in range(size)]
        roots = [cmath.exp(-2j * cmath.pi * k / size) for k in range(size)]
        expected = [sum(v * roots[i * k % size] for i, v in enumerate(values)) for k in range(size)]
        array = numpy.array(values)
        parts: dict[str, tuple[Any, list[Any]]] = {
            "fft": (numpy.fft.fft(array), expected),
            "ifft": (numpy.fft.ifft(array) * size, [expected[-k % size] for k in range(size)]),
            "round trip": (numpy.fft.ifft(numpy.fft.fft(array)), values),
            "fft2": (numpy.fft.fft2(numpy.array([values, values]))[0], [2 * v for v in expected]),
        }
        real = [v.real for v in values]
        whole = [sum(v * roots[i * k % size] for i, v in enumerate(real)) for k in range(size)]
        parts["rfft"] = (numpy.fft.rfft(array.real), whole[: size // 2 + 1])
        parts["irfft"] = (numpy.fft.irfft(numpy.fft.rfft(array.real), size), real)
        for name, (got, right) in parts.items():
            error = max(abs(p - q) for p, q in zip(got.tolist(), right))
            if len(got) != len(right) or not error <= 1e-10 * 12 * size:
                yield f"{name} of length {size}: off by {error:.3g}"
