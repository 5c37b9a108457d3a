"""The end of an adaptation: the best weights with their card, and what was reached."""

import logging
from pathlib import Path
from typing import Any

from spikereveal_plugin._version import __version__
from spikereveal_plugin.adapt.option_file import HELD_OUT_LIST, NAME, TRAIN_LIST, said_readouts
from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.atomic import write_atomically
from spikereveal_plugin.formats.text_file import read_json
from spikereveal_plugin.inference.outputs import writing
from spikereveal_plugin.weights.packing import Packing, packed
from spikereveal_plugin.weights.registry import sha256_of

EXPERIMENT = Path('experiments/adapt')
CARD = """# {name}

SHA-256 {sha256}. Written by `spikereveal adapt` {version}.

## Data

{data}. No sharp image was used. The spike camera showed threshold {observed:.3g}; density: {density}.

## Protocol

The re-blurring residual of the held-out part ({held_out_list}), at each validation: the mean of the frames at
{instants} against the blurry photo, root mean square in 8-bit levels. It says whether light and colour are kept,
not how sharp frames are.

## Scores

| iteration | residual |
| --- | --- |
{rows}

Kept: iteration {best}, {value:.4f}.

## Limits

For recordings like these: this spike camera, its threshold and optics. Nothing was compared with sharp images.

## Recipe

Began with {start}; teacher: {teacher}.
`basicsr train -opt {option_file}` in this folder, with `{train_list}` beside it.
"""
_log = logging.getLogger('spikereveal')


def pack_result(out: Path, target: Path) -> Path:
    """Pack the checkpoint of the smallest held-out residual, write its model card, and say what was reached.

    Args:
        out: folder of a finished adaptation.
        target: the file of weights to write; its model card lies beside it, as Markdown.

    Raises:
        SpikeDataError: the training left no scores or no checkpoint.
    """
    record = read_json(out / 'adapt.json')
    scores = read_scores(out / EXPERIMENT / 'early_stop.json')
    best, value = min(scores, key=lambda entry: entry[1])
    network = record['networks']['network_g']['network']
    packing = Packing(network, record['threshold'], record['density'])
    content, _ = packed(out / EXPERIMENT / 'models/net_g_best.pth', packing)
    with writing(target):
        write_atomically(target, content)
        card = target.with_suffix('.md')
        write_atomically(card, _card(record, scores, (best, value), target).encode())
    start = scores[0][1]
    if best == 0:
        _log.warning(
            'the held-out residual did not fall (%.4f levels): %s holds the weights that it began with', start, target
        )
    else:
        _log.info('held-out residual: %.4f levels before, %.4f at iteration %d, which is kept', start, value, best)
    return target


def read_scores(path: Path) -> list[tuple[int, float]]:
    """Read residuals by iteration, from what `val.early_stop` wrote.

    Raises:
        SpikeDataError: there is none.
    """
    try:
        scores = [(int(number), float(score)) for number, score in read_json(path)['scores']]
    except (ValueError, KeyError, TypeError) as error:
        raise SpikeDataError(f'{path}: no scores of the adaptation ({error}); begin again with --overwrite') from None
    if not scores:
        raise SpikeDataError(f'{path}: the training was never validated; val.val_freq must be set in {NAME}')
    return scores


def _card(record: dict[str, Any], scores: list[tuple[int, float]], best: tuple[int, float], target: Path) -> str:
    request, networks = record['request'], record['networks']
    return CARD.format(
        name=target.stem,
        sha256=sha256_of(target),
        version=__version__,
        data=' with '.join(f'`{request[key]}`' for key in ('blur', 'spikes') if request[key]),
        observed=record['observed_threshold'],
        density=record['density'],
        instants=said_readouts(request['schedule']['val_instants']),
        rows='\n'.join(f'| {number} | {score:.4f} |' for number, score in scores),
        best=best[0],
        value=best[1],
        start=networks['network_g']['given'],
        teacher=' and '.join(item['given'] for key, item in networks.items() if key != 'network_g'),
        option_file=NAME,
        train_list=TRAIN_LIST,
        held_out_list=HELD_OUT_LIST,
    )
