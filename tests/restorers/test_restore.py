"""The one way from a shot to frames, with a restorer that shows what it was given."""

from collections.abc import Iterator, Sequence

import pytest
import torch
from torch import Tensor

from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.physics.density import Density
from spikereveal_plugin.physics.observed_threshold import observed_threshold
from spikereveal_plugin.restorers.restore import restore
from spikereveal_plugin.restorers.restorer import Capabilities, Restorer
from spikereveal_plugin.shot import Shot


class Shows(Restorer):
    """Gives the photo that it sees, and keeps the shot."""

    def __init__(self, **capabilities):
        self.capabilities = Capabilities(**capabilities)
        self.computed: list[int] = []

    def frames(self, shot: Shot, instants: Sequence[int]) -> Iterator[Tensor]:
        self.shot = shot
        for instant in instants:
            self.computed.append(instant)
            self.was_inference = torch.is_inference_mode_enabled()
            yield shot.blur


def make_shot(height=24, width=32, rows=6, columns=8, rate=0.4, readouts=41) -> Shot:
    generator = torch.Generator().manual_seed(0)
    spikes = torch.rand(1, readouts, rows, columns, generator=generator) < rate
    return Shot(torch.rand(1, 3, height, width, generator=generator), spikes, Exposure(0, readouts))


@pytest.mark.parametrize(
    ('size', 'capabilities', 'grown', 'grid'),
    [
        ((24, 32), {'ratio': 4}, (24, 32), (6, 8)),
        ((22, 30), {'ratio': 4}, (24, 32), (6, 8)),
        ((22, 30), {'multiple': 16}, (32, 32), None),
        ((24, 32), {'ratio': 4, 'multiple': 16}, (32, 32), (8, 8)),
        ((24, 32), {'ratio': 2}, (24, 32), (12, 16)),
        ((23, 31), {}, (23, 31), None),
    ],
)
def test_sizes_meet_what_the_restorer_takes(size, capabilities, grown, grid):
    shot, restorer = make_shot(*size), Shows(**capabilities)
    (frame,) = restore(restorer, shot, [20])
    assert restorer.shot.size == grown
    assert restorer.shot.window(20, 3).shape[-2:] == (grid or (6, 8))
    assert torch.equal(frame, shot.blur)  # what was grown is cropped again


def test_photos_around_are_grown_alike():
    shot = make_shot(22, 30)
    photos = torch.stack([shot.blur, shot.blur, shot.blur], dim=1)
    restorer = Shows(photos=3, multiple=8)
    list(restore(restorer, Shot(shot.blur, shot.spikes, shot.exposure, photos), [20]))
    assert torch.equal(restorer.shot.photos[:, 1], restorer.shot.blur)


def test_frames_are_computed_when_they_are_asked_for():
    restorer = Shows()
    frames = restore(restorer, make_shot(), [10, 20, 30])
    assert restorer.computed == []
    next(frames)
    assert restorer.computed == [10]
    assert restorer.was_inference
    assert not torch.is_inference_mode_enabled()


def test_the_density_is_what_the_restorer_wants():
    shot, restorer = make_shot(), Shows(density=Density('auto', threshold=0.5))
    list(restore(restorer, shot, [20]))
    assert restorer.shot.ratio == observed_threshold(shot.blur, shot.long_rate) / 0.5
    list(restore(restorer.wanting(Density(3.0)), shot, [20]))
    assert restorer.capabilities.density == Density('auto', threshold=0.5)


@pytest.mark.parametrize(
    ('shot', 'instants', 'message'),
    [
        (make_shot(), [], 'expected at least one readout'),
        (make_shot(), [2], 'instant 2: expected a whole number from 5 to 35'),
        (make_shot(readouts=9), [4], r'the stream has 9 readout\(s\); a frame needs 11'),
        (make_shot(rate=0.0), [20], 'no spike fell'),
        (make_shot(rate=1.1), [20], 'every pixel fired at every readout'),
        (make_shot(24, 40), [20], 'the image is 40x24, the spikes 8x6: expected 10x6'),
    ],
)
def test_what_does_not_fit_is_refused_before_any_work(shot, instants, message):
    restorer = Shows(window=11, ratio=4)
    with pytest.raises(SpikeDataError, match=message):
        restore(restorer, shot, instants)
    assert restorer.computed == []


def test_a_black_photo_has_no_density():
    shot = make_shot()
    with pytest.raises(SpikeDataError, match='density auto: '):
        restore(Shows(density=Density('auto')), Shot(0 * shot.blur, shot.spikes, shot.exposure), [20])


def test_a_restorer_without_spikes_does_not_look_at_them():
    shot = make_shot(rate=0.0)
    assert len(list(restore(Shows(sees_spikes=False), shot, [0, 40]))) == 2


@pytest.mark.parametrize(('raised', 'expected'), [(ValueError, SpikeDataError), (OptionError, OptionError)])
def test_errors_of_a_frame_are_said(raised, expected):
    class Fails(Shows):
        def frames(self, shot, instants):
            raise raised('too dark')
            yield

    with pytest.raises(expected, match='too dark'):
        next(restore(Fails(), make_shot(), [20]))
