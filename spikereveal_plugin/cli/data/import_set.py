"""`spikereveal data import`: recordings that exist become a data set."""

import argparse
from pathlib import Path

from spikereveal_plugin.cli.arguments import (
    add_build,
    add_out,
    add_spike_layout,
    add_verb,
    given_exposure,
    positive,
    spike_layout,
)
from spikereveal_plugin.cli.output_file import claim_folder
from spikereveal_plugin.defaults import RATIO

_EXAMPLES = """examples:
  spikereveal data import gopro downloads/GOPRO -o datasets/GOPRO
  spikereveal data import rsb downloads/RSB -o datasets/RSB_lmdb --test board_h
  spikereveal data import spk-gopro GOPRO_Large --spikes spk --exposure 0 56 -o datasets/spk     half-size spikes
  spikereveal data import folder photos/ spikes/ --exposure 20 97 -o datasets/mine
  spikereveal data import folder photos/ spikes/ --calibration rig.json -o datasets/mine

gopro and rsb are the authors' releases, {blur,spike,sharp}_data/<sequence>/<name>. spk-gopro is GOPRO_Large with spikes
beside it, <split>/<clip>/spike/*.dat, as SpkDeblurNet and others use it. folder takes any images and spikes
(.dat, .npy, .npz) that have the same names. An import that was stopped goes on when the same command is given again.
"""


def add_data_import_parser(verbs: 'argparse._SubParsersAction[argparse.ArgumentParser]') -> None:
    """Add `import` with its sources."""
    parser = add_verb(verbs, 'import', "make a data set from the authors' releases or own recordings", _EXAMPLES)
    sources = parser.add_subparsers(title='sources', required=True, metavar='SOURCE')
    for name, about in (('gopro', 'Spike-GOPRO: train and test, readouts 20 to 116 of 137'),
                        ('rsb', 'RSB: real recordings, all 400 readouts')):  # fmt: skip
        one = add_verb(sources, name, about, _EXAMPLES)
        one.add_argument('root', type=Path, metavar='DIR', help='folder of the release')
        _add_common(one)
        one.set_defaults(run=_run_gopro if name == 'gopro' else _run_rsb)
    _add_spk_gopro(sources)
    folder = add_verb(sources, 'folder', 'any images and spike files with the same names', _EXAMPLES)
    folder.add_argument('images', type=Path, metavar='IMAGES', help='folder of blurry images, or one')
    folder.add_argument('spikes', type=Path, metavar='SPIKES', help='folder of .dat, .npy or .npz, or one')
    folder.add_argument('--sharp', type=Path, metavar='DIR', help='folder of sharp middle frames with the same names')
    folder.add_argument(
        '--exposure',
        nargs=2,
        type=int,
        metavar=('FIRST', 'LENGTH'),
        help='readouts of the exposure (default: as --calibration says, else all)',
    )
    folder.add_argument('--calibration', type=Path, metavar='JSON', help='made by `spikereveal data align`')
    folder.add_argument(
        '--ratio', type=positive, default=RATIO, help='image pixels to a spike pixel (default: %(default)s)'
    )
    add_spike_layout(folder)
    _add_common(folder)
    folder.set_defaults(run=_run_folder)


def _add_spk_gopro(sources: 'argparse._SubParsersAction[argparse.ArgumentParser]') -> None:
    one = add_verb(sources, 'spk-gopro', 'GOPRO_Large with half-resolution spikes beside it', _EXAMPLES)
    one.add_argument('root', type=Path, metavar='DIR', help='folder of GOPRO_Large, with train and test')
    one.add_argument('--spikes', type=Path, metavar='DIR', help='folder with <split>/<clip>/spike (default: the same)')
    one.add_argument('--photos', choices=('blur', 'blur_gamma'), help='of a clip (default: blur_gamma where it is)')
    one.add_argument(
        '--exposure',
        nargs=2,
        type=int,
        metavar=('FIRST', 'LENGTH'),
        required=True,
        help="the photo's readouts, which no file says",
    )
    one.add_argument('--ratio', type=positive, default=2, help='image pixels to a spike pixel (default: %(default)s)')
    add_spike_layout(one)
    _add_common(one)
    one.set_defaults(run=_run_spk_gopro)


def _add_common(parser: argparse.ArgumentParser) -> None:
    add_out(parser)
    parser.add_argument('--test', nargs='+', default=[], metavar='SEQUENCE', help='sequences for the test split')
    add_build(parser)


def _run_gopro(args: argparse.Namespace) -> None:
    from spikereveal_plugin.building.import_set import ImportOptions, import_recordings
    from spikereveal_plugin.errors import SpikeDataError
    from spikereveal_plugin.exposure import GOPRO
    from spikereveal_plugin.recordings.find_recordings import find_authors_release
    from spikereveal_plugin.recordings.layout import FOLDERS, Split

    claim_folder(args.output, [args.root])
    exposure = GOPRO
    splits = [split for split in ('train', 'test') if Split(args.root / split, FOLDERS).blur.is_dir()]
    if not splits:
        raise SpikeDataError(
            f'{args.root}: neither train/{FOLDERS.blur} nor test/{FOLDERS.blur} is there; is it Spike-GOPRO?'
        )
    recordings = [find_authors_release(args.root / split, split, exposure) for split in splits]
    options = ImportOptions(
        exposure, test=tuple(args.test), overwrite=args.overwrite, workers=args.workers, num_readouts=137
    )
    import_recordings(recordings, args.output, 'spikereveal data import gopro', options)


def _run_rsb(args: argparse.Namespace) -> None:
    from spikereveal_plugin.building.import_set import ImportOptions, import_recordings
    from spikereveal_plugin.exposure import RSB
    from spikereveal_plugin.recordings.find_recordings import find_authors_release
    from spikereveal_plugin.recordings.spike_file import SpikeLayout

    claim_folder(args.output, [args.root])
    exposure = RSB
    options = ImportOptions(
        *(exposure, SpikeLayout(250, 400)),
        test=tuple(args.test),
        overwrite=args.overwrite,
        workers=args.workers,
        num_readouts=400,
    )
    recordings = [find_authors_release(args.root, 'train', exposure)]
    import_recordings(recordings, args.output, 'spikereveal data import rsb', options)


def _run_spk_gopro(args: argparse.Namespace) -> None:
    from dataclasses import replace

    from spikereveal_plugin.building.import_set import ImportOptions, import_recordings
    from spikereveal_plugin.errors import SpikeDataError
    from spikereveal_plugin.recordings.find_recordings import find_spk_gopro
    from spikereveal_plugin.recordings.spike_file import CONFIG_NAME, sensor_from_config

    spikes = args.spikes or args.root
    claim_folder(args.output, [args.root, spikes])
    exposure = given_exposure(args)
    pairs = [
        found
        for split in ('train', 'test')
        if (found := find_spk_gopro(args.root, spikes, split, args.photos)).recordings
    ]
    if not pairs:
        raise SpikeDataError(
            f'{spikes}: no spikes of {args.root}; expected <split>/<clip>/spike/*.dat beside <split>/<clip>/blur/*.png '
            'with train or test for <split>'
        )
    layout = spike_layout(args)
    if layout.sensor is None and (sensor := sensor_from_config(spikes / CONFIG_NAME)):
        layout = replace(layout, height=sensor[0], width=sensor[1])
    options = ImportOptions(
        exposure, layout, ratio=args.ratio, test=tuple(args.test), overwrite=args.overwrite, workers=args.workers
    )
    import_recordings(pairs, args.output, 'spikereveal data import spk-gopro', options)


def _run_folder(args: argparse.Namespace) -> None:
    from spikereveal_plugin.building.import_set import ImportOptions, import_recordings
    from spikereveal_plugin.recordings.calibration import load_calibration
    from spikereveal_plugin.recordings.find_recordings import find_recordings

    claim_folder(args.output, [args.images, args.spikes, args.sharp, args.calibration])
    options = ImportOptions(
        exposure=given_exposure(args),
        layout=spike_layout(args),
        ratio=args.ratio,
        calibration=load_calibration(args.calibration) if args.calibration else None,
        test=tuple(args.test),
        overwrite=args.overwrite,
        workers=args.workers,
    )
    recordings = [find_recordings(args.images, args.spikes, args.sharp)]
    import_recordings(recordings, args.output, 'spikereveal data import folder', options)
