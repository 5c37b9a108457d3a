from collections.abc import Callable

import numpy as np
import pytest
import torch

from spikereveal_plugin.archs import BSN, SpikeEDSR
from spikereveal_plugin.archs.convert import convert_ssdm
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.restorers.blur import Blur
from spikereveal_plugin.restorers.cascade import Cascade
from spikereveal_plugin.restorers.sdm import Sdm
from spikereveal_plugin.shot import Shot

INSTANTS = (20, 44, 68, 92, 116)


def weights(file: np.lib.npyio.NpzFile, prefix: str) -> dict[str, torch.Tensor]:
    state = {k.removeprefix(prefix): torch.from_numpy(file[k]) for k in file.files if k.startswith(prefix)}
    return convert_ssdm(state)[1]


def test_the_whole_teacher_is_the_authors(golden: Callable[[str], np.lib.npyio.NpzFile]):
    file = golden('teacher.npz')
    denoiser, upscaler = BSN(square_padding=True), SpikeEDSR()
    denoiser.load_state_dict(weights(file, 'bsn.'))
    upscaler.load_state_dict(weights(golden('edsr_seed0.npz'), 'sd.'))
    teacher = Cascade(denoiser, upscaler, short_window=9)
    blur = torch.from_numpy(file['blur_bgr']).flip(1)
    spikes = torch.from_numpy(file['spike'])
    shot = Shot(blur, spikes, Exposure(20, 97))
    with torch.no_grad():
        long_rate = teacher.long_rate(shot).numpy()
        np.testing.assert_allclose(long_rate, file['tfp_long_sr'], atol=1e-5)
        for instant, frame in zip(INSTANTS, teacher.frames(shot, INSTANTS), strict=True):
            short_rate = teacher.short_rate(shot, instant).numpy()
            np.testing.assert_allclose(short_rate, file[f'{instant}.short_sr'], atol=1e-5)
            np.testing.assert_allclose(frame.flip(1).numpy(), file[f'{instant}.deblur_tea'], atol=1e-5)


def test_it_is_frozen():
    teacher = Cascade(BSN(), SpikeEDSR(num_block=1), short_window=9)
    for network in teacher.networks.values():
        assert not any(parameter.requires_grad for parameter in network.parameters())
        assert not network.training


@pytest.fixture
def shot() -> Shot:
    """A still scene: every window of spikes has the same rate."""
    blur = torch.rand(1, 3, 16, 24, generator=torch.Generator().manual_seed(0))
    spikes = torch.zeros(1, 60, 4, 6, dtype=torch.uint8)
    spikes[:, ::3] = 1
    return Shot(blur, spikes, Exposure(15, 30))


def test_of_a_still_scene_sdm_returns_the_photo(shot: Shot):
    for frame in Sdm(9).frames(shot, (20, 30, 40)):
        torch.testing.assert_close(frame, shot.blur)


def test_a_denoiser_takes_its_place_in_sdm(shot: Shot):
    (dimmed,) = Sdm(9, torch.nn.Sequential(Half())).frames(shot, (30,))
    torch.testing.assert_close(dimmed, shot.blur / 2)


class Half(torch.nn.Module):
    def forward(self, rate: torch.Tensor) -> torch.Tensor:
        return rate / 2


def test_blur_is_returned_for_every_instant(shot: Shot):
    assert [frame is shot.blur for frame in Blur().frames(shot, (20, 30))] == [True, True]
