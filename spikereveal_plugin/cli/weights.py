"""`spikereveal weights`: what weights there are, and how to bring in or wrap up others."""

import argparse
import logging
from pathlib import Path
from typing import Any

from spikereveal_plugin.cli.arguments import add_imports
from spikereveal_plugin.cli.output_file import add_output_file, claim
from spikereveal_plugin.cli.text import HelpFormatter, write_lines

EXAMPLES = """examples:
  spikereveal weights list
  basicsr test -opt options/test_ldn_gopro.yml --force_yml path:pretrain_network_g=NAME
  spikereveal weights import --from ssdm ckpts/ldn.pth -o weights/ldn_ssdm.pth
  spikereveal weights import --from refid refid.pth -o weights/refid.pth             another method of Table 1
  spikereveal weights import --from levs center.pth F35.pth F26.pth F17.pth -o weights/levs.pth
  spikereveal deblur photo.png spikes.dat -o sharp --weights weights/ldn_ssdm.pth
  basicsr test -opt options/test_ldn_gopro.yml --force_yml \\
      path:pretrain_network_g=weights/ldn_ssdm.pth 'val:methods=[blur, sdm, student]'

The result holds RGB weights under the key `params`, as BasicSR's load_network reads them.
"""
PACK_EXAMPLES = """examples:
  spikereveal weights pack experiments/ldn/models/net_g_latest.pth -o ldn-mine.pth --threshold 2
  spikereveal weights pack experiments/bsn/models/net_g_latest.pth -o bsn-mine.pth --type BSN --density auto
  spikereveal weights pack experiments/x/models/net_g_best.pth -o x.pth -opt options/x.yml --param-key params_ema
  spikereveal weights pack experiments/ldn/models/net_g_best.pth --register ldn-mine --card ldn-mine.md \\
      --density auto --summary 'clips, sequence of 7: 26.1 / 26.0 / 25.8 dB at thresholds 1 / 2 / 4'

The result holds `params` and a `card`: the network, the threshold of the spike camera it was trained on, and whether it
wants spikes normalised to that (`--density auto`). Its entry for a registry.json is printed. For maintainers,
--register puts file, model card ({sha256} in it is filled in) and entry into the package.
"""


CHECK_EXAMPLES = """examples:
  spikereveal weights check ldn-light-labels
  spikereveal weights check mine/mine.pth --thresholds 2

Ten scenes of 128 x 192 pixels are made in memory, with the noise of a camera, and the middle frame is scored: PSNR in
dB, at most 45. Weights pass that are nowhere below the photo by more than 0.1 dB, and on the mean not below `light`,
physics without weights. The exit code is 1 where they do not.
"""


ORIGINS = ('ssdm', 'spkdeblurnet', 'refid', 'red', 'trmd', 'levs', 'motion_etr', 'bit', 'dasr')


def add_weights_parser(commands: Any) -> None:
    """Add `weights list`, `import` and `pack` to the sub-commands of `spikereveal`."""
    weights = commands.add_parser(
        'weights', help='list, check, import and pack weights', formatter_class=HelpFormatter, epilog=EXAMPLES
    )
    actions = weights.add_subparsers(dest='action', required=True, metavar='{list,check,import,pack}')
    lister = actions.add_parser(
        'list', help='names that --weights takes', formatter_class=HelpFormatter, epilog=EXAMPLES
    )
    lister.set_defaults(run=_list)
    _add_check(actions)
    _add_import(actions)
    _add_pack(actions)


def _add_check(actions: Any) -> None:
    checker = actions.add_parser(
        'check', help='score weights on small scenes', formatter_class=HelpFormatter, epilog=CHECK_EXAMPLES
    )
    checker.add_argument('weights', metavar='NAME|FILE', help='a name of `weights list`, or a file')
    checker.add_argument(
        '--thresholds',
        nargs='+',
        type=float,
        default=(1.0, 2.0, 4.0),
        metavar='T',
        help='of the spike cameras (default: 1 2 4)',
    )
    add_imports(checker)
    checker.set_defaults(run=_check, needs_classes=True)


def _add_import(actions: Any) -> None:
    importer = actions.add_parser(
        'import', help="convert a checkpoint of the authors' code", formatter_class=HelpFormatter, epilog=EXAMPLES
    )
    importer.add_argument(
        'source', type=Path, nargs='+', metavar='FILE', help='a checkpoint; of LEVS its four, in any order'
    )
    importer.add_argument(
        '--from', dest='origin', choices=ORIGINS, required=True, help='whose code made it: ssdm (BSN, EDSR or LDN), ...'
    )
    add_output_file(importer, 'OUT.pth', 'where to write')
    importer.set_defaults(needs_classes=True)
    importer.set_defaults(run=_import)


def _add_pack(actions: Any) -> None:
    packer = actions.add_parser(
        'pack', help='give a checkpoint its card', formatter_class=HelpFormatter, epilog=PACK_EXAMPLES
    )
    packer.add_argument('source', type=Path, metavar='FILE', help='a checkpoint of `basicsr train`')
    where = packer.add_mutually_exclusive_group(required=True)
    where.add_argument('-o', '--output', type=Path, metavar='OUT.pth', help='where to write')
    where.add_argument('--register', metavar='NAME', help='put it into the package under this name')
    packer.add_argument('--overwrite', action='store_true', help='replace the file if it is there')
    packer.add_argument('--card', type=Path, metavar='FILE.md', help='model card; with --register')
    which = packer.add_mutually_exclusive_group()
    which.add_argument(
        '--type', metavar='ARCH', help='registered network, with its default arguments (default: as its card, or LDN)'
    )
    which.add_argument('-opt', '--opt', type=Path, metavar='FILE.yml', help='option file whose network_g it is')
    packer.add_argument('--param-key', metavar='KEY', help='params_ema: the moving average (default: params)')
    packer.add_argument(
        '--threshold', type=float, help="of the training data's spike camera (default: as its card, or 1)"
    )
    packer.add_argument(
        '--density', choices=['auto', '1.0'], help='auto: trained on normalised spikes (default: as its card, or 1.0)'
    )
    packer.add_argument('--summary', default='', help='scores in one line, for `weights list`')
    add_imports(packer)
    packer.set_defaults(run=_pack)


def _list(args: argparse.Namespace) -> None:
    from spikereveal_plugin.weights.registry import list_weights

    known = list_weights().values()
    if not known:
        write_lines(["this version brings no weights along; `spikereveal weights import` brings in the authors'"])
        return
    head = ('name', 'network', 'size', 'threshold', 'density', 'scores')
    rows = [head]
    for item in known:
        entry, size = item.entry, item.checked_path().stat().st_size / 2**20
        rows.append(
            (item.name, entry.network, f'{size:.2f} MB', f'{entry.threshold:g}', str(entry.density), entry.summary)
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ['  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    write_lines([*lines, '', f'model cards: {next(iter(known)).folder}/NAME.md'])


def _check(args: argparse.Namespace) -> None:
    from tqdm import tqdm

    from spikereveal_plugin.errors import SpikeRevealError
    from spikereveal_plugin.gate.check import Verdict, check
    from spikereveal_plugin.gate.scenes import SCENES
    from spikereveal_plugin.restorers.student import Student
    from spikereveal_plugin.weights.network import load_student

    loaded = load_student(args.weights)
    student = Student(loaded.network, loaded.card.wants)
    count = len(SCENES) * len(args.thresholds)
    verdict = Verdict(tuple(tqdm(check(student, args.thresholds), total=count, leave=False, unit='scene')))
    rows: list[tuple[str, ...]] = [('scene', 'threshold', 'photo', 'light', str(args.weights))]
    rows += [(s.scene, f'{s.threshold:g}', f'{s.photo:.2f}', f'{s.light:.2f}', f'{s.psnr:.2f}') for s in verdict.scores]
    rows.append(('mean', '', *(f'{mean:.2f}' for mean in verdict.means)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    write_lines(
        ['  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    )
    if verdict.faults:
        raise SpikeRevealError(f'{args.weights} does not pass: {"; ".join(verdict.faults)}')
    logging.getLogger('spikereveal').info(f'{args.weights} passes')


def _import(args: argparse.Namespace) -> None:
    from spikereveal_plugin.archs.convert import import_ssdm
    from spikereveal_plugin.errors import OptionError
    from spikereveal_plugin.weights.peers import import_peer

    claim(args.output, args.source, args)
    if args.origin == 'ssdm':
        if len(args.source) != 1:
            raise OptionError(f'--from ssdm: expected 1 file, got {len(args.source)}')
        name = import_ssdm(args.source[0], args.output)
    else:
        name = import_peer(args.origin, args.source, args.output).network['type']
    logging.getLogger('spikereveal').info(f'{args.output}: {name}, converted from {", ".join(map(str, args.source))}')


def _pack(args: argparse.Namespace) -> None:
    import json
    from dataclasses import asdict

    from spikereveal_plugin.errors import OptionError
    from spikereveal_plugin.formats.atomic import write_atomically
    from spikereveal_plugin.inference.outputs import writing
    from spikereveal_plugin.weights.packing import entry_of, packed, register

    packing = _packing(args)
    if args.register:
        if not (args.card and args.summary):
            raise OptionError('--register: give --card and --summary too; nobody can use weights without them')
        entry = register(args.source, args.register, args.card, packing, args.summary)
    else:
        claim(args.output, [args.source, args.card], args)
        content, card = packed(args.source, packing)
        with writing(args.output):
            write_atomically(args.output, content)
        entry = entry_of(content, args.output.stem, card, args.summary)
    write_lines([json.dumps({args.register or args.output.stem: asdict(entry)}, indent=2)])


def _packing(args: argparse.Namespace) -> Any:
    from spikereveal_plugin.errors import OptionError
    from spikereveal_plugin.extensions import import_extensions
    from spikereveal_plugin.options import load_options
    from spikereveal_plugin.weights.packing import Packing

    network: Any = args.type
    if args.opt:
        opt = load_options(args.opt)
        import_extensions(opt.get('import'), args.opt.expanduser().absolute().parent)
        network = opt.get('network_g')
        if not isinstance(network, dict) or 'type' not in network:
            raise OptionError(f'{args.opt}: no section network_g with a type')
    density = float(args.density) if args.density == '1.0' else args.density
    return Packing(network, args.threshold, density, args.param_key)
