"""The whole command on a tiny set, its parts, and what it refuses."""

import json
import os
import re
import shlex
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from spikereveal_plugin.adapt.samples import choose, cut, examine, gather_samples
from spikereveal_plugin.archs import BSN, LDN, SpikeEDSR
from spikereveal_plugin.building.exposure_builder import Sample
from spikereveal_plugin.building.import_set import ImportOptions
from spikereveal_plugin.cli.adapt import next_command
from spikereveal_plugin.cli.basicsr import main as basicsr
from spikereveal_plugin.cli.spikereveal import build_parser, main
from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.formats.lmdb_environments import ENVIRONMENTS
from spikereveal_plugin.formats.spike_lmdb import SpikeLmdb
from spikereveal_plugin.formats.vidar import write_vidar
from spikereveal_plugin.options import load_options
from spikereveal_plugin.pipelines.loop import Loop
from spikereveal_plugin.recordings.image_file import load_image, save_image
from spikereveal_plugin.recordings.image_lmdb import ImageLmdb
from spikereveal_plugin.weights import registry
from spikereveal_plugin.weights.card import Card
from spikereveal_plugin.weights.file import save_weights
from spikereveal_plugin.weights.network import load_student

EXPOSURE = ['--exposure', '20', '97']
QUICK = ['--iterations', '4', '--val-freq', '2', '--patience', '1']


@pytest.fixture(scope='module')
def recordings(tiny_set, tmp_path_factory):
    """Two pairs of files, photos/x.png and spikes/x.dat, of four samples: one folder of one, one of all."""
    root = tmp_path_factory.mktemp('recordings')
    photos, streams = ImageLmdb(tiny_set / 'train/blur.lmdb'), SpikeLmdb(tiny_set / 'train/spike.lmdb')
    for number, key in enumerate(photos.keys):
        save_image(root / f'photos/{number}.png', photos.read(key))
        (root / 'spikes').mkdir(exist_ok=True)
        write_vidar(root / f'spikes/{number}.dat', streams.read(key).astype(bool))
    return root


@pytest.fixture(scope='module')
def networks(tmp_path_factory):
    """Small ones with random weights: the teacher's parts, and a student that returns the photo."""
    root = tmp_path_factory.mktemp('networks')
    torch.manual_seed(0)
    sections = {
        'bsn': {'type': 'BSN', 'num_feat': 4},
        'sr': {'type': 'SpikeEDSR', 'num_feat': 4, 'num_block': 1},
        'ldn': {'type': 'LDN', 'num_feat': 8, 'reduction': 4},
    }
    kinds = {'bsn': BSN(num_feat=4), 'sr': SpikeEDSR(num_feat=4, num_block=1)}
    kinds['ldn'] = LDN(num_feat=8, reduction=4, starts_from_blur=True)
    with torch.no_grad():
        kinds['ldn'].last.bias += 0.1  # too bright: there is something to adapt
    for name, network in kinds.items():
        save_weights(root / f'{name}.pth', network.state_dict(), Card(sections[name], 1.0, 'auto'))
    save_weights(root / 'one.pth', kinds['ldn'].state_dict(), Card(sections['ldn'], 1.0, 1.0))
    return root


@pytest.fixture
def words(networks):
    return ['--weights', str(networks / 'ldn.pth'), '--teacher', str(networks / 'bsn.pth'), str(networks / 'sr.pth')]


@pytest.fixture
def no_names(tmp_path, monkeypatch):
    """An empty registry."""
    folder = tmp_path / 'registry'
    folder.mkdir()
    (folder / 'registry.json').write_text('{"format": 1, "weights": {}}')
    monkeypatch.setattr(registry, 'weights_folder', lambda: folder)


@pytest.mark.smoke
def test_one_exposure_to_weights_that_deblur_reads(recordings, words, tmp_path, monkeypatch, capsys, caplog):
    caplog.set_level('INFO')
    monkeypatch.chdir(tmp_path)
    pair = [str(recordings / 'photos/0.png'), str(recordings / 'spikes/0.dat')]
    command = ['adapt', *pair, '-o', 'mine', *EXPOSURE, *words, *QUICK]
    assert main([*command, '--learning-rate', '1e-3']) == 0, capsys.readouterr().err
    assert Path.cwd() == tmp_path
    assert (tmp_path / 'mine/train.txt').read_text() == 'recording/0_trained\n'
    assert (tmp_path / 'mine/held_out.txt').read_text() == 'recording/0_held_out\n'
    scores = json.loads((tmp_path / 'mine/experiments/adapt/early_stop.json').read_text())['scores']
    assert [number for number, _ in scores] == [0, 2, 4]
    assert scores[0][1] == pytest.approx(25.5, rel=0.1)  # a tenth too bright everywhere, but for what is clipped
    assert min(scores, key=lambda entry: entry[1])[0] > 0
    card = (tmp_path / 'mine/mine.md').read_text()
    assert registry.sha256_of(tmp_path / 'mine/mine.pth') in card
    assert f'| 0 | {scores[0][1]:.4f} |' in card
    student = load_student('mine/mine.pth')
    assert (student.card.threshold, student.card.density) == (1.0, 'auto')
    best = torch.load('mine/experiments/adapt/models/net_g_best.pth', weights_only=True)['params']
    for key, value in student.network.state_dict().items():
        assert torch.equal(value, best[key])
    line = caplog.messages[-1].splitlines()[-1]
    assert line.startswith('$ spikereveal deblur ')
    assert main(line.split()[2:]) == 0, capsys.readouterr().err
    assert load_image(tmp_path / 'mine_sharp/000.png').shape == (64, 96, 3)
    caplog.clear()
    assert main([*command, '--learning-rate', '1e-3']) == 0
    assert 'is there already' in caplog.text
    assert main([*command, '--learning-rate', '2e-3']) == 1
    assert 'mine holds an adaptation of other settings (schedule differ)' in capsys.readouterr().err
    monkeypatch.chdir('mine')  # an ordinary option file
    assert basicsr(['train', '-opt', 'adapt.yml', '--force_yml', 'train:total_iter=2', 'name=again', 'val=~']) == 0


@pytest.mark.smoke
def test_a_folder_is_gone_on_with(recordings, words, tmp_path, monkeypatch, capsys):
    """Killed in the training, then given again: the same weights as in one go."""
    monkeypatch.chdir(tmp_path)
    command = ['adapt', str(recordings / 'photos'), str(recordings / 'spikes'), *EXPOSURE, *words, *QUICK]
    command += ['--crop', '32', '--instants', '2', '--val-instants', '3']
    assert main([*command, '-o', 'whole/mine']) == 0, capsys.readouterr().err
    opt = load_options(tmp_path / 'whole/mine/adapt.yml')
    assert (opt['datasets']['train']['gt_size'], opt['train']['num_instants']) == (32, 2)
    assert opt['val']['metrics']['reblur']['num_instants'] == 3
    assert 'frames at 3 readouts' in ' '.join((tmp_path / 'whole/mine/mine.md').read_text().split())
    with monkeypatch.context() as patch:
        patch.setattr(Loop, '_after', interrupted(Loop._after))
        assert main([*command, '-o', 'parts/mine']) == 128 + signal.SIGTERM
    assert 'stopped by SIGTERM at iteration 3, which is saved' in capsys.readouterr().err
    ENVIRONMENTS.forget()  # as the end of the process does
    assert not (tmp_path / 'parts/mine/mine.pth').exists()
    assert main([*command, '-o', 'parts/mine']) == 0, capsys.readouterr().err
    one, two = (load_student(f'{name}/mine/mine.pth').network.state_dict() for name in ('whole', 'parts'))
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert len((tmp_path / 'whole/mine/train.txt').read_text().split()) == 3
    assert len((tmp_path / 'whole/mine/held_out.txt').read_text().split()) == 1


def interrupted(after):
    """Send the process SIGTERM in its third iteration."""

    def _after(self, place, batch, stop):
        if place.iteration == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        after(self, place, batch, stop)

    return _after


def test_what_is_held_out():
    keys = tuple(f'{number:02d}' for number in range(20))
    assert choose(Path(), keys, 2).held_out == ('05', '15')
    assert choose(Path(), keys, 9).held_out == ('02', '07', '12', '17')
    assert choose(Path(), keys[:2], 5) == type(choose(Path(), keys, 1))(Path(), ('00',), ('01',))
    assert set(choose(Path(), keys, 2).train) == set(keys) - {'05', '15'}


@pytest.mark.parametrize('size', [(12, 17), (17, 12), (8, 8)])
def test_the_parts_of_an_exposure_make_it_up(size):
    generator = np.random.default_rng(0)
    blur = generator.integers(0, 256, (4 * size[0], 4 * size[1], 3), np.uint8)
    spikes = generator.random((9, *size)) < 0.5
    parts = cut(Sample(blur, spikes, Exposure(2, 5)))
    axis = int(size[1] >= size[0])
    np.testing.assert_array_equal(np.concatenate([part.blur for part in parts], axis), blur)
    np.testing.assert_array_equal(np.concatenate([part.spikes for part in parts], axis + 1), spikes)
    assert parts[1].spikes.shape[axis + 1] == size[axis] // 4
    assert parts[0].exposure == parts[1].exposure == Exposure(2, 5)
    with pytest.raises(SpikeDataError, match='3x3 pixels is too small'):
        cut(Sample(blur[:12, :12], spikes[:, :3, :3], Exposure(2, 5)))


def test_the_threshold_is_seen(tiny_set, tmp_path):
    samples = gather_samples(None, tiny_set, tmp_path / 'data', ImportOptions(), 1)
    assert samples.root == tiny_set / 'train'
    facts = examine(samples)
    assert facts.threshold == pytest.approx(1.0, rel=0.1)
    assert (facts.sensor, facts.readouts, facts.exposure) == ((16, 24), 137, Exposure(20, 97))


@pytest.mark.parametrize(
    ('change', 'match'),
    [
        (lambda spikes: spikes & False, 'no spike fell during the exposure'),
        (lambda spikes: spikes | True, 'every pixel fired at every readout'),
        (lambda spikes: spikes[:, ::-1, ::-1], 'the spikes look'),
        (lambda spikes: spikes[:1], 'the exposure ends at readout 117'),
        (lambda spikes: spikes[:, :-1], '64x96 pixels on a sensor of 15x24, expected 60x96'),
    ],
)
def test_recordings_at_fault(change, match, recordings, tiny_set, words, tmp_path, capsys):
    streams = SpikeLmdb(tiny_set / 'train/spike.lmdb')
    np.save(tmp_path / 'x.npy', change(streams.read(streams.keys[0]).astype(bool)))
    command = ['adapt', str(recordings / 'photos/0.png'), str(tmp_path / 'x.npy'), '-o', str(tmp_path / 'out')]
    assert main([*command, *EXPOSURE, *words]) == 1
    error = capsys.readouterr().err
    assert 'Traceback' not in error
    assert re.search(match, error.splitlines()[-1]), error


def test_what_is_missing_is_said(recordings, networks, words, no_names, tmp_path, capsys):
    pair = [str(recordings / 'photos/0.png'), str(recordings / 'spikes/0.dat')]
    out = ['-o', str(tmp_path / 'out')]
    cases = [
        ([*pair, *out], '--weights: this version brings no student along'),
        ([*pair, *out, *words[:2], '--teacher', 'me'], '--teacher me: expected BSN and SpikeEDSR, self, or light'),
        ([*pair, *out, *words[:2], '--teacher', words[4], words[3]], 'weights of SpikeEDSR, expected of BSN'),
        ([pair[1], pair[0], *out, *words], 'look swapped'),
        ([pair[0], str(tmp_path / 'gone.dat'), *out, *words], 'gone.dat: no such file'),
        ([str(tmp_path), *out, *words], 'no data set of this package'),
        ([*pair, *out, *words, '--vgg', 'gone.pth'], '--vgg gone.pth: no such file'),
        ([*pair, *out, *words, '--crop', '130'], '--crop 130: expected a multiple of 4'),
        ([*pair, *out, *words, '--exposure', '0', '0'], '--exposure: exposure: length must be 1 or more'),
        ([*pair, '-o', pair[0], *words], 'cannot be written'),
    ]
    for arguments, said in cases:
        assert main(['adapt', *arguments, '--overwrite']) == 1, said
        error = capsys.readouterr().err
        assert said in error.splitlines()[-1]
        assert 'Traceback' not in error


@pytest.mark.parametrize(
    ('words', 'said'),
    [
        (['SET'], 'SET/train'),
        (['SET/train'], 'SET/train'),
        (['p', 's', '--exposure', '3', '9', '--no-flip'], 'p s -o mine_sharp --weights w.pth --exposure 3 9 --no-flip'),
        (['p', 's', '--height', '5', '--width', '6'], 'p s -o mine_sharp --weights w.pth --height 5 --width 6'),
        (['p', 's', '--calibration', 'r.json'], 'p s -o mine_sharp --weights w.pth --calibration r.json'),
        (['p', 's', '--key', 'spk', '--axes', 'hwt'], 'p s -o mine_sharp --weights w.pth --axes hwt --key spk'),
        (['p', 's', '--header', '8', '--axes', 'thw'], 'p s -o mine_sharp --weights w.pth --header 8'),
    ],
)
def test_the_next_command_reads_the_same(words, said, tiny_set):
    args = build_parser().parse_args(
        ['adapt', *(word.replace('SET', str(tiny_set)) for word in words), '-o', 'out/mine']
    )
    command = shlex.join(next_command(args, Path('w.pth')))
    assert command.startswith(f'spikereveal deblur {said.replace("SET", str(tiny_set))}')


def test_a_folder_of_something_else_is_left_alone(recordings, words, tmp_path, capsys):
    (tmp_path / 'data').mkdir()
    (tmp_path / 'data/mine').write_text('precious')
    command = ['adapt', str(recordings / 'photos'), str(recordings / 'spikes'), '-o', str(tmp_path), *words]
    assert main([*command, '--overwrite']) == 1
    assert 'holds files that an adaptation would write' in capsys.readouterr().err
    assert (tmp_path / 'data/mine').read_text() == 'precious'
