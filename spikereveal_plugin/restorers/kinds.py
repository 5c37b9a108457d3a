"""Kinds of restorers by the words that users type, each with the options of its section."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

import torch

from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.physics.density import AS_RECORDED, Density
from spikereveal_plugin.restorers.restorer import Restorer
from spikereveal_plugin.weights.network import Loaded


@dataclass(frozen=True, kw_only=True)
class RestorerOptions(ABC):
    """What a section says of a restorer, beside its `type`; a field is an option."""

    @abstractmethod
    def build(self, device: torch.device) -> Restorer:
        """Make the restorer.

        Raises:
            SpikeRevealError: weights are missing or damaged, or an option does not fit.
        """

    def files(self) -> tuple[Path, ...]:
        """The files of weights that it reads, whether they are there or not.

        Raises:
            OptionError: a name of weights is unknown.
        """
        return ()

    def identity(self) -> tuple[str, ...]:
        """What its frames depend on, beside the shot and the content of `files`."""
        return (repr(self),)


Options = TypeVar('Options', bound=type[RestorerOptions])
KINDS: dict[str, type[RestorerOptions]] = {}


def register(word: str) -> Callable[[Options], Options]:
    """Let users type a word for a kind of restorer: `@register('sdm')` above its options.

    Raises:
        ValueError: another kind has this word.
    """

    def add(options: Options) -> Options:
        known = KINDS.get(word)
        if known is not None and known.__qualname__ != options.__qualname__:
            raise ValueError(f'restorer {word!r} is {known.__qualname__} already')
        KINDS[word] = options
        return options

    return add


def words_alone() -> tuple[str, ...]:
    """The words that need no option, such as `sdm`."""
    return tuple(word for word, kind in KINDS.items() if not any(map(_is_required, fields(kind))))


def _is_required(option: 'Field[Any]') -> bool:
    return option.default is MISSING and option.default_factory is MISSING


@dataclass(frozen=True, kw_only=True)
class DensityOptions(RestorerOptions, ABC):
    """What restorers with networks have in common: how dense these want spikes to be."""

    density: float | Literal['auto'] | None = None
    """times denser than recorded; `auto`: as dense as those of `trained_threshold`; by default what the weights say"""
    trained_threshold: float | None = None
    """of the camera in the training data, in units of full light; by default what the weights say"""

    def __post_init__(self) -> None:
        self.wants()

    def wants(self, *loaded: Loaded) -> Density:
        """What these options say over what the weights of networks say that see the same spikes.

        Raises:
            OptionError: a number is out of range, or the weights contradict each other.
        """
        of_weights = agreed(*loaded) if self.density is None else next(iter(_wants(loaded)), AS_RECORDED)
        value = of_weights.value if self.density is None else self.density
        threshold = of_weights.threshold if self.trained_threshold is None else self.trained_threshold
        try:
            return Density(value, threshold)
        except ValueError as error:
            raise OptionError(str(error)) from None


def agreed(*loaded: Loaded) -> Density:
    """How dense networks want the spikes to be that all of them see; weights without a card say nothing.

    Raises:
        OptionError: they want different densities.
    """
    different = list(dict.fromkeys(_wants(loaded)))
    if len(different) > 1:
        wants = ' and '.join(f'{density.value} (threshold {density.threshold:g})' for density in different)
        raise OptionError(f'density: the weights want {wants}; give density, or weights that belong together')
    return different[0] if different else AS_RECORDED


def _wants(loaded: Sequence[Loaded]) -> list[Density]:
    return [item.card.wants for item in loaded if item.has_card]


def odd_window(length: int) -> int:
    """Return the option `short_window`.

    Raises:
        OptionError: it is not odd and positive.
    """
    if length < 1 or length % 2 == 0:
        raise OptionError(f'short_window: expected an odd number of readouts, such as 9, found {length}')
    return length
