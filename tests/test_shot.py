"""Windows and rates of a shot, against physics on the whole stream."""

import pytest
import torch
import torch.nn.functional as F

from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.physics.density import normalise_density
from spikereveal_plugin.shot import Shot

EXPOSURE = Exposure(9, 30)


@pytest.fixture
def shot() -> Shot:
    generator = torch.Generator().manual_seed(0)
    spikes = torch.rand(2, 50, 6, 8, generator=generator) < 0.4
    return Shot(torch.rand(2, 3, 24, 32, generator=generator), spikes, EXPOSURE)


def test_windows_and_rates_are_the_streams(shot: Shot):
    spikes = shot.spikes.float()
    torch.testing.assert_close(shot.window(20, 7), spikes[:, 17:24])
    torch.testing.assert_close(shot.short_rate(20, 7), spikes[:, 17:24].mean(1, keepdim=True))
    torch.testing.assert_close(shot.long_rate, spikes[:, 9:39].mean(1, keepdim=True))
    assert (shot.size, shot.num_readouts) == ((24, 32), 50)


@pytest.mark.parametrize('ratio', [0.7, 1.0, 2.0, 3.3])
@pytest.mark.parametrize('instant', [3, 25, 46])
def test_a_dense_shot_is_cut_from_the_dense_stream(shot: Shot, ratio: float, instant: int):
    """Also at the ends of the stream, where the kernel is cut."""
    dense = shot.dense(ratio)
    stream = normalise_density(shot.spikes.float(), ratio)
    torch.testing.assert_close(dense.window(instant, 7), stream[:, instant - 3 : instant + 4])
    torch.testing.assert_close(dense.long_rate, stream[:, 9:39].mean(1, keepdim=True))
    twice = shot.dense(2.0).dense(ratio)
    assert twice.ratio == 2 * ratio


@pytest.mark.parametrize(('grid', 'mode'), [((3, 4), 'area'), ((12, 16), 'bilinear')])
def test_another_grid(shot: Shot, grid: tuple[int, int], mode: str):
    arguments = {'align_corners': False} if mode == 'bilinear' else {}
    expected = F.interpolate(shot.window(20, 7), size=grid, mode=mode, **arguments)
    torch.testing.assert_close(shot.on_grid(*grid).window(20, 7), expected)
    expected = F.interpolate(shot.long_rate, size=grid, mode=mode, **arguments)
    torch.testing.assert_close(shot.on_grid(*grid).long_rate, expected)


def test_the_exposure_is_averaged_once(shot: Shot, monkeypatch: pytest.MonkeyPatch):
    passes = []
    original = Shot.__dict__['long_rate'].func
    monkeypatch.setattr(Shot.__dict__['long_rate'], 'func', lambda self: passes.append(1) or original(self))
    rate = shot.long_rate
    moved = shot.on_grid(3, 4).with_photos(shot.blur, None).to(torch.device('cpu'))
    torch.testing.assert_close(moved.long_rate, F.interpolate(rate, size=(3, 4), mode='area'))
    assert passes == [1]
    assert shot.dense(2.0).long_rate.mean() > rate.mean()  # another density is another rate
    assert passes == [1, 1]


def test_what_leaves_the_stream_is_refused(shot: Shot):
    with pytest.raises(ValueError, match='leaves the stream'):
        shot.window(1, 7)
    with pytest.raises(ValueError, match='odd'):
        shot.window(20, 6)
    with pytest.raises(ValueError, match='leaves the stream'):
        _ = Shot(shot.blur, shot.spikes, Exposure(30, 30)).long_rate
