"""The whole command on folders and on a data set."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml

from spikereveal_plugin.archs import LDN
from spikereveal_plugin.cli.spikereveal import main
from spikereveal_plugin.compare import metrics
from spikereveal_plugin.compare.complexity import count_gmacs, count_parameters
from spikereveal_plugin.recordings.image_lmdb import ImageLmdb


def run(*words) -> int:
    return main(['compare', *map(str, words)])


def means(out: Path) -> dict[tuple[str, str], float]:
    return {(row['method'], row['metric']): row['mean'] for row in content(out)['scores']}


def content(out: Path) -> dict:
    return json.loads((out / 'compare.json').read_text())


def test_folders_of_any_tool(folders, capsys):
    assert run('good', 'Poor=poor', '--gt', 'gt', '--metrics', 'psnr', 'ssim', 'psnr_paper', '-o', 'out') == 0
    found = means(folders / 'out')
    assert found['good', 'psnr'] == pytest.approx(20 * np.log10(255 / 4), abs=0.3)
    assert found['Poor', 'psnr'] == pytest.approx(20 * np.log10(255 / 12), abs=0.5)
    assert found['good', 'ssim'] > found['Poor', 'ssim']
    assert '| good | **' in capsys.readouterr().out
    score = content(folders / 'out')['scores'][0]
    assert list(score['samples']) == ['a', 'b', 'seq']
    assert score['samples']['seq'] == pytest.approx(np.mean(score['frames']['seq']))
    assert score['mean'] == pytest.approx(np.mean(list(score['samples'].values())))  # a sequence weighs as an image
    assert score['interval'][0] <= score['mean'] <= score['interval'][1]


def test_a_second_run_computes_what_changed(folders, monkeypatch, caplog):
    words = ('good', 'poor', '--gt', 'gt', '-o', 'out', '--metrics', 'psnr')
    assert run(*words) == 0
    first = (folders / 'out/compare.json').read_text()
    scored, score = [], metrics.Metric.score

    def count(self, frame, reference):
        scored.append(self.name)
        return score(self, frame, reference)

    monkeypatch.setattr(metrics.Metric, 'score', count)
    caplog.set_level('INFO')
    assert run(*words) == 0
    assert scored == []
    assert '6 of 6 scores were there already' in caplog.text
    assert (folders / 'out/compare.json').read_text() == first
    shutil.copy('gt/a.png', 'good/a.png')
    assert run(*words, 'ssim') == 0
    assert sorted(scored) == ['psnr'] + 10 * ['ssim']  # good/a again; then all samples by the new metric, by frame
    assert means(folders / 'out')['good', 'psnr'] == 'inf'


@pytest.mark.parametrize('name', ['compare.html', 'compare.md', 'compare.csv', 'compare.tex', 'compare.json'])
def test_a_users_file_is_not_replaced(folders, capsys, name):
    words = ('good', '--gt', 'gt', '-o', 'out', '--metrics', 'psnr')
    (folders / 'out').mkdir()
    (folders / 'out' / name).write_text('notes')
    assert run(*words) == 1
    assert f'out/{name} was not written by this command, or was changed since' in capsys.readouterr().err
    assert (folders / 'out' / name).read_text() == 'notes'
    assert run(*words, '--overwrite') == 0
    made = (folders / 'out' / name).read_text()
    assert run(*words) == 0
    (folders / 'out' / name).write_text(f'{made}\nmy remark')
    assert run(*words) == 1
    assert (folders / 'out' / name).read_text().endswith('my remark')


@pytest.mark.parametrize('out', ['good', 'good/seq', 'gt', 'gt/compare'])
def test_results_do_not_go_into_what_is_compared(folders, capsys, bytes_of, out):
    before = bytes_of(folders)
    assert run('good', '--gt', 'gt', '-o', out, '--metrics', 'psnr', '--overwrite') == 1
    assert 'lies in a folder that is compared' in capsys.readouterr().err
    assert bytes_of(folders) == before


def test_scores_so_far_survive_an_interruption(folders, monkeypatch):
    score, calls = metrics.Metric.score, []

    def stop(self, frame, reference):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return score(self, frame, reference)

    monkeypatch.setattr(metrics.Metric, 'score', stop)
    words = ('good', '--gt', 'gt', '-o', 'out', '--metrics', 'psnr')
    assert run(*words) == 130
    assert run(*words) == 0
    assert len(calls) == 4 + 3  # a and b were kept, the sequence began again


def test_no_reference(folders):
    assert run('good', 'poor', '--metrics', 'piqe', '-o', 'out') == 0
    assert content(folders / 'out')['columns'][0]['protocol'].endswith('no reference; 3 sample(s)')
    assert run('good', '--metrics', 'ssim', '-o', 'out') == 1


def test_methods_of_a_data_set(tiny_set, student, tmp_path):
    words = ('blur', 'sdm', student, '--data', tiny_set / 'test', '--metrics', 'psnr', '-o', tmp_path)
    assert run(*words) == 0
    found = means(tmp_path)
    assert found['ldn', 'psnr'] == pytest.approx(found['blur', 'psnr'], abs=1e-3)  # this student returns the photo
    assert found['sdm', 'psnr'] != found['blur', 'psnr']
    costs = content(tmp_path)['costs']
    assert costs['ldn']['parameters'] == 234158
    assert costs['ldn']['seconds'] > 0
    assert set(costs) == {'sdm', 'ldn'}


def test_results_of_deblur_are_a_method(tiny_set, student, tmp_path):
    """`deblur` on the data set, then its PNGs beside the same network: equal but for rounding."""
    assert main(['deblur', str(tiny_set / 'test'), '-o', str(tmp_path / 'png'), '--weights', str(student)]) == 0
    words = (tmp_path / 'png', student, '--data', tiny_set / 'test', '--metrics', 'psnr', 'psnr_paper')
    assert run(*words, '-o', tmp_path / 'out') == 0
    found = means(tmp_path / 'out')
    assert found['png', 'psnr'] == pytest.approx(found['ldn', 'psnr'], abs=1e-6)
    assert found['png', 'psnr_paper'] == pytest.approx(found['ldn', 'psnr_paper'], abs=0.02)


def test_option_file_with_two_sets(folders, tiny_set, capsys):
    opt = {
        'out': 'out',
        'metrics': {'PSNR-Y': {'type': 'calculate_psnr', 'crop_border': 2, 'test_y_channel': True}},
        'sets': {'images': {'gt': 'gt'}, 'spikes': {'data': str(tiny_set / 'test'), 'frames': 'middle'}},
        'methods': {
            'Good': {'type': 'folder', 'path': {'images': 'good'}, 'parameters': 1.5e6},
            'Also': {'type': 'folder', 'path': {'images': 'poor', 'spikes': 'sharp'}},
        },
    }
    sharp = ImageLmdb(tiny_set / 'test/sharp.lmdb')
    for key in sharp.keys:
        path = folders / f'sharp/{key}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), sharp.read(key)[:, :, ::-1])
    Path('compare.yml').write_text(yaml.safe_dump(opt, sort_keys=False))
    assert run('-opt', 'compare.yml') == 0
    out = capsys.readouterr().out
    assert '| Good | **' in out
    row = next(line for line in out.splitlines() if line.startswith('| Also'))
    assert row.split('|')[3].strip() == '**inf**'  # sharp frames against themselves
    assert '1.500' in out


def test_gmacs_are_those_of_the_convolutions():
    """LDN's by hand at 16 x 16 sensor pixels: height x width x in x out x kernel of each convolution."""
    network, area = LDN(), 16 * 16
    convolutions = {
        'blur': 4 * area * 3 * 16 * 25 + area * 16 * 32 * 25,
        'spikes': area * 9 * (21 * 16 + 16 * 32),
        'blocks': 4 * area * 64 * 64 * 9,
        'up': area * 25 * 64 * 32 + 4 * area * 25 * 32 * 16,
        'last': 16 * area * 19 * 3,
    }
    found = count_gmacs(network, torch.zeros(1, 3, 64, 64), torch.zeros(1, 21, 16, 16))
    assert found == pytest.approx(sum(convolutions.values()) / 1e9, rel=0.03)  # beside attention
    assert count_parameters(network) == 234158


def _remove(name):
    Path(name).unlink()


def _resize(name):
    cv2.imwrite(name, cv2.imread(name)[:-8])


def _nan(name):
    image = cv2.imread(name).astype(np.float32) / 255
    image[3, 4] = np.nan
    cv2.imwrite(name.replace('.png', '.tiff'), image)
    _remove(name)


@pytest.mark.parametrize(
    ('spoil', 'words', 'message'),
    [
        (lambda: _remove('good/seq/001.png'), (), 'good has no image for gt/seq/001.png (1 of 5 missing)'),
        (lambda: shutil.copy('gt/a.png', 'good/c.png'), (), "good/c.png has no counterpart in 'gt'"),
        (lambda: _resize('good/b.png'), (), "good/b.png: the image is 64x40, the sample 'b' of 'gt' 64x48"),
        (lambda: _resize('good/seq/002.png'), (), 'good/seq/002.png: the image is 64x40'),
        (lambda: _nan('good/b.png'), (), 'good/b.tiff: 3 values are NaN or infinite'),
        (lambda: Path('good/b.png').write_bytes(b'no image'), (), 'good/b.png: not a readable image'),
        (lambda: None, ('missing.pth',), 'methods.missing: missing.pth: neither a file nor a name of weights'),
        (lambda: None, ('nowhere',), 'nowhere: no such folder'),
        (lambda: None, ('sdm',), "'sdm' restores from blur and spikes, and 'gt' holds images alone"),
        (
            lambda: None,
            ('--metrics', 'psrn'),
            "metrics.psrn: calculate_pyiqa: unknown metric_name 'psrn'. Close to it: psnr",
        ),
        (lambda: None, ('x=good', 'x=poor'), "two methods are called 'x'"),
        (lambda: shutil.copy('gt/a.png', 'gt/seq.png'), (), 'gt/seq.png lies beside a folder of its own name'),
        (lambda: shutil.copy('gt/a.png', 'gt/a.jpg'), (), 'gt/a.png and a.jpg have one name'),
    ],
)
def test_bad_input_is_named(folders, capsys, spoil, words, message):
    spoil()
    assert run('good', *words, '--gt', 'gt', '-o', 'out') == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith('error: ')
    assert message in error


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'metric': ['psnr']}, "compare: unknown option 'metric'. Did you mean 'metrics'?"),
        ({'sets': {'x': {'gtt': 'gt'}}}, "sets.x: unknown option 'gtt'"),
        ({'sets': {'x': {'gt': 'gt', 'data': 'gt'}}}, 'give one of them'),
        ({'sets': {'x': {'data': 'gt'}}}, 'gt: expected a data set or a split of one'),
        ({'methods': {'m': {'type': 'foldr', 'path': 'good'}}}, 'methods.m: expected a section with type'),
        ({'methods': {'m': {'type': 'folder', 'paths': 'good'}}}, "methods.m: unknown option 'paths'"),
        ({'methods': {'m': {'type': 'network', 'weights': 'no.pth'}}}, 'methods.m: no.pth: neither a file nor a name'),
        ({'methods': {'m': {'type': 'folder', 'path': {'y': 'good'}}}}, "no set is called 'y'"),
        ({'methods': {}}, 'at least one method'),
        ({'out': None}, 'name a folder of results'),
    ],
)
def test_bad_options_are_named(folders, capsys, change, message):
    opt = {'out': 'out', 'sets': {'x': {'gt': 'gt'}}, 'methods': {'m': {'type': 'folder', 'path': 'good'}}} | change
    Path('compare.yml').write_text(yaml.safe_dump(opt))
    assert run('-opt', 'compare.yml') == 1
    assert message in capsys.readouterr().err


def test_wrong_usage():
    with pytest.raises(SystemExit) as stop:
        run('--gt', 'a', '--data', 'b')
    assert stop.value.code == 2
