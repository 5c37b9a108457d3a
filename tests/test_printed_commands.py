"""Each command that a page prints, run as it stands in a new folder that holds what the page speaks of."""

import shlex
import shutil
from collections.abc import Callable
from functools import reduce
from pathlib import Path

import cv2
import numpy as np
import pytest

from spikereveal_plugin.building.sample_photographs import SampleOptions, sample_photographs
from spikereveal_plugin.cli import basicsr, spikereveal
from spikereveal_plugin.formats.vidar import write_vidar
from spikereveal_plugin.recordings.image_file import load_image, save_image
from spikereveal_plugin.recordings.open_split import open_split
from spikereveal_plugin.weights.registry import find_weights

ROOT = Path(__file__).resolve().parents[1]
Printed = Callable[[Path], list[str]]
MAINS = {'spikereveal': spikereveal.main, 'basicsr': basicsr.main}
ELSEWHERE = {  # they need hours, or files of others: run by these tests, shortened or on files made for them
    'spikereveal demo': 'demo/test_demo.py',
    'basicsr train -opt options/': 'pipelines/test_smoke.py',
    'basicsr test -opt options/': 'pipelines/test_smoke.py',
    'spikereveal data teach -opt options/': 'pipelines/test_smoke.py',
    'spikereveal data import gopro': 'building/test_import_set.py',
    'spikereveal data import rsb': 'building/test_import_set.py',
    'spikereveal weights import --from ssdm': 'cli/test_weights.py',
    'spikereveal weights import --from refid': 'weights/test_peers.py',
    'spikereveal weights import --from dasr': 'weights/test_peers.py',
    'basicsr train -opt my_toy.yml': 'test_extensions.py',
    'basicsr test -opt my_toy_test.yml': 'test_extensions.py',
}
"""Where commands are run that begin so."""

pytestmark = pytest.mark.smoke


def put_pairs(split: Path, folder: Path, suffix: str) -> None:
    """A data set's split as files: `photos/a/0.png` with `spikes/a/0.dat`, and so on."""
    source = open_split(split)
    for number, key in enumerate(source.keys):
        save_image(folder / f'photos/a/{number}{suffix}', source.blur(key))
        write_vidar(folder / f'spikes/a/{number}.dat', source.spikes(key).astype(bool))


def put_pair(split: Path, folder: Path) -> None:
    """One pair beside each other, its spikes cut to the exposure: `photo.png`, `spikes.dat` and `spikes.npz`."""
    source = open_split(split)
    key = source.keys[0]
    record = source.record(key)
    spikes = source.spikes(key)[record.exposure_first :][: record.exposure_length].astype(bool)
    save_image(folder / 'photo.png', source.blur(key))
    write_vidar(folder / 'spikes.dat', spikes)
    np.savez(folder / 'spikes.npz', spk=spikes)


def picture(frame: int) -> np.ndarray:
    """A detailed picture, (128, 160, 3), that slides by two pixels a frame."""
    import skimage.data

    return np.ascontiguousarray(skimage.data.astronaut()[100:228, 100 + 2 * frame : 260 + 2 * frame])


def put_footage(folder: Path) -> None:
    for name, turn in (('train_clip', 1), ('test_clip', -1)):
        writer = cv2.VideoWriter(str(folder / f'{name}.mp4'), cv2.VideoWriter_fourcc(*'mp4v'), 240, (160, 128))
        for frame in range(40):
            writer.write(np.ascontiguousarray((picture(frame) if turn > 0 else ~picture(frame))[::turn, :, ::-1]))
        writer.release()


def put_gopro(folder: Path) -> None:
    for split in ('train', 'test'):
        for frame in range(40):
            image = picture(frame) if split == 'train' else ~picture(frame)
            save_image(folder / f'GOPRO_Large_all/{split}/{split}_clip/{frame:06d}.png', image)
            for between in range(8 if frame < 39 else 1):
                save_image(folder / f'GOPRO_x8/{split}/{split}_clip/{8 * frame + between:06d}.png', image)


def put_results(folder: Path) -> None:
    """Folders as other tools leave them, for the split test of `datasets/mine`."""
    source = open_split(folder / 'datasets/mine/test')
    for key in source.keys:
        for frame in range(20, 117, 16):
            for name in ('results/edvr', 'results/ours', 'datasets/mine/sharp'):
                save_image(folder / f'{name}/{key}/{frame:03d}.png', source.blur(key))


@pytest.fixture(scope='module')
def rig(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int, int], Path]:
    """The split train of a small data set of photos of a given size."""

    def make(height: int, width: int) -> Path:
        out = tmp_path_factory.mktemp('rig') / 'set'
        options = SampleOptions(train=2, test=1, height=height, width=width, travel=(6.0, 10.0), threshold=1.0)
        return sample_photographs(out, options) / 'train'

    return make


def run(command: str) -> None:
    name, *words = shlex.split(command)
    words = [item for word in words for item in (sorted(map(str, Path().glob(word))) if '*' in word else [word])]
    assert MAINS[name](words) == 0, command


@pytest.fixture
def run_page(printed: Printed) -> Callable[..., int]:
    """Run what a page prints, in its order, words of it replaced; say how many commands there were."""

    def run_all(page: str, **names: str) -> int:
        mine = [command for command in printed(ROOT / page) if not command.startswith(tuple(ELSEWHERE))]
        for command in mine:
            run(reduce(lambda text, pair: text.replace(*pair), names.items(), command))
        return len(mine)

    return run_all


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_where_else_they_are_run():
    for file in ELSEWHERE.values():
        assert (ROOT / 'tests' / file).is_file(), file


@pytest.mark.parametrize('page', ['README.md', 'docs/index.md'])
def test_first_steps(page: str, folder: Path, run_page, tiny_set: Path):
    put_pair(tiny_set / 'test', folder)
    assert run_page(page)


def test_deblur(folder: Path, run_page, tiny_set: Path):
    put_pair(tiny_set / 'test', folder)
    put_pairs(tiny_set / 'train', folder, '.png')
    shutil.copytree(tiny_set, folder / 'datasets/mine')
    key = open_split(tiny_set / 'test').keys[0]
    assert run_page('docs/deblur.md', **{'clip/000019': key})
    assert load_image(folder / 'middle.png').shape == load_image(folder / 'photo.png').shape


def test_your_own_recording(folder: Path, run_page, rig: Callable[[int, int], Path]):
    split = rig(256, 384)
    put_pairs(split, folder, '.jpg')
    less = '--iterations 1 --val-freq 1 --instants 2 --crop 64 --val-instants 2'
    few = '--force_yml train:total_iter=1 logger:save_checkpoint_freq=1'
    assert run_page('docs/recordings.md', **{'-o mine ': f'-o mine {less} ', 'mine/adapt.yml': f'mine/adapt.yml {few}'})


def test_data_sets(folder: Path, run_page, rig: Callable[[int, int], Path]):
    put_footage(folder)
    put_gopro(folder)
    put_pairs(rig(256, 384), folder, '.jpg')
    for part in '12':
        parts = f'--test GOPRO_Large_all/test --shard {part}/2 -o parts/{part}'
        run(f'spikereveal data simulate GOPRO_Large_all/train {parts}')
    assert run_page('docs/data-sets.md', **{'parts/* -o datasets/GOPRO': 'parts/* -o datasets/merged'})


def test_evaluation(folder: Path, run_page, rig: Callable[[int, int], Path]):
    for name in ('mine', 'GOPRO'):
        shutil.copytree(rig(256, 384).parent, folder / f'datasets/{name}')
    put_results(folder)
    shutil.copy(find_weights('ldn-light'), folder / 'ldn.pth')
    assert run_page('docs/evaluation.md')
