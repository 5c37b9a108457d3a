"""`python -m spikereveal_plugin train ...` is `basicsr train ...`, for launchers of modules such as torchrun."""

import sys

from spikereveal_plugin.cli.basicsr import main

if __name__ == '__main__':
    sys.exit(main())
