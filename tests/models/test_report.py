import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.models.report import Report
from spikereveal_plugin.models.sample import ValidationSample
from spikereveal_plugin.shot import Shot

PSNR = {'psnr': {'type': 'calculate_psnr_paper'}}


def scene(key: str, sharp: bool = True) -> ValidationSample:
    images = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(len(key)))
    sequence = {1: images[1:2], 5: images[2:3], 9: images[3:4]} if sharp else {}
    middle = images[2:3] if sharp else None
    return ValidationSample(Shot(images[:1], torch.zeros(1, 11, 4, 4), Exposure(1, 9)), key, middle, sequence)


def frames(of: ValidationSample) -> dict[int, torch.Tensor]:
    generator = torch.Generator().manual_seed(9)
    return {t: (x + 0.1 * torch.randn(x.shape, generator=generator)).clamp(0, 1) for t, x in of.sharp_sequence.items()}


def psnr(a: torch.Tensor, b: torch.Tensor) -> float:
    return peak_signal_noise_ratio(a.numpy(), b.numpy(), data_range=1)


def test_middle_and_sequence_are_means_over_samples():
    report = Report(PSNR, ['mine'], 'toy')
    samples = [scene('a'), scene('bb')]
    for sample in samples:
        report.add('mine', sample, frames(sample), (1, 5, 9))
    middle = np.mean([psnr(frames(s)[5], s.sharp) for s in samples])
    sequence = np.mean([psnr(frames(s)[t], x) for s in samples for t, x in s.sharp_sequence.items()])
    assert report.mean('mine', 'psnr', 'middle') == pytest.approx(middle, abs=1e-4)
    assert report.mean('mine', 'psnr', 'sequence') == pytest.approx(sequence, abs=1e-4)
    assert report.result() == {'psnr': pytest.approx(middle, abs=1e-4)}


def test_tables_say_what_was_scored(tmp_path: Path):
    report = Report(PSNR, ['blur', 'mine'], 'toy')
    sample = scene('a')
    report.add('mine', sample, frames(sample), (1, 5, 9))
    report.save(tmp_path, 'toy')
    rows = list(csv.DictReader((tmp_path / 'toy.csv').read_text().splitlines()))
    assert rows[0] == {'method': 'blur', 'psnr (middle, paper)': '', 'psnr (sequence, paper)': ''}
    assert float(rows[1]['psnr (middle, paper)']) == pytest.approx(psnr(frames(sample)[5], sample.sharp), abs=1e-4)
    markdown = (tmp_path / 'toy.md').read_text()
    assert '| method | psnr ↑ (middle, paper) | psnr ↑ (sequence, paper) |' in markdown
    assert '- psnr: paper; scikit-image on unrounded RGB in [-1, 1], data range 2\n' in markdown
    assert '- middle: readouts 5\n- sequence: readouts 1, 5, 9\n' in markdown
    content = json.loads((tmp_path / 'toy.json').read_text())
    assert content['protocols']['psnr'] | {'detail': ''} == {
        'label': 'paper',
        'detail': '',
        'better': 'higher',
        'weights': None,
    }
    assert {mean['protocol'] for mean in content['means']} == {'paper'}
    samples: list[dict[str, Any]] = content['samples']
    assert {(s['sample'], s['method'], s['part']) for s in samples} == {
        ('a', 'mine', 'middle'),
        ('a', 'mine', 'sequence'),
    }


def test_without_sharp_images_only_no_reference_metrics_score():
    sample = scene('a', sharp=False)
    restored = {t: torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(t)) for t in (1, 5, 9)}
    with pytest.raises(
        OptionError, match=r'val.metrics.psnr compares with a sharp image, and there is none for toy, sample a, '
    ):
        Report({'psnr': {'type': 'calculate_psnr', 'crop_border': 0}}, ['mine'], 'toy').add(
            'mine', sample, restored, (1, 9)
        )
    with pytest.raises(OptionError, match='sharp'):
        Report(PSNR, ['mine'], 'toy').add('mine', sample, restored, (1, 9))
    report = Report({'piqe': {'type': 'calculate_pyiqa', 'metric_name': 'piqe'}}, ['mine'], 'toy')
    report.add('mine', sample, restored, (1, 9))
    assert report.columns() == [('piqe', 'middle'), ('piqe', 'sequence')]
    assert '| piqe ↓ (middle, pyiqa piqe full size) |' in report.markdown()


def test_a_broken_image_is_named_by_sample_method_and_readout():
    sample = scene('a')
    restored = frames(sample)
    restored[5][0, 0, 3, 4] = torch.nan
    message = (
        r'toy, sample a, method mine, readout 5: the restored frame holds 1 of 768 values that are NaN or infinite'
    )
    with pytest.raises(SpikeDataError, match=message):
        Report(PSNR, ['mine'], 'toy').add('mine', sample, restored, (1, 5, 9))
    restored[5] = torch.zeros(1, 3, 16, 17)
    with pytest.raises(SpikeDataError, match='readout 5: the frame is 16 x 17, the sharp image 16 x 16'):
        Report(PSNR, ['mine'], 'toy').add('mine', sample, restored, (1, 5, 9))


def test_a_metrics_complaint_is_placed():
    sample = scene('a')
    metrics = {'niqe': {'type': 'calculate_pyiqa', 'metric_name': 'niqe'}}
    with pytest.raises(SpikeDataError, match='toy, sample a, method mine, readout 5: niqe of images 16 x 16'):
        Report(metrics, ['mine'], 'toy').add('mine', sample, frames(sample), (1, 5, 9))


def test_readouts_that_differ_between_samples_are_counted():
    report = Report(PSNR, ['mine'], 'toy')
    for sample in (
        scene('a'),
        replace(scene('bb'), sharp_sequence={5: scene('bb').shot.blur, 9: scene('bb').shot.blur}),
    ):
        report.add('mine', sample, frames(sample), tuple(sample.sharp_sequence))
    assert '- sequence: readouts 2 or 3 of each exposure, see the JSON file' in report.markdown()
