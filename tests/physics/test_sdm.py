import json

import cv2
import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.physics.sdm import spike_guided_deblur, upsample_rate
from spikereveal_plugin.physics.tfp import exposure_rate, firing_rate


@pytest.fixture
def reference(golden):
    arrays = golden('sdm_tfp.npz')
    return {name: torch.from_numpy(arrays[name]) for name in arrays.files}


def test_reference_with_counted_rates(reference):
    deblurred = spike_guided_deblur(reference['blur'], reference['tfp_68_97'], reference['tfp_44_9'])
    expected = reference['sdm_general_long68_97_short44_9_preclip']
    torch.testing.assert_close(deblurred, expected, atol=1e-5, rtol=1e-6)
    assert (reference['tfp_68_97'] == 0).any(), 'the reference holds silent pixels'


def test_reference_with_any_rates(reference):
    deblurred = spike_guided_deblur(reference['blur'], reference['long2'], reference['short2'])
    torch.testing.assert_close(deblurred, reference['sdm_general_2_preclip'], atol=1e-5, rtol=1e-6)


@pytest.mark.parametrize('instant', [20, 68, 116])
def test_reference_clipped(reference, instant):
    rates = reference['tfp_68_97'], reference[f'tfp_{instant}_9']
    deblurred = spike_guided_deblur(reference['blur'], *rates).clamp(0, 1)
    torch.testing.assert_close(deblurred, reference[f'sdm_basic_bsn9_{instant}_clipped'], atol=1e-5, rtol=0)


def test_frames_average_back_to_the_blur():
    spikes = torch.rand(2, 15, 6, 8, generator=torch.Generator().manual_seed(1)) < 0.6
    blur = torch.rand(2, 3, 6, 8, generator=torch.Generator().manual_seed(2))
    long_rate = exposure_rate(spikes, Exposure(0, 15))
    frames = [spike_guided_deblur(blur, long_rate, firing_rate(spikes, centre, 5)) for centre in (2, 7, 12)]
    torch.testing.assert_close(torch.stack(frames).mean(0), torch.where(long_rate > 0, blur, 0))


def test_gradients_are_finite_at_silent_pixels():
    long_rate = torch.tensor([0.0, 0.5]).view(1, 1, 1, 2).requires_grad_()
    short_rate = torch.tensor([0.3, 0.25]).view(1, 1, 1, 2).requires_grad_()
    blur = torch.ones(1, 3, 1, 2, requires_grad=True)
    deblurred = spike_guided_deblur(blur, long_rate, short_rate)
    assert deblurred[0, 0, 0].tolist() == [0, 0.5]
    deblurred.sum().backward()
    assert long_rate.grad.flatten().tolist() == pytest.approx([0, -3.0])
    assert short_rate.grad.flatten().tolist() == pytest.approx([0, 6.0])
    assert blur.grad[0, 0, 0].tolist() == pytest.approx([0, 0.5])


@pytest.mark.parametrize('which', ['long_rate', 'short_rate'])
def test_rates_of_another_size_are_refused(which):
    rates = {'long_rate': torch.ones(1, 1, 8, 8), 'short_rate': torch.ones(1, 1, 8, 8), which: torch.ones(1, 1, 2, 2)}
    with pytest.raises(ValueError, match=rf'{which}: expected shape \(1, 1, 8, 8\).*upsample_rate'):
        spike_guided_deblur(torch.ones(1, 3, 8, 8), **rates)


@pytest.mark.parametrize('name', ['000019', '000032'])
def test_published_recipe_scores_as_the_authors_code(shared, name):
    root = shared / 'data' / 'ssdm_layout' / 'GOPRO' / 'test'
    scores = json.loads((shared / 'golden' / 'ldn_scores.json').read_text())[f'SYN_coffee/{name}']['SDM bilinear TFP9']
    blur, sharp = (
        cv2.imread(str(root / folder / 'SYN_coffee' / f'{name}.png')).astype(np.float32) / 255
        for folder in ('blur_data', 'sharp_data')
    )
    bits = np.unpackbits(np.fromfile(root / 'spike_data' / 'SYN_coffee' / f'{name}.dat', np.uint8), bitorder='little')
    spikes = torch.from_numpy(bits.reshape(1, -1, 180, 320)[:, :, ::-1].copy())
    long_rate, short_rate = (
        upsample_rate(rate, 720, 1280) for rate in (exposure_rate(spikes, Exposure()), firing_rate(spikes, 68, 9))
    )
    deblurred = spike_guided_deblur(torch.from_numpy(blur).permute(2, 0, 1)[None], long_rate, short_rate).clamp(0, 1)
    score = peak_signal_noise_ratio(sharp, deblurred[0].permute(1, 2, 0).numpy(), data_range=1)
    assert score == pytest.approx(scores['psnr_skimage'], abs=1e-5)
