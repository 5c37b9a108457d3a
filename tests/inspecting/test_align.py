import cv2
import numpy as np
import pytest
import torch
from skimage import data as photographs

from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.inspecting.align import align_boards, align_pair, offset_scores, on_sensor, residual_shift
from spikereveal_plugin.inspecting.align_recordings import AlignOptions, align_recordings
from spikereveal_plugin.physics.simulate import SpikeCamera, inherent_noise, simulate_spikes
from spikereveal_plugin.recordings.find_recordings import Recording
from spikereveal_plugin.recordings.spike_file import SpikeLayout

HEIGHT, WIDTH, RATIO, READOUTS, MARGIN = 90, 160, 4, 97, 100


def true_homography(generator, height=HEIGHT, width=WIDTH):
    """Image to spike pixels: rotation to 3 degrees, scale 0.9 to 1.1, shift to 20 spike pixels, some perspective."""
    angle, scale = np.deg2rad(generator.uniform(-3, 3)), generator.uniform(0.9, 1.1)
    direction, distance = generator.uniform(0, 2 * np.pi), generator.uniform(0, 20)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    matrix = np.eye(3)
    matrix[:2, :2] = turn
    matrix[:2, 2] = centre - turn @ centre + distance * np.array([np.cos(direction), np.sin(direction)])
    matrix[2, :2] = generator.uniform(-2e-5, 2e-5, 2)
    shift = (1 / RATIO - 1) / 2
    return matrix @ np.array([[1 / RATIO, 0, shift], [0, 1 / RATIO, shift], [0, 0, 1]])


def photograph(name):
    image = np.asarray(getattr(photographs, name)())
    image = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
    size = (RATIO * WIDTH + 2 * MARGIN, RATIO * HEIGHT + 2 * MARGIN)
    return cv2.resize(image[..., :3].astype(np.uint8), size, interpolation=cv2.INTER_CUBIC)


def record(name, seed, before=0, after=0, rig=None):
    """A moving photograph as both cameras see it: blurry image, spikes, and the homography between them."""
    generator = np.random.default_rng(seed)
    scene, homography = photograph(name), true_homography(generator if rig is None else np.random.default_rng(rig))
    wide = cv2.cvtColor(cv2.GaussianBlur(scene, (0, 0), 1.7), cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    motion, total, light = generator.uniform(-16, 16, 2), 0, []
    for step in range(-before, READOUTS + after):
        x, y = motion * (step / (READOUTS - 1) - 0.5)
        view = np.array([[1, 0, -MARGIN - x], [0, 1, -MARGIN - y], [0, 0, 1]])
        light.append(cv2.warpPerspective(wide, homography @ view, (WIDTH, HEIGHT)))
        if 0 <= step < READOUTS:
            total = total + cv2.warpPerspective(scene, view, (RATIO * WIDTH, RATIO * HEIGHT)).astype(np.float64)
    torch_generator, camera = torch.Generator().manual_seed(seed), SpikeCamera()
    spikes = simulate_spikes(torch.from_numpy(np.stack(light)).clamp(0, 1), camera, torch_generator)
    spikes |= inherent_noise(*spikes.shape, camera, torch_generator)
    return np.rint(total / READOUTS).astype(np.uint8), spikes.numpy(), homography


def corner_error(found, true):
    corners = np.array([[[x, y]] for x in (0, RATIO * WIDTH - 1) for y in (0, RATIO * HEIGHT - 1)], np.float64)
    places = [cv2.perspectiveTransform(corners, matrix) for matrix in (found, true)]
    return float(np.linalg.norm(places[0] - places[1], axis=-1).mean())


def gray(image):
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255


def test_known_homographies_are_found_to_half_a_spike_pixel():
    errors, residuals = [], []
    for seed, name in enumerate(('astronaut', 'coffee', 'chelsea', 'rocket') * 2):
        blur, spikes, homography = record(name, seed)
        rate = spikes.mean(axis=0, dtype=np.float32)
        found = align_pair(gray(blur), rate)
        assert found.correlation > 0.9
        errors.append(corner_error(found.homography, homography))
        residuals.append(residual_shift(gray(blur), rate, found.homography))
    print(f'corner error: median {np.median(errors):.3f}, largest {max(errors):.3f} spike pixels')
    assert np.median(errors) < 0.5
    assert np.median(residuals) < 0.5


def test_the_residual_sees_a_wrong_homography():
    blur, spikes, homography = record('coffee', 3)
    rate, off = spikes.mean(axis=0, dtype=np.float32), np.array([[1, 0, 2.0], [0, 1, -2.0], [0, 0, 1]])
    assert residual_shift(gray(blur), rate, homography) < 0.3
    assert residual_shift(gray(blur), rate, off @ homography) == pytest.approx(8**0.5, abs=0.5)


@pytest.mark.parametrize('before', [5, 23])
def test_the_exposures_place_in_the_stream_is_found(before):
    blur, spikes, homography = record('astronaut', 1, before, 40 - before)
    scores = offset_scores(spikes, *on_sensor(gray(blur), spikes.shape[1:], homography), READOUTS)
    assert scores.shape == (41,)
    assert abs(int(scores.argmax()) - before) <= 2


def test_recordings_of_one_rig(tmp_path):
    """Several that move differently tell the time offset from a displaced camera."""
    recordings = []
    for seed, name in enumerate(('astronaut', 'coffee', 'chelsea', 'astronaut', 'coffee')):
        blur, spikes, homography = record(name, seed, 12, 20, rig=9)
        cv2.imwrite(str(tmp_path / f'{seed}.png'), blur[:, :, ::-1])
        np.save(tmp_path / f'{seed}.npy', spikes)
        recordings.append(Recording('x', str(seed), tmp_path / f'{seed}.png', tmp_path / f'{seed}.npy'))
    report = align_recordings(recordings, AlignOptions(SpikeLayout(), length=READOUTS))
    found = report.calibration
    assert corner_error(found.matrix, homography) < 0.5
    assert abs(found.first - 12) <= 3
    assert (found.image_size, found.sensor_size) == ((360, 640), (90, 160))
    assert found.residual < 0.5


def test_a_checkerboard():
    board = np.kron(np.indices((8, 11)).sum(axis=0) % 2, np.ones((32, 32))).astype(np.float32)
    light = np.full((RATIO * HEIGHT, RATIO * WIDTH), 0.8, np.float32)
    light[50 : 50 + 256, 140 : 140 + 352] = 0.1 + 0.8 * board
    homography = true_homography(np.random.default_rng(5))
    rate = cv2.warpPerspective(cv2.GaussianBlur(light, (0, 0), 1.7), homography, (WIDTH, HEIGHT), borderValue=0.8)
    found = align_boards([(light, rate)], (7, 10))
    assert found.num_matches == 70
    assert corner_error(found.homography, homography) < 0.5
    with pytest.raises(SpikeDataError, match='no pair shows a checkerboard of 5 x 5 inner corners'):
        align_boards([(np.zeros_like(light), rate)], (5, 5))


def test_pictures_of_different_things_are_refused():
    blur, _, _ = record('coffee', 0)
    noise = np.random.default_rng(0).random((HEIGHT, WIDTH)).astype(np.float32)
    with pytest.raises(SpikeDataError, match='do not resemble each other after alignment'):
        align_pair(gray(blur), noise)


@pytest.mark.parametrize('fields', [{'first': 3}, {'length': 0}, {'board': (2, 5)}])
def test_impossible_options_are_refused(fields):
    with pytest.raises(OptionError):
        AlignOptions(SpikeLayout(), **fields)
