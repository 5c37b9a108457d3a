"""Scenes of layers: what is drawn moves as its path says, covers what lies behind it, and the camera sees it all."""

import numpy as np
import pytest

from spikereveal_plugin.building.cutout import SHAPES, Cutout, cut_out
from spikereveal_plugin.building.mood import Mood, draw_mood, plain
from spikereveal_plugin.building.photographs import split_photos
from spikereveal_plugin.building.sample_photographs import SampleOptions, sample_photographs
from spikereveal_plugin.building.scene import Layer, Motion, Scene, Stage, crop, draw_scene
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.recordings.image_file import save_image
from spikereveal_plugin.recordings.image_lmdb import ImageLmdb

STAGE = Stage(64, 96, 9, 5)


def even(dx, dy=0.0, count=9):
    steps = np.arange(count) - count // 2
    return Motion(steps[:, None] * np.array([dx, dy]), np.zeros(count), np.ones(count))


def photo(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (120, 160, 3), dtype=np.uint8)


def layer(colour, height, width, motion, place):
    colours = np.full((height, width, 3), colour, np.uint8)
    places = motion.places(np.array([width / 2, height / 2]), np.array(place))
    return Layer(Cutout(colours, np.ones((height, width), np.float32)), places)


def test_an_object_moves_as_its_path_says_before_a_still_background():
    back = layer(50, 64, 96, even(0), (48, 32))
    box = layer(200, 20, 30, even(4), (48, 32))
    frames = list(Scene(64, 96, (back, box)).frames())
    columns = np.arange(96)
    for number, frame in enumerate(frames):
        covered = frame[32, :, 0] > 125
        assert columns[covered].mean() == pytest.approx(47.5 + 4 * (number - 4), abs=0.6)
        assert covered.sum() == pytest.approx(30, abs=1)
        assert (frame[0] == 50).all()


def test_what_leaves_the_view_is_no_trouble():
    back = layer(50, 64, 96, even(0), (48, 32))
    box = layer(200, 20, 30, even(40, 30), (48, 32))
    frames = list(Scene(64, 96, (back, box)).frames())
    assert (frames[0] == 50).all()
    assert (frames[4] == 200).any()


def test_a_seed_gives_the_same_scene():
    first, again, other = (
        np.stack(list(draw_scene(photo(), [photo(1)], STAGE, np.random.default_rng(seed)).frames()))
        for seed in (3, 3, 4)
    )
    assert first.shape == (9, 64, 96, 3)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_scenes_are_various():
    scenes = [draw_scene(photo(), [photo(1)], STAGE, np.random.default_rng(seed)) for seed in range(80)]
    is_still = [bool((scene.layers[0].places == scene.layers[0].places[0]).all()) for scene in scenes]
    assert 0.25 < np.mean(is_still) < 0.55
    assert all(len(scene.layers) > 1 for scene, still in zip(scenes, is_still, strict=True) if still)  # something moves
    means = [next(scene.frames()).mean() for scene in scenes]
    assert min(means) < 40
    assert max(means) > 180


@pytest.mark.parametrize('shape', range(len(SHAPES)))
def test_every_shape_covers_something_and_has_a_free_border(shape, monkeypatch):
    monkeypatch.setattr('spikereveal_plugin.building.cutout.SHAPES', [SHAPES[shape]])
    cutout = cut_out([photo()], 40, False, np.random.default_rng(0))
    assert cutout.colours.shape[:2] == cutout.cover.shape
    assert 0.05 < cutout.cover.mean() <= 1
    assert cutout.cover[0].max() < 0.5
    assert cutout.cover.min() >= 0
    assert cutout.cover.max() <= 1


def test_moods():
    image = photo()
    np.testing.assert_array_equal(Mood().apply(image), image)
    gray = Mood(saturation=0).apply(image).astype(int)
    assert np.ptp(gray, axis=2).max() <= 1
    assert Mood(gain=0.25).apply(image).max() <= 64
    assert (Mood(gain=2).apply(image) == 255).mean() > 0.4  # clipped, as a sensor does
    moods = [draw_mood(np.random.default_rng(seed)) for seed in range(200)]
    assert 2 < sum(mood.lights > 0 for mood in moods) < 40
    assert np.abs(np.diff(plain(40, 60, np.random.default_rng(0)).astype(int), axis=0)).max() <= 8  # it fades slowly


@pytest.mark.parametrize('size', [(64, 96), (300, 500)])
def test_a_crop_has_its_size_whatever_the_photograph(size):
    assert crop(photo(), *size, np.random.default_rng(0)).shape == (*size, 3)


def test_ones_own_photographs_become_layers_with_sharp_frames_to_train_on(tmp_path):
    folder = tmp_path / 'photos'
    folder.mkdir()
    for name in 'abcdef':
        save_image(folder / f'{name}.png', photo(ord(name)))
    assert [p.stem for p in split_photos([folder])['test']] == ['e']
    assert [p.stem for p in split_photos([folder / 'a.png', folder / 'b.png'])['test']] == ['b']
    options = SampleOptions(5, 1, 64, 96, threshold=1.0, photos=(folder,), motion='layers', train_sequences=True)
    root = sample_photographs(tmp_path / 'set', options)
    assert {key.split('/')[0] for key in ImageLmdb(root / 'train/blur.lmdb').keys} == set('abcdf')
    assert len(ImageLmdb(root / 'train/sharp_sequence.lmdb').keys) == 5 * 7
    with pytest.raises(SpikeDataError, match='expected two photographs or more'):
        split_photos([folder / 'a.png'])
    with pytest.raises(SpikeDataError, match='no such folder'):
        split_photos([tmp_path / 'nowhere'])
    with pytest.raises(OptionError, match="motion 'fly': expected shake or layers"):
        SampleOptions(motion='fly')
