"""`spikereveal data teach`: the frozen teacher's frames of a training set, computed once."""

import argparse

from spikereveal_plugin.cli.arguments import add_imports, add_output, add_verb

_EXAMPLES = """examples:
  spikereveal data teach -opt options/ldn_gopro.yml
  basicsr train -opt options/ldn_gopro.yml --force_yml train:teacher=cache

  spikereveal data teach -opt options/ldn_gopro.yml --half -o /fast/teacher.lmdb
  basicsr train -opt options/ldn_gopro.yml --force_yml train:teacher=cache \\
      datasets:train:dataroot_teacher=/fast/teacher.lmdb

The cache lies beside the training images, as teacher.lmdb. It holds the gain of each sample at each readout that the
option file trains at (for 1280 x 720 and 5 readouts 18.4 MB a sample; with --half 9.2 MB). A run that was stopped goes
on where it was; other instants are added to those that are there.
"""


def add_data_teach_parser(verbs: 'argparse._SubParsersAction[argparse.ArgumentParser]') -> None:
    """Add `teach`."""
    parser = add_verb(verbs, 'teach', "compute the teacher's frames of a training set once", _EXAMPLES)
    parser.add_argument(
        '-opt', '--opt', required=True, metavar='FILE', help='option file of a SpikeDistillModel (YAML)'
    )
    parser.add_argument(
        '--force_yml', nargs='+', action='extend', metavar='KEY:KEY=VALUE', help='options that go over the file'
    )
    add_imports(parser)
    add_output(parser, 'DIR', 'the cache (default: teacher.lmdb by the images)', is_required=False)
    parser.add_argument('--half', action='store_true', help='store float16: half the disk, relative error below 0.0005')
    parser.add_argument('--overwrite', action='store_true', help='delete a cache that is there, and make it again')
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> None:
    from spikereveal_plugin.models.teach import teach  # --help must not wait for torch
    from spikereveal_plugin.pipelines.setup import default_flags, prepare_options

    flags = default_flags(args.opt, [*(args.force_yml or []), 'train:teacher=cache'])
    opt = prepare_options(flags, is_train=True)
    teach(opt, args.output, 'float16' if args.half else 'float32', overwrite=args.overwrite)
