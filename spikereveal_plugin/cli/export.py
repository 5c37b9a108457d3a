"""`spikereveal export`: a student as ONNX or TorchScript."""

import argparse
import logging
from typing import Any

from spikereveal_plugin.cli.arguments import add_imports
from spikereveal_plugin.cli.output_file import add_output_file, claim
from spikereveal_plugin.cli.text import HelpFormatter

EXAMPLES = """examples:
  spikereveal export --weights ldn.pth -o ldn.onnx
  spikereveal export --weights ldn.pth -o ldn.pt

Inputs `blur` (1, 3, 4h, 4w), RGB in [0, 1], and `spikes` (1, 21, h, w), 0 and 1; LDNPlus takes 41 readouts, and also
`long_rate` (1, 1, h, w), the firing rate over the exposure. Output `sharp` (1, 3, 4h, 4w), not clipped; h, w are free.
The file is compared with PyTorch at two sizes, and kept if they agree to 1e-4.
ONNX needs the extra: pip install 'spikereveal_plugin[export]'
"""


def add_export_parser(commands: Any) -> None:
    """Add `export` to the sub-commands of `spikereveal`."""
    parser = commands.add_parser(
        'export', help='write ONNX or TorchScript', description=__doc__, epilog=EXAMPLES, formatter_class=HelpFormatter
    )
    parser.add_argument(
        '--weights', required=True, metavar='NAME|FILE', help='a name of `spikereveal weights list`, or a .pth file'
    )
    add_output_file(parser, 'OUT', 'ends in .onnx or .pt')
    add_imports(parser)
    parser.set_defaults(run=_export)


def _export(args: argparse.Namespace) -> None:
    from spikereveal_plugin.errors import OptionError
    from spikereveal_plugin.inference.export import export_student
    from spikereveal_plugin.inference.outputs import writing
    from spikereveal_plugin.physics.density import AS_RECORDED
    from spikereveal_plugin.weights.network import load_student

    if args.output.suffix.lower() not in ('.onnx', '.pt'):
        raise OptionError(f'{args.output}: expected a name that ends in .onnx or .pt')
    claim(args.output, [args.weights], args)
    student = load_student(args.weights)
    with writing(args.output):
        difference = export_student(student, args.output)
    log = logging.getLogger('spikereveal')
    log.info(f'{args.output}: within {difference:.1g} of PyTorch')
    wants = student.card.wants
    if wants != AS_RECORDED:
        camera = f'those of a camera of threshold {wants.threshold:g}'
        dense = camera if wants.value == 'auto' else f'{wants.value:g} times those recorded'
        log.warning(f'{args.output}: make its input spikes as dense as {dense} (physics/density.py); it says so itself')
