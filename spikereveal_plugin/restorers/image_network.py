"""Any registered network of one image, or of the photos of a sequence: one image, which stands for every instant."""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.restorers.restorer import Call, Capabilities, Restorer
from spikereveal_plugin.shot import Shot

_CANNOT = (RuntimeError, AssertionError, ValueError, TypeError, IndexError)  # what networks say of a size


class ImageNetwork(Restorer):
    """One image from a photo, or from the photos around it.

    Args:
        network: maps (B, 3, H, W) to itself; with `photos`, (B, photos, 3, H, W) to (B, 3, H, W) or to itself, of which
            the middle one is taken.
        photos: of the sequence, odd; None: the network sees an image without the axis of photos.
        multiple: what the photo's sides must be multiples of.

    Raises:
        OptionError: `photos` is even, or a number is below 1.
    """

    def __init__(self, network: nn.Module, photos: int | None = None, multiple: int = 1) -> None:
        count = 1 if photos is None else photos
        if count < 1 or count % 2 == 0 or multiple < 1:
            raise OptionError(f'photos and multiple: expected an odd number and 1 or more, found {photos}')
        self._network, self._is_sequence, self._name = network, photos is not None, type(network).__name__
        self.capabilities = Capabilities(photos=count, sees_spikes=False, multiple=multiple, instants='one')
        sees = f'{count} photos of the sequence' if self._is_sequence else 'the photo'
        self.remark = f'{self._name} restores one image from {sees}, which stands for every frame of the exposure'

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        return {'network_g': self._network}

    def frames(self, shot: Shot, instants: Sequence[int]) -> Iterator[Tensor]:
        """Yield the one image for each instant.

        Raises:
            OptionError: the network cannot take the photo, or gives no image of its size.
        """
        image = self._image(self._input(shot))
        for _ in instants:
            yield image

    def _input(self, shot: Shot) -> Tensor:
        if not self._is_sequence:
            return shot.blur
        return shot.blur[:, None] if shot.photos is None else shot.photos

    def _image(self, given: Tensor) -> Tensor:
        try:
            image = self._network(given)
        except _CANNOT as error:
            if isinstance(error, torch.OutOfMemoryError):
                raise
            raise OptionError(f'{self._name} cannot restore {_size(given)}: {error}; {self._hint()}') from None
        if isinstance(image, Tensor) and image.dim() == 5:
            image = image[:, image.shape[1] // 2]
        if not isinstance(image, Tensor) or image.shape != (len(given), 3, *given.shape[-2:]):
            kind = _size(image) if isinstance(image, Tensor) else type(image).__name__
            raise OptionError(
                f'{self._name} makes {kind} of {_size(given)}; expected an RGB image of the same size '
                '(upscale or scale 1, hr_in, is_low_res_input false)'
            )
        return image.clamp(0, 1)

    def _hint(self) -> str:
        if not self._is_sequence:
            return 'a network of a sequence needs `photos`, how many; sides that must be multiples, `multiple`'
        return 'sides that must be multiples of 4 or 16 need `multiple`'

    def calls(self, shot: Shot) -> tuple[Call, ...]:
        height, width = (-(-side // self.capabilities.multiple) * self.capabilities.multiple for side in shot.size)
        photos = (self.capabilities.photos,) if self._is_sequence else ()
        return ((self._network, (torch.zeros(1, *photos, 3, height, width),)),)


def _size(image: Tensor) -> str:
    return ' x '.join(map(str, image.shape))
