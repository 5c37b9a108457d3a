"""The gate: its scenes are what they say, what is worse than the photo fails, and what comes along passes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from spikereveal_plugin.archs import LDNLight, LightChange
from spikereveal_plugin.cli.spikereveal import main
from spikereveal_plugin.gate.check import CEILING, Score, Verdict, check
from spikereveal_plugin.gate.scenes import SCENES, record
from spikereveal_plugin.restorers.blur import Blur
from spikereveal_plugin.restorers.light import Light
from spikereveal_plugin.restorers.student import Student
from spikereveal_plugin.weights.card import Card
from spikereveal_plugin.weights.file import save_weights
from spikereveal_plugin.weights.network import load_student
from spikereveal_plugin.weights.registry import list_students


@pytest.mark.parametrize('name', SCENES)
def test_a_scene_is_recorded_the_same_each_time(name):
    sample, again = record(name, 2.0), record(name, 2.0)
    assert len(SCENES) == 10
    assert sample.blur.shape == (128, 192, 3)
    assert sample.spikes.shape == (137, 32, 48)
    np.testing.assert_array_equal(sample.spikes, again.spikes)
    first, last = (sample.sharp_sequence[t] for t in (20, 116))
    assert np.array_equal(first, last) == (name == 'still')


def test_the_photo_itself_neither_gains_nor_loses():
    scores = list(check(Blur(), [1.0]))
    assert [s.scene for s in scores] == list(SCENES)
    assert all(s.psnr == s.photo for s in scores)
    assert scores[0].psnr == CEILING  # still


def test_light_change_is_its_own_measure():
    assert all(s.psnr == s.light for s in check(Light(LightChange()), [1.0]))


def test_a_new_student_is_light_change():
    torch.manual_seed(0)
    assert all(s.psnr == pytest.approx(s.light, abs=1e-3) for s in check(Student(LDNLight().eval()), [4.0]))


def test_what_does_not_pass_is_said():
    score = Score('still', 2.0, photo=40.0, light=40.0, psnr=39.95)
    assert Verdict((replace(score, psnr=40.0),)).faults == ()
    assert Verdict((score,)).faults == ('mean: 39.95 dB, below light change by 0.05',)
    assert Verdict((replace(score, psnr=39.5), replace(score, psnr=41.0))).faults == (
        'still at threshold 2: 39.50 dB, below the photo by 0.50',
    )


def test_a_threshold_that_no_camera_has_is_refused(capsys: pytest.CaptureFixture[str]):
    assert main(['weights', 'check', 'ldn-light-labels', '--thresholds', '0']) == 1
    assert 'threshold 0.0: expected a positive number' in capsys.readouterr().err


@pytest.mark.parametrize('name', list_students())
def test_weights_that_come_along_pass(name: str):
    loaded = load_student(name)
    verdict = Verdict(tuple(check(Student(loaded.network, loaded.card.wants))))
    assert verdict.faults == ()
    _, light, psnr = verdict.means
    assert psnr > light + 0.5


def test_light_change_passes():
    assert Verdict(tuple(check(Light(LightChange())))).faults == ()


def test_the_command_fails_for_weights_that_do_not_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    torch.manual_seed(0)
    network = LDNLight(num_feat=8, num_block=1)
    torch.nn.init.normal_(network.last.weight, std=0.3)
    file = tmp_path / 'bad.pth'
    save_weights(file, network.state_dict(), Card({'type': 'LDNLight', 'num_feat': 8, 'num_block': 1}))
    assert main(['weights', 'check', str(file), '--thresholds', '1']) == 1
    said = capsys.readouterr()
    assert 'bad.pth does not pass' in said.err
    assert 'still at threshold 1' in said.err
    assert len(said.out.splitlines()) == 12
