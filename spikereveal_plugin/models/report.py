"""Scores of methods on a data set: the middle frame and the sequence, averaged over samples, as a table."""

import csv
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby, zip_longest
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from basicsr.utils.registry import METRIC_REGISTRY
from torch import Tensor

from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.metrics.protocol import protocol, weights_file
from spikereveal_plugin.metrics.reblur_metric import REBLUR
from spikereveal_plugin.models.sample import ValidationSample

MIDDLE, SEQUENCE, EXPOSURE = 'middle', 'sequence', 'exposure'


class Report:
    """Scores by method, metric and part; `metrics` is the section `val.metrics`."""

    def __init__(self, metrics: Mapping[str, Mapping[str, Any]], methods: Sequence[str], dataset: str) -> None:
        self._metrics = metrics
        self._protocols = {name: protocol(section, f'val.metrics.{name}') for name, section in metrics.items()}
        self._methods = tuple(methods)
        self._dataset = dataset
        self._samples: list[dict[str, Any]] = []

    def add(self, method: str, sample: ValidationSample, frames: Mapping[int, Tensor], instants: Sequence[int]) -> None:
        """Score a method's frames of one sample, against the sharp ones where a metric asks for them.

        Raises:
            OptionError: a metric needs a sharp image and the sample has none.
            SpikeDataError: an image is not finite or of the wrong size, or a score is not a number.
        """
        middle = {sample.shot.exposure.centre: sample.sharp}
        has_sequence = bool(sample.sharp_sequence) or sample.sharp is None
        sequence = {t: sample.sharp_sequence.get(t) for t in instants} if has_sequence else {}
        for name in (name for name in self._metrics if name not in self.exposure_metrics):
            for part, sharp in ((MIDDLE, middle), (SEQUENCE, sequence)):
                if not sharp:
                    continue
                where = f'{self._dataset}, sample {sample.key}, method {method}'
                value = float(np.mean([self._score(name, frames[t], sharp[t], f'{where}, readout {t}') for t in sharp]))
                entry = {'sample': sample.key, 'method': method, 'metric': name, 'part': part, 'value': value}
                self._samples.append({**entry, 'readouts': list(sharp)})

    @property
    def exposure_metrics(self) -> dict[str, int | None]:
        """Metrics of the mean of an exposure's frames, with how many that needs (None: all)."""
        return {
            name: section.get('num_instants') for name, section in self._metrics.items() if section['type'] == REBLUR
        }

    def add_mean(self, name: str, method: str, sample: ValidationSample, mean: Tensor, readouts: Sequence[int]) -> None:
        """Score the mean (1, 3, H, W) of a method's frames at `readouts` against the blurry photo (Eq. 13)."""
        value = self._score(name, mean, sample.shot.blur, f'{self._dataset}, sample {sample.key}, method {method}')
        entry = {'sample': sample.key, 'method': method, 'metric': name, 'part': EXPOSURE, 'value': value}
        self._samples.append({**entry, 'readouts': list(readouts)})

    def _score(self, name: str, frame: Tensor, sharp: Tensor | None, where: str) -> float:
        section = self._metrics[name]
        metric = METRIC_REGISTRY.get(section['type'])
        data: dict[str, Any] = _images('img', frame, f'{where}: the restored frame')
        if sharp is not None:
            data |= _images('img2', sharp, f'{where}: the sharp image')
            if sharp.shape != frame.shape:
                sizes = [' x '.join(map(str, image.shape[-2:])) for image in (frame, sharp)]
                raise SpikeDataError(f'{where}: the frame is {sizes[0]}, the sharp image {sizes[1]}')
        elif needs_sharp(metric):
            raise OptionError(
                f'val.metrics.{name} compares with a sharp image, and there is none for {where}; '
                'set dataroot_gt or take the metric out'
            )
        arguments = {k: v for k, v in section.items() if k not in ('type', 'better')}
        try:
            value = float(metric(**data, **arguments))
        except SpikeDataError as error:
            raise SpikeDataError(f'{where}: {error}') from error
        if np.isnan(value):
            raise SpikeDataError(f'{where}: {name} is not a number')
        return value

    def mean(self, method: str, metric: str, part: str) -> float | None:
        """Mean over samples, or None where nothing was scored."""
        scores = self._scores().get((method, metric, part))
        return float(np.mean(scores)) if scores else None

    def _scores(self) -> dict[tuple[str, str, str], list[float]]:
        scores: dict[tuple[str, str, str], list[float]] = {}
        for entry in self._samples:
            scores.setdefault((entry['method'], entry['metric'], entry['part']), []).append(entry['value'])
        return scores

    @property
    def samples(self) -> list[dict[str, Any]]:
        """One entry for each sample, method, metric and part, in the order of scoring."""
        return list(self._samples)

    def interleave(self, parts: Sequence[Sequence[Mapping[str, Any]]]) -> None:
        """Take the entries of processes that scored every N-th sample each, in the order that one process has."""
        queues = [[list(group) for _, group in groupby(part, itemgetter('sample'))] for part in parts]
        rounds = zip_longest(*queues, fillvalue=())
        self._samples = [dict(entry) for one_each in rounds for group in one_each for entry in group]

    def result(self) -> dict[str, float]:
        """The last method's score of each metric, of the middle frame, or of the exposure where it scores that."""
        parts = {metric: EXPOSURE if metric in self.exposure_metrics else MIDDLE for metric in self._metrics}
        means = {metric: self.mean(self._methods[-1], metric, part) for metric, part in parts.items()}
        return {metric: value for metric, value in means.items() if value is not None}

    def columns(self) -> list[tuple[str, str]]:
        """(metric, part) pairs that were scored, in the option file's order, middle frame first."""
        scored = {(metric, part) for _, metric, part in self._scores()}
        return [(m, part) for part in (MIDDLE, SEQUENCE, EXPOSURE) for m in self._metrics if (m, part) in scored]

    def rows(self) -> list[list[Any]]:
        """A row a method: its name, then a mean for each column."""
        return [[method, *(self.mean(method, *column) for column in self.columns())] for method in self._methods]

    def markdown(self) -> str:
        """The table, as a person reads it in a log or a README."""
        head = ['method', *(self.heading(*column, arrow=True) for column in self.columns())]
        body = [[row[0], *('-' if v is None else f'{v:.4f}' for v in row[1:])] for row in self.rows()]
        widths = [max(len(line[i]) for line in [head, *body]) for i in range(len(head))]
        lines = [head, ['-' * width for width in widths], *body]
        table = ['| ' + ' | '.join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + ' |' for line in lines]
        return '\n'.join([*table, '', *(f'- {line}' for line in self.legend())])

    def heading(self, metric: str, part: str, *, arrow: bool = False) -> str:
        """A column's name, with the protocol, and an arrow where better is."""
        how = self._protocols[metric]
        return f'{metric}{f" {how.arrow}" if arrow else ""} ({part}, {how.label})'

    def legend(self) -> list[str]:
        """What the protocols of the table's columns are, and which readouts were scored."""
        lines = []
        for metric in dict.fromkeys(metric for metric, _ in self.columns()):
            how, weights = self._protocols[metric], weights_file(self._metrics[metric])
            lines.append(f'{metric}: {how.label}; {how.detail}' + (f'; {weights}' if weights else ''))
        for part in dict.fromkeys(part for _, part in self.columns()):
            scored = {tuple(entry['readouts']) for entry in self._samples if entry['part'] == part}
            counts = sorted({len(readouts) for readouts in scored})
            several = f'{" or ".join(map(str, counts))} of each exposure, see the JSON file'
            lines.append(f'{part}: readouts {listed(min(scored)) if len(scored) == 1 else several}')
        return lines

    def save(self, folder: Path | str, name: str) -> None:
        """Write `<name>.md` and `<name>.csv` (means) and `<name>.json` (means and every sample)."""
        root = Path(folder)
        (root / f'{name}.md').write_text(self.markdown() + '\n', encoding='utf-8')
        with (root / f'{name}.csv').open('w', newline='', encoding='utf-8') as file:
            writer = csv.writer(file)
            writer.writerow(['method', *(self.heading(*column) for column in self.columns())])
            writer.writerows(self.rows())
        means = [
            {'method': m, 'metric': k, 'protocol': self._protocols[k].label, 'part': p, 'mean': float(np.mean(v))}
            for (m, k, p), v in self._scores().items()
        ]
        protocols = {
            name: {**asdict(how), 'weights': weights_file(self._metrics[name])}
            for name, how in self._protocols.items()
            if any(name == metric for metric, _ in self.columns())
        }
        content = {
            'dataset': self._dataset,
            'metrics': self._metrics,
            'protocols': protocols,
            'means': means,
            'samples': self._samples,
        }
        (root / f'{name}.json').write_text(json.dumps(content, indent=2, default=str), encoding='utf-8')


def listed(readouts: Sequence[int]) -> str:
    """The readouts as text: `20, 36, 52`, or `20 to 116` where none is left out."""
    if len(readouts) > 2 and list(readouts) == list(range(readouts[0], readouts[-1] + 1)):
        return f'{readouts[0]} to {readouts[-1]}'
    return ', '.join(map(str, readouts))


def needs_sharp(metric: Callable[..., float]) -> bool:
    """Whether a metric cannot do without the sharp image."""
    reference = inspect.signature(metric).parameters.get('img2')
    return reference is not None and reference.default is inspect.Parameter.empty


def _images(name: str, frame: Tensor, where: str) -> dict[str, Any]:
    """A frame (1, 3, H, W) as BasicSR's metrics want it, BGR uint8 (H, W, 3), and unrounded, RGB in [0, 1]."""
    if broken := int((~frame.isfinite()).sum()):
        raise SpikeDataError(f'{where} holds {broken} of {frame.numel()} values that are NaN or infinite')
    rgb = frame[0].clamp(0, 1).permute(1, 2, 0).cpu().numpy()
    return {name: np.ascontiguousarray((rgb * 255).round().astype(np.uint8)[:, :, ::-1]), f'{name}_float': rgb}
