"""Light change as a restorer and as a teacher."""

import torch

from spikereveal_plugin.archs import LightChange
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.models.teacher import build_network_teacher
from spikereveal_plugin.restorers.light import LightOptions
from spikereveal_plugin.restorers.restore import restore
from spikereveal_plugin.shot import Shot


def make_shot(rate: float = 0.4) -> Shot:
    generator = torch.Generator().manual_seed(0)
    spikes = torch.rand(1, 97, 12, 16, generator=generator) < rate
    return Shot(torch.rand(1, 3, 48, 64, generator=generator), spikes, Exposure(0, 97))


def test_the_restorer_is_the_network():
    shot, instants = make_shot(), [20, 48, 76]
    frames = torch.stack([*restore(LightOptions().build(torch.device('cpu')), shot, instants)], dim=1)
    windows = torch.stack([shot.window(instant, 41) for instant in instants], dim=1)
    expected = LightChange()(shot.blur, windows, shot.long_rate).clamp(0, 1)
    torch.testing.assert_close(frames, expected)


def test_a_strength_of_nothing_takes_nothing_back():
    """Noise then shows: the frame is further from the photo."""
    shot = make_shot()
    by_strength = {
        strength: next(restore(LightOptions(strength=strength).build(torch.device('cpu')), shot, [48]))
        for strength in (0.0, 0.5, 5.0)
    }
    far = [float((frame - shot.blur).abs().mean()) for frame in by_strength.values()]
    assert far[0] > far[1] > far[2] > 0


def test_it_takes_the_teachers_place_without_weights():
    teacher = build_network_teacher({'network_teacher': {'type': 'LightChange'}}, torch.device('cpu'))
    shot = make_shot()
    (frame,) = teacher.frames(shot, [48])
    torch.testing.assert_close(frame, next(restore(LightOptions().build(torch.device('cpu')), shot, [48])))
