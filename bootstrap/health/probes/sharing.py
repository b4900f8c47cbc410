"""Memory that numpy and its dependents promise to share: the same address, and a write seen on both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .registry import probe

if TYPE_CHECKING:
    from collections.abc import Iterator


def _address(array: Any) -> int:
    return int(array.__array_interface__["data"][0])


def _shared(label: str, one: int, other: int) -> Iterator[str]:
    if one != other:
        yield f"{label}: a copy was made (address {other:#x} instead of {one:#x})"


def _seen(label: str, value: Any, expected: Any) -> Iterator[str]:
    if value != expected:
        yield f"{label}: a write is not seen on the other side ({value!r} instead of {expected!r})"


@probe("share-torch", catches="torch built for another numpy", cost_ms=3, also="torch", needs="numpy")
def share_torch(numpy: Any, _facts: dict[str, Any]) -> Iterator[str]:
    """Hand memory to torch and back, by from_numpy, numpy() and DLPack."""
    import torch

    array = numpy.arange(6.0)
    tensor = torch.from_numpy(array)
    yield from _shared("torch.from_numpy", _address(array), tensor.data_ptr())
    tensor[1] = 41.0
    yield from _seen("torch.from_numpy", float(array[1]), 41.0)
    back = tensor.numpy()
    yield from _shared("Tensor.numpy", tensor.data_ptr(), _address(back))
    back[2] = 42.0
    yield from _seen("Tensor.numpy", float(tensor[2]), 42.0)
    if hasattr(numpy, "from_dlpack"):
        taken = numpy.from_dlpack(tensor)
        yield from _shared("numpy.from_dlpack", tensor.data_ptr(), _address(taken))
        given = torch.from_dlpack(array)
        yield from _shared("torch.from_dlpack", _address(array), given.data_ptr())
        given[3] = 43.0
        yield from _seen("torch.from_dlpack", float(array[3]), 43.0)
    for name in ("int64", "float32", "bool", "uint8", "complex64"):
        kind = str(torch.from_numpy(numpy.zeros(2, dtype=name)).dtype)
        yield from _seen(f"dtype {name} in torch", kind, f"torch.{name}")
    yield from _seen("torch sum", float(torch.from_numpy(numpy.arange(5.0)).sum()), 10.0)


@probe("share-pandas", catches="pandas built for another numpy", cost_ms=5, also="pandas")
def share_pandas(numpy: Any, _facts: dict[str, Any]) -> Iterator[str]:
    """Wrap an array in a Series and take it out again without a copy; group and join."""
    import pandas

    array = numpy.arange(6.0)
    series = pandas.Series(array, copy=False)
    out = series.to_numpy(copy=False)
    yield from _shared("Series.to_numpy", _address(array), _address(out))
    array[1] = 41.0
    yield from _seen("Series", float(series.iloc[1]), 41.0)
    frame = pandas.DataFrame({"key": ["a", "b", "a"], "value": [1, 2, 4]})
    yield from _seen("groupby", frame.groupby("key")["value"].sum().tolist(), [5, 2])
    merged = frame.merge(pandas.DataFrame({"key": ["a"], "other": [7.5]}), on="key")
    yield from _seen("merge", merged["other"].tolist(), [7.5, 7.5])
    dates = pandas.Series(pandas.date_range("2000-02-28", periods=3)).to_numpy()
    yield from _seen("dates", str(dates[1])[:10], "2000-02-29")


@probe("share-pyarrow", catches="pyarrow built for another numpy", cost_ms=5, also="pyarrow")
def share_pyarrow(numpy: Any, _facts: dict[str, Any]) -> Iterator[str]:
    """Move a column between numpy and Arrow without a copy, both ways."""
    import pyarrow

    array = numpy.arange(6.0)
    column = pyarrow.array(array)
    yield from _shared("pyarrow.array", _address(array), column.buffers()[1].address)
    array[1] = 41.0
    yield from _seen("pyarrow.array", column[1].as_py(), 41.0)
    out = column.to_numpy(zero_copy_only=True)
    yield from _shared("Array.to_numpy", column.buffers()[1].address, _address(out))
    yield from _seen("Array.to_numpy", out.tolist(), array.tolist())
    whole = numpy.arange(4, dtype="int32")
    buffer = pyarrow.py_buffer(whole)
    yield from _shared("pyarrow.py_buffer", _address(whole), buffer.address)
    taken = numpy.frombuffer(buffer, dtype="int32")
    yield from _shared("numpy.frombuffer", buffer.address, _address(taken))
    tensor = pyarrow.Tensor.from_numpy(numpy.arange(6).reshape(2, 3))
    yield from _seen("Tensor", tensor.to_numpy().tolist(), [[0, 1, 2], [3, 4, 5]])


@probe("share-scipy", catches="scipy built for another numpy, or with a broken BLAS", cost_ms=60, also="scipy")
def share_scipy(numpy: Any, _facts: dict[str, Any]) -> Iterator[str]:
    """Let scipy's BLAS write into numpy's memory, and solve with its LAPACK and sparse matrices."""
    from scipy import linalg, sparse
    from scipy.linalg import blas

    a = numpy.asfortranarray(numpy.arange(1.0, 5.0).reshape(2, 2))
    c = numpy.zeros((2, 2), order="F")
    result = blas.dgemm(1.0, a, a, beta=0.0, c=c, overwrite_c=True)
    yield from _shared("dgemm with overwrite_c", _address(c), _address(result))
    yield from _seen("dgemm with overwrite_c", c.tolist(), [[7.0, 10.0], [15.0, 22.0]])
    x = numpy.arange(4.0)
    scaled = blas.dscal(2.0, x)
    yield from _shared("dscal", _address(x), _address(scaled))
    yield from _seen("dscal", x.tolist(), [0.0, 2.0, 4.0, 6.0])
    solved = linalg.solve(a, a @ numpy.array([3.0, -2.0]))
    yield from _seen("solve", [round(v, 9) for v in solved.tolist()], [3.0, -2.0])
    held = sparse.csr_matrix(numpy.array([[0, 2], [5, 0]]))
    yield from _seen("sparse product", (held @ numpy.array([1, 10])).tolist(), [20, 5])
