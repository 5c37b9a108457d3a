"""The paper's protocol against the scores of the authors' evaluation."""

import json

import cv2
import numpy as np
import pytest
import torch
from basicsr.metrics import calculate_metric
from basicsr.utils.registry import METRIC_REGISTRY

from spikereveal_plugin.archs import LDN, load_ssdm_file
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.formats.vidar import read_vidar
from spikereveal_plugin.metrics import calculate_psnr_paper, calculate_ssim_paper

METRICS = {'psnr_paper': calculate_psnr_paper, 'ssim_paper': calculate_ssim_paper}


@pytest.fixture
def sample(shared):
    def read(kind, name):
        return cv2.imread(str(shared / f'data/ssdm_layout/GOPRO/test/{kind}/SYN_coffee/{name}.png'))

    return read


@pytest.fixture
def scores(shared):
    return json.loads((shared / 'golden' / 'ldn_scores.json').read_text())


@pytest.mark.parametrize('name', ['000019', '000032'])
@pytest.mark.parametrize('metric', METRICS)
def test_scores_of_the_blurry_image(sample, scores, name, metric):
    data = {'img': sample('blur_data', name), 'img2': sample('sharp_data', name)}
    score = calculate_metric(data, {'type': f'calculate_{metric}', 'better': 'higher'})
    assert score == pytest.approx(scores[f'SYN_coffee/{name}']['blur'][metric], abs=1e-5)


def test_scores_of_the_authors_ldn(shared, sample, scores):
    network = LDN()
    network.load_state_dict(load_ssdm_file(shared / 'weights' / 'ssdm_ldn_gopro.pth')[1])
    dat = shared / 'data/ssdm_layout/GOPRO/test/spike_data/SYN_coffee/000019.dat'
    window = torch.from_numpy(read_vidar(dat, 180, 320)[58:79].astype(np.float32))[None]
    blur = torch.from_numpy(sample('blur_data', '000019')[:, :, ::-1].copy()).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        frame = network(blur, window)[0].permute(1, 2, 0).numpy()

    sharp = sample('sharp_data', '000019')
    rounded = np.zeros_like(sharp)  # must not be looked at beside the float image
    expected = scores['SYN_coffee/000019']['LDN(BGR in)']
    for name, metric in METRICS.items():
        assert metric(rounded, sharp, img_float=frame) == pytest.approx(expected[name], abs=1e-4)


def test_psnr_is_that_of_the_unit_range():
    """The shift to [-1, 1] doubles differences and range alike, so PSNR keeps its usual meaning."""
    rng = np.random.default_rng(0)
    first, second = rng.random((8, 9, 3)), rng.random((8, 9, 3))
    usual = -10 * np.log10(np.mean((first - second) ** 2))
    blank = np.zeros((8, 9, 3), np.uint8)
    assert calculate_psnr_paper(blank, blank, first, second) == pytest.approx(usual, abs=1e-4)


def test_float_images_are_clipped():
    blank = np.zeros((8, 8, 3), np.uint8)
    white = np.ones((8, 8, 3), np.float32)
    assert calculate_psnr_paper(blank, blank, 3 * white, white) == np.inf


def test_equal_images():
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    assert calculate_psnr_paper(image, image) == np.inf
    assert calculate_ssim_paper(image, image) == pytest.approx(1)


def test_channel_orders_of_the_two_forms_differ():
    bgr = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    rgb = bgr[:, :, ::-1].astype(np.float32) / 255
    assert calculate_psnr_paper(bgr, np.zeros_like(bgr), img2_float=rgb) > 120


@pytest.mark.parametrize('name', METRICS)
def test_unknown_options_are_refused(name):
    image = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(OptionError, match=rf"calculate_{name}: unknown option 'img_flat'. Did you mean 'img_float'\?"):
        METRIC_REGISTRY.get(f'calculate_{name}')(image, image, img_flat=image)


@pytest.mark.parametrize('metric', METRICS.values())
def test_unfit_images_are_refused(metric):
    image = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(SpikeDataError, match=r'differ in size, \(8, 8, 3\) and \(8, 9, 3\)'):
        metric(image, np.zeros((8, 9, 3), np.uint8))
    with pytest.raises(SpikeDataError, match=r'expected an image \(H, W, 3\), got \(8, 8\)'):
        metric(image[:, :, 0], image)
    with pytest.raises(SpikeDataError, match='expected BGR uint8 in img, got float64'):
        metric(image / 255, image)


def test_an_image_below_the_window_is_refused():
    image = np.zeros((6, 8, 3), np.uint8)
    with pytest.raises(SpikeDataError, match='needs at least 7 x 7'):
        calculate_ssim_paper(image, image)
