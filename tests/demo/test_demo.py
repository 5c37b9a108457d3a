from pathlib import Path

import pytest

from spikereveal_plugin.cli import basicsr, spikereveal
from spikereveal_plugin.demo.demo import DemoError, Scale, demo_commands, read_psnr, run_demo
from spikereveal_plugin.recordings.image_file import image_size

TINY = Scale(
    sample=('--train', '2', '--test', '2', '--size', '64', '96'),
    train=('train:total_iter=1', 'train:optim_g:lr=0.0', 'datasets:train:gt_size=32', 'num_gpu=0'),
    test=('num_gpu=0',),
)


@pytest.mark.smoke
def test_the_demo_runs_its_commands_and_says_when_the_student_is_poor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Nothing is learned, so the student returns the photo: everything is left behind, and the verdict is honest."""
    with pytest.raises(DemoError, match=r'the student reaches .* dB'):
        run_demo(tmp_path / 'demo', seed=0, scale=TINY)
    printed = capsys.readouterr().out
    assert printed.count('\n$ ') == 6
    assert '| method  | psnr_paper ↑ (middle, paper) |' in printed
    assert set(read_psnr(tmp_path / 'demo')) == {'blur', 'sdm', 'sdm_bsn', 'teacher', 'student'}
    height, width = image_size(tmp_path / 'demo/demo.png')
    assert height > 2 * 64
    assert width > 4 * 96
    assert len(list((tmp_path / 'demo').rglob('video.mp4'))) == 2


@pytest.mark.smoke
def test_a_failed_step_is_named_with_its_log(tmp_path: Path):
    with pytest.raises(DemoError, match=r'basicsr train .*exit code 1.*2_train_bsn_sample.log.*unknown option'):
        run_demo(tmp_path / 'demo', seed=0, scale=Scale(sample=TINY.sample, train=('train:totl_iter=1',)))


def test_every_printed_command_can_be_typed():
    parsers = {'spikereveal': spikereveal.build_parser(), 'basicsr': basicsr.build_parser()}
    for name, *words in demo_commands(0, Scale()):
        parsers[name].parse_args(words)
