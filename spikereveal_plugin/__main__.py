"""For launchers of modules such as torchrun: `python -m spikereveal_plugin train ...` is `basicsr train ...`.

Whatever is no command of `basicsr` is one of `spikereveal`, such as `compare`.
"""

import sys

from spikereveal_plugin.cli import basicsr, spikereveal

if __name__ == '__main__':
    is_basicsr = len(sys.argv) < 2 or sys.argv[1] in ('train', 'test') or sys.argv[1].startswith('-')
    sys.exit(basicsr.main() if is_basicsr else spikereveal.main())
