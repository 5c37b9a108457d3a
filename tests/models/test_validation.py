"""The residual of a whole exposure, by restorers whose frames are known."""

import pytest
import torch

from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.models.report import Report
from spikereveal_plugin.models.sample import ValidationSample
from spikereveal_plugin.models.validation import ValidationSettings, validate
from spikereveal_plugin.restorers.blur import Blur
from spikereveal_plugin.restorers.restorer import Restorer
from spikereveal_plugin.shot import Shot

ALL = {'reblur': {'type': 'calculate_reblur'}}


def moving_scene():
    """Frames 0 to 19 of which readouts 2 to 18 are exposed; their mean is the photo."""
    frames = torch.rand(20, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    exposure = Exposure(2, 17)
    blur = frames[exposure.first : exposure.stop].mean(0, keepdim=True)
    spikes = torch.zeros(1, 20, 4, 4)
    return frames, ValidationSample(Shot(blur, spikes, exposure), key='a')


class Known(Restorer):
    """Frames that are known."""

    def __init__(self, frames):
        self._frames = frames

    def frames(self, shot, instants):
        return (self._frames[t : t + 1] for t in instants)


def scores(metrics, window=3):
    frames, scene = moving_scene()
    report = Report(metrics, ['blur', 'true'], 'toy')
    restorers = {'blur': Blur(), 'true': Known(frames)}
    validate(restorers, [scene], report, ValidationSettings(num_frames=3, window=window, short_window=3, folder=None))
    return frames, scene, report


def test_true_frames_at_all_readouts_average_to_the_photo():
    _, _, report = scores(ALL)
    assert report.mean('true', 'reblur', 'exposure') == pytest.approx(0, abs=1e-4)
    assert report.mean('blur', 'reblur', 'exposure') == pytest.approx(0, abs=1e-4)
    assert report.result() == {'reblur': report.mean('true', 'reblur', 'exposure')}
    assert '| method | reblur ↓ (exposure, all readouts) |' in report.markdown()
    assert report.samples[-1]['readouts'] == list(range(2, 19))
    assert report.columns() == [('reblur', 'exposure')]
    assert report.legend()[-1] == 'exposure: readouts 2 to 18'


def test_few_readouts_do_not():
    frames, scene, report = scores({'reblur': {'type': 'calculate_reblur', 'num_instants': 2}})
    mean = (frames[2] + frames[18]) / 2
    expected = 255 * (mean - scene.shot.blur[0]).square().mean().sqrt().item()
    assert expected > 10
    assert report.mean('true', 'reblur', 'exposure') == pytest.approx(expected, rel=1e-4)
    with pytest.raises(OptionError, match=r'val\.metrics\.reblur\.num_instants: sample a: .*ask for fewer'):
        scores({'reblur': {'type': 'calculate_reblur', 'num_instants': 40}})
