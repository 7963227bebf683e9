"""ONNX nodes written as arithmetic: `Value`s are added and compared, and nodes come of it.

Only what `placing` needs. A number beside a value becomes a constant of that value's type, and two
values of different types are an error here rather than a graph that no runtime opens.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto, TensorProto

INT, DOUBLE, FLOAT, HALF, BOOL = (
    np.dtype(kind) for kind in (np.int64, np.float64, np.float32, np.float16, np.bool_)
)


@dataclass(slots=True)
class Writing:
    """Nodes and constants of a graph, in the order in which they were written."""

    prefix: str
    """Before all names, so that no other part of a graph has the same."""
    nodes: list[NodeProto] = field(default_factory=list)
    constants: list[TensorProto] = field(default_factory=list)

    def constant(self, value: ArrayLike, dtype: np.dtype[Any]) -> Value:
        """A value that is known beforehand."""
        from onnx import numpy_helper

        name = f"{self.prefix}constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return Value(self, name, dtype)

    def op(
        self,
        kind: str,
        *inputs: Value,
        dtype: np.dtype[Any] | None = None,
        named: str | None = None,
        **attributes: Any,
    ) -> Value:
        """What a node of `kind` makes of `inputs`: a value of `dtype`, None like the first; called
        `named` where somebody else asks for it by name."""
        from onnx import helper

        name = named or f"{self.prefix}{kind.lower()}_{len(self.nodes)}"
        names = [one.name for one in inputs]
        self.nodes.append(helper.make_node(kind, names, [name], f"node/{name}", **attributes))
        return Value(self, name, dtype or inputs[0].dtype)

    def graph(self, name: str, made: Value) -> GraphProto:
        """What was written as the branch of an `If`, with one output; it sees what is outside."""
        from onnx import ValueInfoProto, helper

        out = ValueInfoProto(name=made.name)
        return helper.make_graph(self.nodes, name, [], [out], self.constants)


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A tensor of a graph that is being written."""

    writing: Writing
    name: str
    dtype: np.dtype[Any]

    def __add__(self, other: Value | float) -> Value:
        return self._beside("Add", other)

    def __sub__(self, other: Value | float) -> Value:
        return self._beside("Sub", other)

    def __mul__(self, other: Value | float) -> Value:
        return self._beside("Mul", other)

    def __truediv__(self, other: Value | float) -> Value:
        """Whole numbers are divided downwards, both being positive."""
        return self._beside("Div", other)

    def __ge__(self, other: Value | float) -> Value:
        return self._beside("GreaterOrEqual", other, BOOL)

    def __lt__(self, other: Value | float) -> Value:
        return self._beside("Less", other, BOOL)

    def __and__(self, other: Value) -> Value:
        return self._beside("And", other)

    def __or__(self, other: Value) -> Value:
        return self._beside("Or", other)

    def at_least(self, other: Value | float) -> Value:
        """The larger of the two, cell by cell."""
        return self._beside("Max", other)

    def at_most(self, other: Value | float) -> Value:
        """The smaller of the two, cell by cell."""
        return self._beside("Min", other)

    def matmul(self, other: Value) -> Value:
        """The product of matrices over the last two axes."""
        return self._beside("MatMul", other)

    def within(self, writing: Writing) -> Value:
        """The same value, seen from a branch."""
        return Value(writing, self.name, self.dtype)

    def cast(self, dtype: np.dtype[Any], named: str | None = None) -> Value:
        """The same values in another type."""
        from onnx import helper

        to = helper.np_dtype_to_tensor_dtype(dtype)
        return self.writing.op("Cast", self, dtype=dtype, named=named, to=to)

    def rounded(self, kind: str) -> Value:
        """Whole numbers, int64: `kind` is Floor, Ceil or Round, halves to even as in Python."""
        return self.writing.op(kind, self).cast(INT)

    def reduced(self, kind: str, axis: int) -> Value:
        """ReduceSum, ReduceMax or ReduceMin over an axis, which stays with a length of 1."""
        axes = self.writing.constant([axis], INT)
        return self.writing.op(kind, self, axes, keepdims=1)

    def taken(self, places: ArrayLike) -> Value:
        """The entries of a row at `places`."""
        return self.writing.op("Gather", self, self.writing.constant(places, INT))

    def sides(self, start: int, end: int) -> Value:
        """Lengths of the axes `start` to `end` - 1, int64."""
        return self.writing.op("Shape", self, dtype=INT, start=start, end=end)

    def squeezed(self, axis: int) -> Value:
        """Without an axis of length 1."""
        return self.writing.op("Squeeze", self, self.writing.constant([axis], INT))

    def where(self, condition: Value, otherwise: float) -> Value:
        """The value where `condition` holds."""
        other = self.writing.constant(otherwise, self.dtype)
        return self.writing.op("Where", condition, self, other, dtype=self.dtype)

    def _beside(
        self, kind: str, other: Value | float | NDArray[Any], dtype: np.dtype[Any] | None = None
    ) -> Value:
        right = other if isinstance(other, Value) else self.writing.constant(other, self.dtype)
        assert right.dtype == self.dtype, f"{kind} of {self.dtype} and {right.dtype}"
        return self.writing.op(kind, self, right, dtype=dtype)


def counted(n: Value) -> Value:
    """0, 1 … n - 1 as int64, of a row with the one number n."""
    start, step = (n.writing.constant(value, INT) for value in (0, 1))
    return n.writing.op("Range", start, n.squeezed(0), step)


def joined(*rows: Value) -> Value:
    """Rows one after another."""
    return rows[0].writing.op("Concat", *rows, axis=0)
