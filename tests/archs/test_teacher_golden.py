"""The networks joined by the physics give every step of the authors' teacher."""

import pytest
import torch

from spikereveal_plugin.archs import BSN, SpikeEDSR, convert_ssdm
from spikereveal_plugin.physics.sdm import spike_guided_deblur


def load(network, reference, prefix):
    weights = {k.removeprefix(prefix): torch.from_numpy(reference[k]) for k in reference.files if k.startswith(prefix)}
    network.load_state_dict(convert_ssdm(weights)[1])
    return network.eval()


@pytest.mark.parametrize('instant', [20, 68, 116])
@torch.no_grad()
def test_each_step(golden, instant):
    reference = golden('teacher.npz')
    bsn = load(BSN(square_padding=True), reference, 'bsn.')
    edsr = load(SpikeEDSR(), golden('edsr_seed0.npz'), 'sd.')

    def expect(actual, key):
        torch.testing.assert_close(actual, torch.from_numpy(reference[key]), rtol=0, atol=1e-5)

    denoised = bsn(torch.from_numpy(reference[f'{instant}.tfp_short']))
    expect(denoised, f'{instant}.bsn_preclip')
    short = edsr(denoised.clamp(0, 1)).clamp(0, 1)
    expect(short, f'{instant}.short_sr')
    long = edsr(torch.from_numpy(reference['tfp_long'])).clamp(0, 1)
    expect(long, 'tfp_long_sr')
    blur = torch.from_numpy(reference['blur_bgr'])
    frame = spike_guided_deblur(blur, torch.from_numpy(reference['tfp_long_sr']), short).clamp(0, 1)
    expect(frame, f'{instant}.deblur_tea')
