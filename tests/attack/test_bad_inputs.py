"""Bad files in every place that takes one, of every command: one line, in time, in bounds, nothing written."""

import importlib.util
from pathlib import Path

import pytest

spec = importlib.util.spec_from_file_location('bad_files', Path(__file__).with_name('bad_files.py'))
bad_files = importlib.util.module_from_spec(spec)
spec.loader.exec_module(bad_files)

SECONDS, MEMORY = 30, 14 * 2**30
PAIR = ['IN/photo.png', 'IN/spikes.npz']
PLACES = {  # a command with the place BAD, and what a file must be named there
    'deblur photo': (['spikereveal', 'deblur', 'BAD', 'IN/spikes.npz', '-o', 'out'], '.png'),
    'deblur photo jpg': (['spikereveal', 'deblur', 'BAD', 'IN/spikes.npz', '-o', 'out'], '.jpg'),
    'deblur dat': (['spikereveal', 'deblur', 'IN/photo.png', 'BAD', '-o', 'out'], '.dat'),
    'deblur npy': (['spikereveal', 'deblur', 'IN/photo.png', 'BAD', '-o', 'out'], '.npy'),
    'deblur npz': (['spikereveal', 'deblur', 'IN/photo.png', 'BAD', '-o', 'out'], '.npz'),
    'deblur weights': (['spikereveal', 'deblur', *PAIR, '--weights', 'BAD', '-o', 'out'], '.pth'),
    'deblur table': (['spikereveal', 'deblur', 'IN/photos', 'IN/spikes.npz', '--table', 'BAD', '-o', 'out'], '.csv'),
    'preview': (['spikereveal', 'deblur', 'BAD', '-o', 'out.mp4'], '.npz'),
    'adapt photo': (['spikereveal', 'adapt', 'BAD', 'IN/spikes.npz', '-o', 'out'], '.png'),
    'adapt spikes': (['spikereveal', 'adapt', 'IN/photo.png', 'BAD', '-o', 'out'], '.dat'),
    'adapt set': (['spikereveal', 'adapt', 'BAD', '-o', 'out'], ''),
    'adapt calibration': (['spikereveal', 'adapt', *PAIR, '--calibration', 'BAD', '-o', 'out'], '.json'),
    'import photo': (['spikereveal', 'data', 'import', 'folder', 'BAD', 'IN/spikes.npz', '-o', 'out'], '.png'),
    'import spikes': (['spikereveal', 'data', 'import', 'folder', 'IN/photo.png', 'BAD', '-o', 'out'], '.dat'),
    'import npz': (['spikereveal', 'data', 'import', 'folder', 'IN/photo.png', 'BAD', '-o', 'out'], '.npz'),
    'import rig': (['spikereveal', 'data', 'import', 'folder', *PAIR, '--calibration', 'BAD', '-o', 'out'], '.json'),
    'simulate': (['spikereveal', 'data', 'simulate', 'BAD', '-o', 'out'], '.mp4'),
    'simulate maps': (['spikereveal', 'data', 'simulate', 'IN/footage', '--fixed-pattern', 'BAD', '-o', 'out'], '.npz'),
    'sample': (
        ['spikereveal', 'data', 'sample', '--photos', 'BAD', '--train', '1', '--test', '1', '-o', 'out'],
        '.png',
    ),
    'inspect': (['spikereveal', 'data', 'inspect', 'BAD', '-o', 'out.png'], '.dat'),
    'inspect npy': (['spikereveal', 'data', 'inspect', 'BAD', '-o', 'out.png'], '.npy'),
    'inspect blur': (['spikereveal', 'data', 'inspect', 'IN/spikes.npz', '--blur', 'BAD', '-o', 'out.png'], '.png'),
    'inspect set': (['spikereveal', 'data', 'inspect', 'BAD', '-o', 'out.png'], ''),
    'play': (['spikereveal', 'data', 'play', 'BAD', '--height', '16', '--width', '24', '-o', 'out.png'], '.dat'),
    'play npz': (['spikereveal', 'data', 'play', 'BAD', '-o', 'out.png'], '.npz'),
    'align': (['spikereveal', 'data', 'align', 'IN/photo.png', 'BAD', '-o', 'out.json'], '.dat'),
    'align photo': (['spikereveal', 'data', 'align', 'BAD', 'IN/spikes.npz', '-o', 'out.json'], '.png'),
    'merge': (['spikereveal', 'data', 'merge', 'BAD', '-o', 'out'], ''),
    'verify': (['spikereveal', 'data', 'verify', 'BAD'], ''),
    'verify manifest': (['spikereveal', 'data', 'verify', '.'], 'dataset.json'),
    'merge manifest': (['spikereveal', 'data', 'merge', '.', '-o', 'out'], 'dataset.json'),
    'over a manifest': (['spikereveal', 'data', 'sample', '--overwrite', '-o', '.'], 'dataset.json'),
    'teach': (['spikereveal', 'data', 'teach', '-opt', 'BAD'], '.yml'),
    'compare': (['spikereveal', 'compare', '-opt', 'BAD', '-o', 'out'], '.yml'),
    'compare weights': (['spikereveal', 'compare', 'A=BAD', '--data', 'SET/test', '-o', 'out'], '.pth'),
    'compare data': (['spikereveal', 'compare', 'blur', '--data', 'BAD', '-o', 'out'], ''),
    'compare gt': (['spikereveal', 'compare', 'IN/photos', '--gt', 'BAD', '-o', 'out'], ''),
    'compare image': (['spikereveal', 'compare', '.', '--gt', 'IN/photos', '-o', '/nonexistent/out'], 'photo.png'),
    'import weights': (['spikereveal', 'weights', 'import', '--from', 'ssdm', 'BAD', '-o', 'out.pth'], '.pth'),
    'pack': (['spikereveal', 'weights', 'pack', 'BAD', '-o', 'out.pth'], '.pth'),
    'pack options': (['spikereveal', 'weights', 'pack', 'IN/bare.pth', '-opt', 'BAD', '-o', 'out.pth'], '.yml'),
    'check': (['spikereveal', 'weights', 'check', 'BAD'], '.pth'),
    'export': (['spikereveal', 'export', '--weights', 'BAD', '-o', 'out.pt'], '.pth'),
    'train': (['basicsr', 'train', '-opt', 'BAD'], '.yml'),
    'test': (['basicsr', 'test', '-opt', 'BAD'], '.yml'),
    'import module': (['spikereveal', 'export', '--import', 'BAD', '--weights', 'IN/ldn.pth', '-o', 'out.pt'], '.py'),
}
MODULES = ('empty', 'space', 'number', 'list', 'string', 'newlines')  # which Python takes
DATA = ('zeros', 'sparse', 'random')  # which may be spikes


def fill(words: list[str], inputs: Path, tiny_set: Path, bad: Path) -> list[str]:
    places = {'BAD': str(bad), 'A=BAD': f'A={bad}', 'SET/test': f'{tiny_set}/test'}
    return [places.get(word, word.replace('IN/', f'{inputs}/')) for word in words]


def may_be_taken(place: str, kind: str, ending: str) -> bool:
    """Whether the bytes may be what the place asks for: a module is any Python, a `.dat` any bytes of a size."""
    return kind in MODULES if place == 'import module' else kind in DATA or ending == '.dat'


def attack(place: str, kinds, shell, inputs, tiny_set, folder: Path) -> list[str]:
    words, ending = PLACES[place]
    failed = []
    for kind in kinds:
        here = folder / kind.replace(' ', '_')
        here.mkdir()
        bad = here / (f'bad{ending}' if ending.startswith('.') or not ending else ending)
        bad_files.make(kind, bad)
        answer = shell(here, *fill(words, inputs, tiny_set, bad), seconds=SECONDS, memory=MEMORY)
        if answer.fault:
            failed.append(f'{place}, {kind}: {answer.fault}: {answer.err[-500:]}')
        elif answer.code == 0 and not may_be_taken(place, kind, ending):
            failed.append(f'{place}, {kind}: taken')
        elif answer.code and (left := [path.name for path in here.iterdir() if path != bad]):
            failed.append(f'{place}, {kind}: left {left}')
        elif answer.seconds > SECONDS / 2:
            failed.append(f'{place}, {kind}: {answer.seconds:.0f} s')
    return failed


@pytest.mark.parametrize('place', PLACES)
def test_bad_files(place, shell, inputs, tiny_set, tmp_path, tally):
    first = sorted(PLACES).index(place)
    kinds = [kind for number, kind in enumerate(bad_files.NAMES) if (number + first) % 12 == 0]
    tally('bad inputs', attack(place, kinds, shell, inputs, tiny_set, tmp_path), len(kinds))


@pytest.mark.attack
@pytest.mark.parametrize('place', PLACES)
def test_all_bad_files(place, shell, inputs, tiny_set, tmp_path, tally):
    kinds = bad_files.NAMES
    tally('bad inputs', attack(place, kinds, shell, inputs, tiny_set, tmp_path), len(kinds))
