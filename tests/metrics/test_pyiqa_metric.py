"""The bridge to pyiqa, with metrics that need no weights; nothing is downloaded."""

from urllib.error import URLError

import numpy as np
import pyiqa
import pytest
from basicsr.metrics import calculate_metric
from skimage.metrics import structural_similarity

from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.metrics import calculate_pyiqa
from spikereveal_plugin.metrics.pyiqa_metric import _create

RNG = np.random.default_rng(0)
FIRST, SECOND = (RNG.integers(0, 256, (48, 56, 3), np.uint8) for _ in range(2))


def test_psnr_by_its_formula():
    mse = np.mean((FIRST.astype(float) - SECOND) ** 2)
    score = calculate_metric({'img': FIRST, 'img2': SECOND}, {'type': 'calculate_pyiqa', 'metric_name': 'psnr'})
    assert score == pytest.approx(10 * np.log10(255**2 / mse), abs=1e-3)


def test_ssim_by_another_library():
    """Both have Gaussian windows that stay inside the image; pyiqa looks at the luma of video range."""
    gray = FIRST[:, :, :1]
    noisy = np.clip(gray.astype(int) + SECOND[:, :, :1] // 4 - 32, 0, 255).astype(np.uint8)
    luma = [np.round(16 + 219 / 255 * image[:, :, 0]) for image in (gray, noisy)]
    options = {'gaussian_weights': True, 'sigma': 1.5, 'use_sample_covariance': False, 'data_range': 255}
    score = calculate_pyiqa(gray.repeat(3, axis=2), noisy.repeat(3, axis=2), metric_name='ssim')
    assert score == pytest.approx(structural_similarity(*luma, **options), abs=2e-3)


def test_float_images_are_preferred_and_are_rgb():
    rgb = FIRST[:, :, ::-1].astype(np.float64) / 255
    scores = [
        calculate_pyiqa(FIRST, SECOND, metric_name='psnr'),
        calculate_pyiqa(np.zeros_like(FIRST), SECOND, metric_name='psnr', img_float=rgb),
        calculate_pyiqa(SECOND, np.zeros_like(FIRST), metric_name='psnr', img2_float=rgb),
    ]
    assert scores == pytest.approx([scores[0]] * 3, abs=1e-5)


def test_a_metric_without_reference_ignores_one():
    assert calculate_pyiqa(FIRST, SECOND, metric_name='piqe') == calculate_pyiqa(FIRST, metric_name='piqe')


def test_a_metric_is_made_once(monkeypatch):
    _create.cache_clear()
    made = []
    create = pyiqa.create_metric
    monkeypatch.setattr(pyiqa, 'create_metric', lambda name, **options: made.append(name) or create(name, **options))
    for _ in range(3):
        calculate_pyiqa(FIRST, SECOND, metric_name='psnr')
    assert made == ['psnr']


def test_a_missing_reference_is_refused():
    with pytest.raises(OptionError, match=r"calculate_pyiqa\('psnr'\): compares with a reference image"):
        calculate_pyiqa(FIRST, metric_name='psnr')


def test_unknown_names_are_refused_with_near_ones():
    with pytest.raises(OptionError, match=r"unknown metric_name 'ppsnr'\. Close to it: .*psnr"):
        calculate_pyiqa(FIRST, SECOND, metric_name='ppsnr')


def test_metrics_of_folders_are_refused():
    with pytest.raises(OptionError, match="'fid' scores a folder of images"):
        calculate_pyiqa(FIRST, SECOND, metric_name='fid')


def test_unknown_options_are_refused():
    with pytest.raises(OptionError, match=r"unknown option 'metric_nam'\. Did you mean 'metric_name'\?"):
        calculate_pyiqa(FIRST, SECOND, metric_nam='psnr')


def test_images_of_different_sizes_are_refused():
    with pytest.raises(SpikeDataError, match='images differ in size'):
        calculate_pyiqa(FIRST, SECOND[:40], metric_name='psnr')


@pytest.mark.parametrize(
    ('error', 'message'),
    [
        (URLError('no network'), r"weights of 'psnr' are not in the cache and could not be downloaded .*no network"),
        (ModuleNotFoundError("No module named 'pkg_resources'"), "'psnr' needs a package that is not here: .*pkg_res"),
    ],
)
def test_what_cannot_be_made_says_why(monkeypatch, error, message):
    def fail(name, **options):
        raise error

    _create.cache_clear()
    monkeypatch.setattr(pyiqa, 'create_metric', fail)
    with pytest.raises(OptionError, match=message):
        calculate_pyiqa(FIRST, SECOND, metric_name='psnr')
