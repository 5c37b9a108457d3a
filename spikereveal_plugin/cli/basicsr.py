"""`basicsr train` and `basicsr test`, with the flags of BasicSR's own scripts."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from spikereveal_plugin.cli.arguments import add_imports
from spikereveal_plugin.cli.text import HelpFormatter
from spikereveal_plugin.cli.together import run_together

EXAMPLES = """examples:
  basicsr train -opt options/ldn_gopro.yml
  basicsr train -opt options/ldn_gopro.yml --auto_resume
  basicsr train -opt options/ldn_gopro.yml --check
  basicsr train -opt options/ldn_gopro.yml --force_yml train:total_epoch=10 datasets:train:gt_size=256
  basicsr test -opt options/test_ldn_gopro.yml
  torchrun --nproc_per_node 2 -m spikereveal_plugin train -opt options/ldn_gopro.yml --launcher pytorch
  srun basicsr train -opt options/ldn_gopro.yml --launcher slurm --auto_resume

Outputs go under the current folder: experiments/, results/, tb_logger/. Option files of stock BasicSR models work too.
"""


def build_parser() -> argparse.ArgumentParser:
    """Make the parser of `basicsr`."""
    parser = argparse.ArgumentParser(
        prog='basicsr', description=__doc__, epilog=EXAMPLES, formatter_class=HelpFormatter
    )
    commands = parser.add_subparsers(dest='command', required=True, metavar='{train,test}')
    for name, text in (('train', 'train what an option file describes'), ('test', 'restore and score data sets')):
        command = commands.add_parser(name, help=text, epilog=EXAMPLES, formatter_class=HelpFormatter)
        command.add_argument('-opt', '--opt', required=True, metavar='FILE', help='option file (YAML)')
        command.add_argument('--launcher', choices=['none', 'pytorch', 'slurm'], default='none', help='job launcher')
        command.add_argument('--auto_resume', action='store_true', help='go on from the newest state of the experiment')
        command.add_argument(
            '--resume_lr',
            choices=['state', 'file'],
            default='state',
            help='whose learning rate and schedule go on after a resume, where they differ',
        )
        command.add_argument('--debug', action='store_true', help="BasicSR's debug mode; errors show their traceback")
        command.add_argument('--local_rank', '--local-rank', type=int, help='set by old launchers')
        command.add_argument(
            '--force_yml', nargs='+', action='extend', metavar='KEY:KEY=VALUE', help='options that go over the file'
        )
        add_imports(command)
        command.add_argument(
            '--check',
            action='store_true',
            help='two iterations of each part, timed; leaves nothing',
        )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run `basicsr`; returns the exit code."""
    args = build_parser().parse_args(argv)
    return run_together(_run, args, debug=args.debug)


def _run(args: argparse.Namespace) -> None:
    from spikereveal_plugin.extensions import import_extensions
    from spikereveal_plugin.options import load_options

    load_options(Path(args.opt))  # says what is wrong with the file before torch is waited for
    from spikereveal_plugin.registration import register

    register()
    import_extensions(args.imports, Path.cwd(), '--import')
    from spikereveal_plugin.pipelines.check import check_pipeline  # --help must not wait for torch
    from spikereveal_plugin.pipelines.test import test_pipeline
    from spikereveal_plugin.pipelines.train import train_pipeline

    if args.check:
        check_pipeline(args, is_train=args.command == 'train')
    elif args.command == 'train':
        train_pipeline(args)
    else:
        test_pipeline(args)


if __name__ == '__main__':
    sys.exit(main())
