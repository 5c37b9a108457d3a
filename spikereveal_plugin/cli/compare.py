"""`spikereveal compare`: methods scored side by side, as tables and one page."""

import argparse
import logging
import os
from pathlib import Path
from typing import Any

from spikereveal_plugin.cli.arguments import add_imports, add_metric_weights, add_output
from spikereveal_plugin.cli.text import HelpFormatter, write_lines

EXAMPLES = """examples:
  spikereveal compare results/edvr results/ours --gt datasets/mine/sharp --metrics psnr ssim lpips -o compare
  spikereveal compare blur sdm LDN=ldn.pth EDVR=results/edvr --data datasets/mine/test -o compare
  spikereveal compare SwinIR=options/test_swinir.yml:swinir.pth blur --data datasets/mine/test -o compare
  spikereveal compare results/edvr results/ours --metrics piqe niqe -o compare       no sharp images
  spikereveal compare a b --gt sharp --metrics lpips liqe --weights-dir iqa --download -o compare     fetched once
  spikereveal compare -opt options/compare_table1.yml
  spikereveal compare -opt options/compare_table3.yml --train      trains what is absent first
  torchrun --nproc_per_node 2 -m spikereveal_plugin compare -opt options/compare_rsb.yml

METHOD is [LABEL=]WHAT, and WHAT is a folder of images by any tool; with --data also blur (the photo itself), sdm, tfp,
tfi (physics), a student's weights (.pth, or a name of `spikereveal weights list`), or an option file of `basicsr test`,
with other weights after a colon. Below a folder, an image is a sample and a sub-folder of images a sequence, whose
score is the mean over its frames; folders hold the same names. With --data, sample seq/000019 is seq/000019.png or the
images of seq/000019/, as `spikereveal deblur DATASET` writes them.

Metrics: psnr, ssim (BasicSR, RGB), psnr_y, ssim_y (luminance), psnr_paper, ssim_paper (the paper's), and any name of
pyiqa. Each column says its protocol. OUT gets compare.html (one page, no network needed), .md, .csv, .tex, .json,
compare_sequences.csv and compare_samples.csv; scores/ holds what a later run need not compute again. An option file has
the same content, and more kinds of methods; it may name another as `_base_`, and drop a method or set of it by ~:

  out: compare
  metrics: [psnr, ssim]
  sets:
    theta 1: {data: datasets/GOPRO/test, frames: sequence}
    theta 2: {data: datasets/GOPRO_theta2/test}
    RSB: {data: datasets/RSB, exposure: [0, 400], average: sequences}      the authors' folders
  methods:
    Blurry input: {type: blur, group: No training}
    SDM: {type: sdm, short_window: 9, group: No training}
    SDM + BSN: {type: sdm_bsn, bsn: bsn.pth, density: auto}
    Teacher: {type: teacher, bsn: bsn.pth, sr: edsr.pth}
    LDN: {type: network, weights: ldn.pth, per_set: {theta 2: {weights: ldn_theta2.pth}}, train: options/ldn_gopro.yml}
    Ours: {opt: options/test_ldn_gopro.yml, weights: ours.pth}             its networks, as `basicsr test` builds them
    SwinIR: {type: arch, network: {type: SwinIR, upscale: 1}, weights: swinir.pth, param_key: params_ema}
    BasicVSR++: {type: arch, network: {type: BasicVSRPlusPlus, is_low_res_input: false}, photos: 5, weights: x.pth}
    EDVR: {type: folder, path: results/edvr, parameters: 20.6e6}
"""


def add_compare_parser(commands: Any) -> None:
    """Add `compare` to the sub-commands of `spikereveal`."""
    parser = commands.add_parser(
        'compare',
        help='score methods side by side',
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=HelpFormatter,
    )
    parser.add_argument('methods', nargs='*', metavar='METHOD', help='[LABEL=]folder, blur, sdm, weights, ...')
    parser.add_argument('-opt', type=Path, metavar='YML', help='an option file, in place of methods, sets and metrics')
    add_output(parser, 'OUT', 'folder of results', is_required=False)
    parser.add_argument('--overwrite', action='store_true', help='replace tables that are there and are not its own')
    add_imports(parser)
    group = parser.add_argument_group('what to compare with')
    source = group.add_mutually_exclusive_group()
    source.add_argument('--gt', metavar='DIR', help='folder of sharp images')
    source.add_argument('--data', metavar='DIR', help='data set of this package, or a split of one')
    group.add_argument('--frames', choices=['middle', 'sequence'], help="of --data (default: the set's sequence)")
    parser.add_argument('--metrics', nargs='+', metavar='NAME', help='columns (default: psnr ssim)')
    add_metric_weights(parser)
    parser.add_argument('--title', help='of the page')
    parser.add_argument('--page-samples', type=int, metavar='N', help='samples that the page shows (default: 5)')
    parser.add_argument('--device', help='cpu (default), cuda, cuda:1')
    absent = parser.add_mutually_exclusive_group()
    absent.add_argument('--train', action='store_true', help='train absent weights first, as methods say')
    absent.add_argument('--skip-missing', action='store_true', help='leave out methods whose files are absent')
    is_torchrun = int(os.environ.get('WORLD_SIZE', '1')) > 1 and 'TORCHELASTIC_RUN_ID' in os.environ
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm'],
        default='pytorch' if is_torchrun else 'none',
        help='job launcher; torchrun is recognised',
    )
    parser.set_defaults(run=_compare)


def _compare(args: argparse.Namespace) -> None:
    from spikereveal_plugin.compare import training
    from spikereveal_plugin.compare.options import parse_options
    from spikereveal_plugin.compare.report.writers import as_markdown
    from spikereveal_plugin.compare.run import compare
    from spikereveal_plugin.errors import OptionError
    from spikereveal_plugin.models.collective import is_first

    options = parse_options(_from_words(args) if args.opt is None else _with_flags(_opened(args.opt), args))
    _meet(args.launcher, options.device)
    if args.train:
        if args.launcher != 'none':
            raise OptionError('--train: train first, in one process; several may compare after it')
        training.train(options)
    elif args.skip_missing:
        options = training.without_missing(options)
    else:
        training.refuse(training.missing(options))
    out = args.output or (Path(options.out).expanduser() if options.out else None)
    if out is None:
        raise OptionError('name a folder of results: -o OUT, or `out:` in the option file')
    table = compare(options, out, overwrite=args.overwrite)
    if not is_first():
        return
    write_lines(as_markdown(table).splitlines())
    logging.getLogger('spikereveal').info('%s: done; open compare.html in a browser', out)


def _opened(path: Path) -> dict[str, Any]:
    """Return an option file's content; what it imports is imported."""
    from spikereveal_plugin.extensions import import_extensions
    from spikereveal_plugin.option_files import find_option_file
    from spikereveal_plugin.options import load_options

    opt = load_options(path)
    import_extensions(opt.pop('import', None), find_option_file(path).parent)
    return opt


def _meet(launcher: str, device: str) -> None:
    """Enter the group of processes that a launcher started, if one did; each takes a GPU of its own."""
    if launcher == 'none':
        return
    import torch

    from spikereveal_plugin.models.collective import is_first
    from spikereveal_plugin.pipelines.distributed import join

    join(launcher, None, torch.cuda.device_count() if device.startswith('cuda') else 0, {})
    if not is_first():
        logging.getLogger('spikereveal').setLevel(logging.ERROR)  # the first process speaks for all


def _from_words(args: argparse.Namespace) -> dict[str, Any]:
    """Return what the command line says as an option file would."""
    from spikereveal_plugin.compare.words import methods_from_words
    from spikereveal_plugin.errors import OptionError

    if not args.methods:
        raise OptionError('name what to compare: folders of images, or -opt compare.yml; see --help')
    section = {'gt': args.gt, 'data': args.data, 'frames': args.frames}
    place = Path(args.data or args.gt or '').absolute()
    label = f'{place.parent.name}/{place.name}' if args.data else place.name if args.gt else ''  # folders alone
    sets = {label: {key: value for key, value in section.items() if value is not None}}
    return _with_flags({'methods': methods_from_words(args.methods), 'sets': sets}, args)


def _with_flags(opt: dict[str, Any], args: argparse.Namespace) -> dict[str, Any]:
    """Return options with what the command line says over them."""
    from spikereveal_plugin.compare.metrics import metric_sections
    from spikereveal_plugin.errors import OptionError

    if args.opt is not None and (args.methods or args.gt or args.data or args.frames):
        raise OptionError('-opt names methods and sets; leave out METHOD, --gt, --data and --frames')
    flags = {key: getattr(args, key) for key in ('metrics', 'title', 'page_samples', 'device')}
    opt = opt | {key: value for key, value in flags.items() if value is not None}
    if not (args.weights_dir or args.download):
        return opt
    return opt | {'metrics': metric_sections(opt.get('metrics') or ('psnr', 'ssim'), args.weights_dir, args.download)}
