"""The bridge to pyiqa, with metrics that need no weights; nothing is downloaded."""

import random
from pathlib import Path
from pickle import UnpicklingError
from urllib.error import URLError

import numpy as np
import pyiqa
import pytest
import skimage.data
import torch
from basicsr.metrics import calculate_metric, calculate_niqe
from skimage.metrics import structural_similarity

from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.metrics import calculate_pyiqa
from spikereveal_plugin.metrics import scorer as scorer_module
from spikereveal_plugin.metrics.iqa_weights import published_sha256, weights_source
from spikereveal_plugin.metrics.scorer import resize_short_side, scorer

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
    scorer_module._make.cache_clear()
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
        (URLError('no network'), r"\('psnr'\): its weights cannot be had: .*no network"),
        (ModuleNotFoundError("No module named 'pkg_resources'"), r"\('psnr'\): needs a package .*pkg_res"),
        (UnpicklingError('Weights only load failed'), r"\('psnr'\): a file of its weights holds more than tensors"),
    ],
)
def test_what_cannot_be_made_says_why(monkeypatch, error, message):
    def fail(name, **options):
        raise error

    scorer_module._make.cache_clear()
    monkeypatch.setattr(pyiqa, 'create_metric', fail)
    with pytest.raises(OptionError, match=message):
        calculate_pyiqa(FIRST, SECOND, metric_name='psnr')


def test_niqe_is_that_of_basicsr_without_a_download(monkeypatch, tmp_path):
    """Both follow the official code; pyiqa's luma differs from BasicSR's in the last digit."""
    monkeypatch.setattr(torch.hub, '_hub_dir', str(tmp_path))
    scorer_module._make.cache_clear()
    photo = np.ascontiguousarray(skimage.data.astronaut()[:384, :384, ::-1])
    score = calculate_pyiqa(photo, metric_name='niqe')
    assert score == pytest.approx(calculate_niqe(photo, crop_border=0), rel=0.01)
    assert list(tmp_path.iterdir()) == []


def test_missing_weights_are_named_and_not_downloaded(monkeypatch, tmp_path):
    monkeypatch.setenv('IQA_WEIGHTS', str(tmp_path))
    message = rf"'brisque'\): needs the file brisque_svm_weights.pth, which is not in {tmp_path}.*from https.*download"
    with pytest.raises(OptionError, match=message):
        calculate_pyiqa(FIRST, metric_name='brisque')


def test_weights_of_any_metric_come_from_the_folder(monkeypatch, tmp_path):
    """CNNIQA, a small network of pyiqa, with random weights."""
    from pyiqa.archs.cnniqa_arch import CNNIQA

    torch.manual_seed(0)
    network = CNNIQA(pretrained=None).eval()
    torch.save({'params': network.state_dict()}, tmp_path / 'CNNIQA_koniq10k-e6f14c91.pth')
    rgb = torch.from_numpy(FIRST[:, :, ::-1].copy()).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        expected = float(network(rgb))
    assert calculate_pyiqa(FIRST, metric_name='cnniqa', weights_dir=str(tmp_path)) == pytest.approx(expected, abs=1e-5)


def test_a_folder_that_is_not_there_is_named(monkeypatch, tmp_path):
    with pytest.raises(OptionError, match='weights_dir names .*nowhere, and there is no such folder'):
        calculate_pyiqa(FIRST, metric_name='piqe', weights_dir=str(tmp_path / 'nowhere'))
    monkeypatch.setenv('IQA_WEIGHTS', str(tmp_path / 'nowhere'))
    with pytest.raises(OptionError, match='IQA_WEIGHTS names .*nowhere'):
        calculate_pyiqa(FIRST, metric_name='piqe')


@pytest.mark.parametrize(
    ('url', 'expected'),
    [
        ('https://openaipublic.azureedge.net/clip/models/' + 64 * 'a' + '/ViT-B-32.pt', 64 * 'a'),
        ('https://download.pytorch.org/models/alexnet-owt-7be5be79.pth', '7be5be79'),
        ('https://github.com/zwx8981/IQA-PyTorch/releases/download/Weights/liqe_mix.pt', None),
    ],
)
def test_hashes_that_a_url_tells(url, expected):
    assert published_sha256(url) == expected


@pytest.mark.parametrize('name', ['lpips'])
def test_a_download_inside_pyiqa_is_torchs_own(name, tmp_path, monkeypatch):
    asked = []

    def refuse(url, target, hash_prefix):
        asked.append((url, target, hash_prefix))
        raise URLError('no network here')

    monkeypatch.setattr(torch.hub, 'download_url_to_file', refuse)
    with pytest.raises(OptionError, match='could not be downloaded to .*no network here'):
        scorer(name, 'cpu', str(tmp_path), download=True)
    ((url, target, prefix),) = asked
    assert Path(target).parent == tmp_path
    assert prefix in url


def test_a_file_without_a_known_hash_is_not_downloaded(tmp_path):
    source = weights_source('here', str(tmp_path), download=True)
    with pytest.raises(OptionError, match=r'here: nothing tells the hash of https://example\.org/a\.pt'):
        source.find('a.pt', 'https://example.org/a.pt')


def test_a_batch_has_the_scores_of_its_images():
    batch = torch.rand(3, 3, 64, 80, generator=torch.Generator().manual_seed(0))
    for name, references in (('piqe', None), ('psnr', batch.flip(0))):
        score = scorer(name, 'cpu')
        each = [score(*(x[i : i + 1] for x in (batch, references) if x is not None)) for i in range(3)]
        torch.testing.assert_close(score(batch, references), torch.cat(each))


def test_resizing_is_bilinear_and_keeps_the_ratio():
    ramp = np.linspace(0, 1, 120).reshape(1, 120, 1).repeat(60, 0).repeat(3, 2)
    small = resize_short_side(torch.from_numpy(ramp).permute(2, 0, 1)[None], 20)
    assert small.shape == (1, 3, 20, 40)
    torch.testing.assert_close(small[0, 0, 0], torch.from_numpy(ramp[0, 1::3, 0]))


def test_scoring_leaves_the_generators_alone():
    states = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    scorer_module._make.cache_clear()
    calculate_pyiqa(FIRST, metric_name='piqe')
    assert torch.equal(states[0], torch.get_rng_state())
    assert states[1:] == (np.random.get_state()[1].tolist(), random.getstate())


def test_images_that_hold_no_numbers_are_refused():
    broken = np.full((48, 56, 3), 0.5)
    broken[3, 4, 1] = np.nan
    with pytest.raises(SpikeDataError, match=r"calculate_pyiqa\('piqe'\): 1 of the 8064 values are NaN or infinite"):
        calculate_pyiqa(FIRST, metric_name='piqe', img_float=broken)


@pytest.mark.parametrize('value', [0, 1.5, 'small'])
def test_a_wrong_size_is_refused(value):
    with pytest.raises(OptionError, match='resize_short: expected a whole number of pixels'):
        calculate_pyiqa(FIRST, metric_name='piqe', resize_short=value)


def test_a_wrong_device_is_refused():
    with pytest.raises(OptionError, match="device: 'gpu' is no device"):
        calculate_pyiqa(FIRST, metric_name='piqe', device='gpu')


def test_an_image_too_small_for_a_metric_is_named():
    with pytest.raises(SpikeDataError, match='niqe of images 48 x 56'):
        calculate_pyiqa(FIRST, metric_name='niqe')
