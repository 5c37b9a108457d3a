import numpy as np
import pytest
import torch

from spikereveal_plugin import Deblurrer
from spikereveal_plugin.archs import TaperedSDM
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.physics.density import AS_RECORDED, normalise_density
from spikereveal_plugin.physics.observed_threshold import observed_threshold
from spikereveal_plugin.physics.sdm import spike_guided_deblur, upsample_rate
from spikereveal_plugin.physics.tfp import exposure_rate, firing_rate, spike_window

WHEN = Exposure(12, 33)


@pytest.fixture
def deblur(weights_file):
    return Deblurrer.from_pretrained(weights_file)


def test_frames_are_the_networks(deblur, student, pair):
    blur, spikes = pair
    frames = deblur(blur, spikes, [12, 28], exposure=WHEN)
    assert frames.shape == (2, *blur.shape)
    assert frames.dtype == np.float32
    windows = [torch.from_numpy(spikes[t - 10 : t + 11]).float()[None] for t in (12, 28)]
    with torch.no_grad():
        expected = [student(torch.from_numpy(blur).permute(2, 0, 1)[None], w).clamp(0, 1) for w in windows]
    for frame, wanted in zip(frames, expected, strict=True):
        np.testing.assert_allclose(frame, wanted[0].permute(1, 2, 0).numpy(), atol=1e-5)


def test_physics_is_eq_8(pair):
    blur, spikes = pair
    image, stream = torch.from_numpy(blur).permute(2, 0, 1)[None], torch.from_numpy(spikes)[None]
    rates = [upsample_rate(r, 48, 64) for r in (exposure_rate(stream, WHEN), firing_rate(stream, 28, 9))]
    expected = spike_guided_deblur(image, *rates).clamp(0, 1)[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(Deblurrer.physics()(blur, spikes, [28], exposure=WHEN)[0], expected, atol=1e-6)


@pytest.mark.parametrize('threshold', [0.8, 1.0, 2.0])
def test_physics_of_a_tapered_window_is_the_network_without_weights(pair_at, threshold):
    """At any density the rate of the exposure is that of the stream as the window has it."""
    blur, spikes = pair_at(threshold=threshold)
    image, stream = torch.from_numpy(blur).permute(2, 0, 1)[None], torch.from_numpy(spikes)[None].float()
    ratio = observed_threshold(image, exposure_rate(stream, WHEN))
    dense = normalise_density(stream, ratio)
    expected = TaperedSDM(sigma=5.0)(image, spike_window(dense, 28, 41), exposure_rate(dense, WHEN)).clamp(0, 1)
    frames = Deblurrer.physics(sigma=5.0)(blur, spikes, [28], exposure=WHEN)
    np.testing.assert_allclose(frames[0], expected[0].permute(1, 2, 0).numpy(), atol=1e-5)
    with pytest.raises(OptionError, match='positive sigma'):
        Deblurrer.physics(sigma=-1.0)


def test_frames_come_one_at_a_time(deblur, pair):
    """Memory does not grow with their number: a frame is computed when it is asked for."""
    blur, spikes = pair
    calls = []
    frame = deblur.restorer.frame
    deblur.restorer.frame = lambda *a: calls.append(1) or frame(*a)
    frames = deblur.frames(blur, spikes, range(10, 40), exposure=WHEN)
    assert calls == []
    next(frames)
    assert calls == [1]
    assert not torch.is_inference_mode_enabled()


def test_density_makes_cameras_alike(weights_file, pair_at):
    """What reaches the network has one mean for thresholds 1 and 4, and only then."""
    means = {}
    for density in ('auto', 1.0):
        deblur = Deblurrer.from_pretrained(weights_file, density=density)
        seen = []
        deblur.restorer.frame = lambda encoded, window, seen=seen: seen.append(float(window.mean())) or encoded[0]
        for threshold in (1.0, 4.0):
            deblur(*pair_at(threshold=threshold), [28], exposure=WHEN)
        means[density] = seen[0] / seen[1]
    assert means['auto'] == pytest.approx(1, rel=0.1)
    assert means[1.0] == pytest.approx(4, rel=0.1)


def test_density_is_off_by_default(deblur, pair):
    assert deblur.restorer.capabilities.density == AS_RECORDED
    seen = set()
    frame = deblur.restorer.frame
    deblur.restorer.frame = lambda e, window: seen.update(window.unique().tolist()) or frame(e, window)
    deblur(*pair, [28], exposure=WHEN)
    assert seen == {0.0, 1.0}


# not multiples of 4; a sensor of another ratio, finer and coarser; by numbers and by a half pixel
@pytest.mark.parametrize(
    ('image', 'sensor'),
    [((46, 61), (12, 16)), ((48, 64), (24, 32)), ((48, 64), (6, 8)), ((45, 60), (15, 20)), ((50, 66), (12, 16))],
)
def test_other_sizes(deblur, image, sensor):
    spikes = np.random.default_rng(0).random((21, *sensor)) < 0.5
    frames = deblur(np.full((*image, 3), 0.5, np.float32), spikes, [10])
    assert frames.shape == (1, *image, 3)
    assert np.isfinite(frames).all()


def test_padding_leaves_the_inside_alone(deblur, pair):
    """Cutting a row off changes what is near the cut, and through attention's pooling all of it a little."""
    blur, spikes = pair
    whole = deblur(blur, spikes, [28], exposure=WHEN)
    cut = deblur(blur[:-1, :-2], spikes, [28], exposure=WHEN)
    np.testing.assert_allclose(cut, whole[:, :-1, :-2], atol=0.02)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda b, s: (np.where(np.arange(64)[:, None] == 3, np.nan, b).astype(np.float32), s), 'holds NaN'),
        (lambda b, s: (b * 255, s), r'expected values in \[0, 1\], got \['),
        (lambda b, s: ((b * 255).astype(np.uint8), s), 'got uint8; divide 8-bit images by 255'),
        (lambda b, s: (s, b), r'expected \(H, W, 3\) RGB, got shape .*swapped\?'),
        (lambda b, s: (b, s[:1]), r'has 1 readout\(s\); a frame needs 21'),
        (lambda b, s: (b, s & False), 'no spike fell during the exposure'),
        (lambda b, s: (b, s | True), 'every pixel fired at every readout'),
        (lambda b, s: (b, s * 2), 'must be 0 or 1'),
        (lambda b, s: (b[:32], s), 'the image is 64x32, the spikes 16x12: expected 16x8'),
    ],
)
def test_bad_input_is_said(deblur, pair, change, message):
    with pytest.raises(SpikeDataError, match=message):
        deblur.frames(*change(*pair), [28])


@pytest.mark.parametrize('instants', [[9], [47], [], [28.5]])
def test_bad_instants_are_said(deblur, pair, instants):
    with pytest.raises(SpikeDataError, match='instant'):
        deblur.frames(*pair, instants)


def test_bad_options_are_said(weights_file, pair):
    with pytest.raises(OptionError, match="density: expected auto or a positive number, .* got 'bright'"):
        Deblurrer.from_pretrained(weights_file, density='bright')
    with pytest.raises(OptionError, match="device 'tpx'"):
        Deblurrer.from_pretrained(weights_file, device='tpx')
    with pytest.raises(SpikeDataError, match=r'exposure \[40, 72\] leaves the stream of 57'):
        Deblurrer.physics().frames(*pair, [28], exposure=Exposure(40, 33))
