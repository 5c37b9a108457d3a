"""The demo: its commands can be typed, its acts leave what they promise, and it fails where weights are poor."""

import json
from pathlib import Path

import pytest

from spikereveal_plugin.cli import basicsr, spikereveal
from spikereveal_plugin.demo import steps
from spikereveal_plugin.demo.demo import MARGINS, Means, broken_promises, read_table, run_demo, table_text
from spikereveal_plugin.demo.steps import DemoError, Scale
from spikereveal_plugin.recordings.image_file import image_size

SMALL = ('--train', '1', '--test', '4', '--size', '128', '192')
TINY = Scale(
    held_out=SMALL,
    sample=('--train', '2', '--test', '2', '--size', '64', '96'),
    train=(
        'train:total_iter=1',
        'train:optim_g:lr=0.0',
        'datasets:train:gt_size=32',
        'datasets:train:batch_size_per_gpu=2',
        'num_gpu=0',
    ),
    test=('num_gpu=0',),
)


@pytest.mark.smoke
def test_three_acts_twice_in_one_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(MARGINS, 'sequence', 2.0)  # of pictures this small, by a training of nothing
    for seed in (0, 1):
        run_demo(tmp_path / 'demo', seed=seed, scale=TINY)
    printed = capsys.readouterr().out
    assert printed.count('\n$ ') == 17
    assert printed.count('LDNLight, trained here') == 2
    assert printed.index('picture: ') < printed.index('video: ') < printed.index('PSNR / SSIM')
    demo = tmp_path / 'demo'
    height, width = image_size(demo / 'demo.png')
    assert (height > 2 * 128, width > 4 * 192) == (True, True)
    assert (demo / 'slow_motion.mp4').stat().st_size > 1000
    assert 'LDNLight, trained here' in (demo / 'compare/compare.html').read_text()
    table = read_table(demo / 'compare/compare.json')
    assert {name for _, name in table} == {'threshold 1', 'threshold 4'}


@pytest.mark.smoke
def test_published_stages_say_when_the_student_is_poor(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Nothing is learned, so the student returns the photo: everything is left behind, and the verdict is honest."""
    with pytest.raises(DemoError, match=r'the student reaches .* dB, blur'):
        run_demo(tmp_path / 'demo', seed=0, published=True, scale=TINY)
    printed = capsys.readouterr().out
    assert '| method  | psnr_paper ↑ (middle, paper) |' in printed
    assert 'Minutes of training in place of days' in printed


@pytest.mark.smoke
def test_a_failed_step_is_named_with_its_log(tmp_path: Path):
    with pytest.raises(DemoError, match=r'data sample .*exit code 2.*01_data_sample.log'):
        run_demo(tmp_path / 'demo', seed=0, quick=True, scale=Scale(held_out=('--trian', '2')))


def test_every_printed_command_can_be_typed():
    parsers = {'spikereveal': spikereveal.build_parser(), 'basicsr': basicsr.build_parser()}
    commands = [*steps.restoring_commands(0, Scale()), *steps.training_commands(0, Scale())]
    commands += [*steps.comparing_commands(), *steps.published_commands(0, Scale())]
    for name, *words in commands:
        parsers[name].parse_args(words)


def scores(photo: float, shipped: float, ssim: float):
    photo_means = Means({'middle': photo, 'sequence': photo - 2}, {'middle': 0.6, 'sequence': 0.5})
    student = Means({'middle': shipped, 'sequence': shipped}, {'middle': ssim, 'sequence': ssim})
    return {('Photo', 'threshold 1'): photo_means, ('LDNLight, shipped', 'threshold 1'): student}


def test_a_promise_is_psnr_and_ssim_on_middle_and_sequence():
    assert broken_promises(scores(22, 25.1, 0.7)) == []
    (middle,) = broken_promises(scores(22, 23.5, 0.7))
    assert middle == (
        'LDNLight, shipped at threshold 1, middle: +1.50 dB and +0.100 SSIM over the photo, expected +2.0 dB or more '
        'and SSIM above it'
    )
    assert len(broken_promises(scores(22, 30, 0.55))) == 1
    assert len(broken_promises(scores(22, 21, 0.4))) == 2


def test_the_table_reads_the_middle_of_each_samples_frames(tmp_path: Path):
    frames = {'psnr_paper': {'a': [1, 2, 3], 'b': [3, 4, 8]}, 'ssim_paper': {'a': [0, 1, 0], 'b': [0, 0.5, 0]}}
    content = [{'method': 'SDM', 'set': 's', 'metric': metric, 'frames': each} for metric, each in frames.items()]
    (tmp_path / 'x.json').write_text(json.dumps({'scores': content}))
    table = read_table(tmp_path / 'x.json')
    assert table == {('SDM', 's'): Means({'middle': 3.0, 'sequence': 3.5}, {'middle': 0.75, 'sequence': 0.25})}
    assert table_text(table).split('\n')[1].split() == ['SDM', '3.00', '/', '0.750', '3.50', '/', '0.250']
