"""Winograd's convolution F(6x6, 3x3) (Lavin and Gray 2016) on vectors of eight channels, as instructions for numba.

Numba alone leaves such code half scalar. The transforms are written once, on anything that adds and multiplies:
numbers, arrays, or `_Lanes`, which turns each operation into one vector instruction of the compiled kernel. Numba
keeps compiled kernels by the date of `winograd_kernels.py` alone: its `LANES_SHA256` changes with this file.
"""

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 8  # channels in a vector
TILE = 6  # output pixels of a tile, along each axis
PATCH = TILE + 2  # input pixels of a tile
PLANES = PATCH**2  # products of an input channel and an output channel in a tile
ROWS, VECTORS = 6, 2  # of a matrix product's result in registers at once: 12 of AVX2's 16
_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_ZERO = ir.Constant(_VECTOR, [0.0] * LANES)
_FAST = ('contract', 'nsz')  # a multiplication and an addition may become one instruction


def input_transform(d: Sequence[Any]) -> list[Any]:
    """Return B^T d of eight values."""
    even1, odd1 = d[2] + d[6] - 4.25 * d[4], d[1] + d[5] - 4.25 * d[3]
    even2, odd2 = d[6] + 0.25 * d[2] - 1.25 * d[4], 0.5 * d[1] + 2.0 * d[5] - 2.5 * d[3]
    even3, odd3 = d[6] + 4.0 * d[2] - 5.0 * d[4], 2.0 * d[1] + 0.5 * d[5] - 2.5 * d[3]
    first, last = d[0] - d[6] + 5.25 * (d[4] - d[2]), d[7] - d[1] + 5.25 * (d[3] - d[5])
    return [first, even1 + odd1, even1 - odd1, even2 + odd2, even2 - odd2, even3 + odd3, even3 - odd3, last]


def output_transform(m: Sequence[Any]) -> list[Any]:
    """Return A^T m of eight values: six."""
    plus1, plus2, plus3 = m[1] + m[2], m[3] + m[4], m[5] + m[6]
    minus1, minus2, minus3 = m[1] - m[2], m[3] - m[4], m[5] - m[6]
    return [
        m[0] + plus1 + plus2 + plus3,
        minus1 + 2.0 * minus2 + 0.5 * minus3,
        plus1 + 4.0 * plus2 + 0.25 * plus3,
        minus1 + 8.0 * minus2 + 0.125 * minus3,
        plus1 + 16.0 * plus2 + 0.0625 * plus3,
        m[7] + minus1 + 32.0 * minus2 + 0.03125 * minus3,
    ]


class _Lanes:
    """A vector in the code that is being built."""

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value

    def __add__(self, other: '_Lanes') -> '_Lanes':
        return _Lanes(self.builder, self.builder.fadd(self.value, other.value, flags=_FAST))

    def __sub__(self, other: '_Lanes') -> '_Lanes':
        return _Lanes(self.builder, self.builder.fsub(self.value, other.value, flags=_FAST))

    def __mul__(self, other: '_Lanes') -> '_Lanes':
        return _Lanes(self.builder, self.builder.fmul(self.value, other.value, flags=_FAST))

    def __rmul__(self, factor: float) -> '_Lanes':
        return self * _Lanes(self.builder, ir.Constant(_VECTOR, [factor] * LANES))

    def positive(self) -> '_Lanes':
        is_positive = self.builder.fcmp_ordered('>', self.value, _ZERO)
        return _Lanes(self.builder, self.builder.select(is_positive, self.value, _ZERO))

    def part(self, first: int, count: int) -> '_Lanes':
        which = ir.Constant(ir.VectorType(ir.IntType(32), count), list(range(first, first + count)))
        return _Lanes(self.builder, self.builder.shuffle_vector(self.value, self.value, which))


class _Array:
    """A float32 array in the code that is being built."""

    def __init__(self, context: Any, builder: Any, kind: Any, value: Any) -> None:
        struct = context.make_array(kind)(context, builder, value)
        self.builder = builder
        self.data = builder.bitcast(struct.data, ir.IntType(8).as_pointer())
        self.strides = cgutils.unpack_tuple(builder, struct.strides, kind.ndim)

    def _at(self, index: Sequence[Any], kind: Any) -> Any:
        where = self.data
        for position, stride in zip(index, self.strides, strict=True):
            number = _index(position) if isinstance(position, int) else position
            where = self.builder.gep(where, [self.builder.mul(number, stride)])
        return self.builder.bitcast(where, kind.as_pointer())

    def load(self, *index: Any, count: int = LANES) -> _Lanes:
        """Return `count` neighbours from `index` on."""
        loaded = self.builder.load(self._at(index, ir.VectorType(ir.FloatType(), count)))
        loaded.align = 4
        return _Lanes(self.builder, loaded)

    def spread(self, *index: Any) -> _Lanes:
        """Return one value in all lanes."""
        value = self.builder.load(self._at(index, ir.FloatType()))
        one = self.builder.insert_element(_ZERO, value, ir.Constant(ir.IntType(32), 0))
        which = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return _Lanes(self.builder, self.builder.shuffle_vector(one, one, which))

    def store(self, lanes: _Lanes, *index: Any) -> None:
        self.builder.store(lanes.value, self._at(index, lanes.value.type)).align = 4


def _index(number: int) -> Any:
    return ir.Constant(ir.IntType(64), number)


def _sum(builder: Any) -> Any:
    """Return the place of a vector that is added to, zero each time the code comes by."""
    place = cgutils.alloca_once(builder, _VECTOR)
    builder.store(_ZERO, place)
    return place


def _both_axes(transform: Callable[[Sequence[Any]], list[Any]], load: Callable[[int, int], Any]) -> list[list[Any]]:
    """Return `transform` along the rows and the columns of what `load(row, column)` reads, row by row."""
    columns = [transform([load(row, column) for row in range(PATCH)]) for column in range(PATCH)]
    return [transform(list(row)) for row in zip(*columns, strict=True)]


def _code(arguments: tuple[Any, ...], write: Callable[..., None]) -> tuple[Any, Any]:
    """Return what an `intrinsic` returns: its signature, and what writes its code, called with arrays and integers."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pairs = zip(signature.args, values, strict=True)
        write(*(_Array(context, builder, k, v) if isinstance(k, types.Array) else v for k, v in pairs))
        return context.get_dummy_value()

    kinds = (kind if isinstance(kind, types.Array) else types.int64 for kind in arguments)
    return types.void(*kinds), generate


@intrinsic
def tile_in(_: Any, patch: Any, planes: Any, channel: Any) -> Any:
    """Transform eight channels of a patch (8, 8, C) to planes (64, C)."""

    def write(patch: _Array, planes: _Array, channel: Any) -> None:
        rows = _both_axes(input_transform, lambda row, column: patch.load(row, column, channel))
        for number, value in enumerate(value for row in rows for value in row):
            planes.store(value, number, channel)

    return _code((patch, planes, channel), write)


def _tile_out(planes: _Array, bias: _Array, channel: Any) -> list[list[_Lanes]]:
    rows = _both_axes(output_transform, lambda row, column: planes.load(PATCH * row + column, channel))
    offset = bias.load(channel)
    return [[value + offset for value in row] for row in rows]


@intrinsic
def tile_relu(_: Any, planes: Any, bias: Any, target: Any, channel: Any) -> Any:
    """Transform eight channels of planes (64, C) back, add the bias, and write what is positive to target (6, 6, C)."""

    def write(planes: _Array, bias: _Array, target: _Array, channel: Any) -> None:
        for y, row in enumerate(_tile_out(planes, bias, channel)):
            for x, value in enumerate(row):
                target.store(value.positive(), y, x, channel)

    return _code((planes, bias, target, channel), write)


@intrinsic
def tile_add(_: Any, planes: Any, bias: Any, residual: Any, target: Any, channel: Any) -> Any:
    """As `tile_relu`, but add residual (6, 6, C) in place of the ReLU."""

    def write(planes: _Array, bias: _Array, residual: _Array, target: _Array, channel: Any) -> None:
        for y, row in enumerate(_tile_out(planes, bias, channel)):
            for x, value in enumerate(row):
                target.store(value + residual.load(y, x, channel), y, x, channel)

    return _code((planes, bias, residual, target, channel), write)


@intrinsic
def multiply_block(_: Any, a: Any, b: Any, product: Any, column: Any, depth: Any) -> Any:
    """Write six rows and sixteen columns of a matrix product: a (6, depth) by b (depth, K) to product (6, K)."""

    def write(a: _Array, b: _Array, product: _Array, column: Any, depth: Any) -> None:
        builder = product.builder
        columns = [builder.add(column, _index(LANES * number)) for number in range(VECTORS)]
        sums = [[_sum(builder) for _ in columns] for _ in range(ROWS)]
        with cgutils.for_range(builder, depth, intp=ir.IntType(64)) as loop:
            right = [b.load(loop.index, start) for start in columns]
            for number, row in enumerate(sums):
                left = a.spread(number, loop.index)
                for place, vector in zip(row, right, strict=True):
                    builder.store((_Lanes(builder, builder.load(place)) + left * vector).value, place)
        for number, row in enumerate(sums):
            for place, start in zip(row, columns, strict=True):
                product.store(_Lanes(builder, builder.load(place)), number, start)

    return _code((a, b, product, column, depth), write)


@intrinsic
def pixel_to_frame(_: Any, features: Any, weight: Any, base: Any, frame: Any, depth: Any) -> Any:
    """Write a block of 2 x 2 pixels: what a 1x1 convolution makes of its features, plus `base`.

    features (C,): the channels of the block's four pixels side by side; weight (3, C): each value four times; base and
    frame (3, 2, 2); depth = C / 8.
    """

    def write(features: _Array, weight: _Array, base: _Array, frame: _Array, depth: Any) -> None:
        builder = frame.builder
        sums = [_sum(builder) for _ in range(3)]
        with cgutils.for_range(builder, depth, intp=ir.IntType(64)) as loop:
            start = builder.mul(loop.index, _index(LANES))
            vector = features.load(start)
            for colour, place in enumerate(sums):
                product = vector * weight.load(colour, start)
                builder.store((_Lanes(builder, builder.load(place)) + product).value, place)
        for colour, place in enumerate(sums):
            total = _Lanes(builder, builder.load(place))
            for row in range(2):
                pair = total.part(2 * row, 2) + total.part(2 * row + 4, 2) + base.load(colour, row, 0, count=2)
                frame.store(pair, colour, row, 0)

    return _code((features, weight, base, frame, depth), write)
