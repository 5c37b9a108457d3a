import math

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from spikereveal_plugin.compare.metrics import SHORT, build_metrics
from spikereveal_plugin.errors import OptionError

GENERATOR = np.random.default_rng(0)
FRAME, SHARP = (GENERATOR.uniform(0, 1, (40, 48, 3)).astype(np.float32) for _ in range(2))


def score(name, frame=FRAME, sharp=SHARP):
    return build_metrics([name])[0].score(frame, sharp)


def test_each_short_name_is_its_protocol():
    eight_bits = [np.rint(image * 255) for image in (SHARP, FRAME)]
    assert score('psnr') == pytest.approx(peak_signal_noise_ratio(*eight_bits, data_range=255))
    assert score('psnr_paper') == pytest.approx(peak_signal_noise_ratio(SHARP, FRAME, data_range=1), abs=1e-4)
    moved = (2 * SHARP - 1, 2 * FRAME - 1)
    assert score('ssim_paper') == pytest.approx(structural_similarity(*moved, data_range=2, channel_axis=2))
    assert len({round(score(name), 6) for name in SHORT}) == len(SHORT)


def test_equal_images_are_infinitely_good():
    assert math.isinf(score('psnr', SHARP))
    assert score('ssim', SHARP) == pytest.approx(1)


def test_what_pyiqa_says_of_its_own():
    lpips, piqe = build_metrics(['lpips', 'piqe'])
    assert (lpips.better, lpips.needs_reference) == ('lower', True)
    assert (piqe.better, piqe.needs_reference) == ('lower', False)
    assert 'pyiqa' in lpips.protocol
    assert 'lpips' in lpips.protocol


def test_a_section_as_in_an_option_file():
    (metric,) = build_metrics({'Y': {'type': 'calculate_psnr', 'crop_border': 4, 'test_y_channel': True}})
    assert metric.protocol.startswith('basicsr Y crop 4; 8 bit; basicsr ')  # as `basicsr test` says it
    assert metric.score(FRAME, SHARP) == pytest.approx(score('psnr_y', FRAME[4:-4, 4:-4], SHARP[4:-4, 4:-4]))


@pytest.mark.parametrize(
    ('wanted', 'message'),
    [
        (['psrn'], "unknown metric_name 'psrn'. Close to it: psnr"),
        (['psnr', 'psnr'], 'asked for twice'),
        ({'x': {'type': 'calculate_psnrr'}}, "unknown type 'calculate_psnrr'"),
        ({'x': {'type': 'calculate_psnr', 'better': 'up'}}, "metrics.x.better: expected 'higher' or 'lower'"),
        ({'x': {'type': 'calculate_psnr', 'better': 'lower'}}, 'basicsr RGB crop 0 higher is better'),
    ],
)
def test_refusals(wanted, message):
    with pytest.raises(OptionError, match=message):
        build_metrics(wanted)
