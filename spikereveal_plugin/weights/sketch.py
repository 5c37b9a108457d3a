"""A network looked at before it takes memory: what a file of weights says of itself may be anything."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NoReturn

import torch
from torch import Tensor, nn

from spikereveal_plugin.errors import SpikeDataError

LARGEST: Final = 100_000  # no argument of a network is a larger number


def check_card(section: Mapping[str, Any], where: str) -> None:
    """Refuse arguments that no network has.

    Raises:
        SpikeDataError: a number is too large.
    """
    for key, value in section.items():
        numbers = value if isinstance(value, list | tuple) else [value]
        if any(isinstance(number, int | float) and abs(number) > LARGEST for number in numbers):
            raise SpikeDataError(f'{where}: {key} {str(value)[:40]}: expected numbers up to {LARGEST}')


def check_shapes(sketch: nn.Module, state: Mapping[str, Tensor], where: str) -> None:
    """Compare a network without memory with the weights that it would take.

    Raises:
        SpikeDataError: one has another shape.
    """
    for name, tensor in sketch.state_dict().items():
        if name in state and state[name].shape != tensor.shape:
            raise SpikeDataError(
                f'{where}: the weights do not fit {type(sketch).__name__}: {name} is {tuple(state[name].shape)} in '
                f'the file, {tuple(tensor.shape)} by its card'
            )


@contextmanager
def on_paper() -> Iterator[None]:
    """Build networks without memory, and without a network to download from."""
    connect, resolve = socket.socket.connect, socket.getaddrinfo

    def refuse(*_: object, **__: object) -> NoReturn:
        raise OSError('a network of a file of weights is built without downloads')

    socket.socket.connect = refuse  # type: ignore[method-assign,assignment]
    socket.getaddrinfo = refuse
    try:
        with torch.device('meta'):
            yield
    finally:
        socket.socket.connect = connect  # type: ignore[method-assign]
        socket.getaddrinfo = resolve
