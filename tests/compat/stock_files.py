"""Every kind of option file that BasicSR ships, trained by BasicSR itself and by `basicsr train` of this package.

    python tests/compat/stock_files.py -o compat.md
    python tests/compat/stock_files.py -o compat.md --only EDSR BasicVSR

Both run three iterations and a validation on a CPU, in processes of their own, on data that this script makes. "plain"
is BasicSR 1.4.2 with the one module that torchvision removed (without which it does not import at all). A run ends well
with exit code 0 and a file of weights; the losses of the first iteration and the weights in the end are compared.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from stock_kinds import KINDS, write_data
from tqdm import tqdm

PLAIN = """
import os, sys
from spikereveal_plugin._compat import restore_functional_tensor
restore_functional_tensor()
sys.argv = ['spikereveal', *sys.argv[1:]]
from basicsr.train import train_pipeline
train_pipeline(os.getcwd())
"""


@dataclass(frozen=True)
class Outcome:
    """What became of one run."""

    is_well: bool
    said: str
    losses: dict[str, str]
    weights: dict[str, torch.Tensor]


def run(command: list[str], folder: Path, name: str) -> Outcome:
    """Train in a process of its own."""
    environment = {**os.environ, 'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': ''}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    weights = folder / f'experiments/{name}/models/net_g_latest.pth'
    is_well = done.returncode == 0 and weights.is_file()
    lines = [line for line in done.stderr.strip().splitlines() if line]
    state = torch.load(weights, weights_only=True) if weights.is_file() else {}
    first = next((line for line in (done.stdout + done.stderr).splitlines() if re.search(r'iter: +1,', line)), '')
    losses = dict(re.findall(r'(l_\w+): ([-\d.e+]+)', first))
    return Outcome(is_well, '' if is_well else (lines or ['nothing'])[-1][:160], losses, state.get('params', {}))


def compare(name: str, opt: dict[str, Any], folder: Path) -> tuple[str, bool]:
    """Return a line of the table, and whether this package does as well as plain BasicSR."""
    outcomes = {}
    for who, command in (('plain', ['-c', PLAIN, '-opt']), ('here', ['-m', 'spikereveal_plugin', 'train', '-opt'])):
        path = folder / f'{who}.yml'
        path.write_text(yaml.safe_dump({**opt, 'name': who}))
        outcomes[who] = run([sys.executable, *command, str(path)], folder, who)
    plain, here = outcomes['plain'], outcomes['here']
    same = 'not compared'
    if plain.is_well and here.is_well:
        equal = plain.weights.keys() == here.weights.keys() and all(
            torch.equal(value, here.weights[key]) for key, value in plain.weights.items()
        )
        crops = 'equal' if plain.losses == here.losses else 'other crops'
        same = f'weights {"equal" if equal else "differ"}, first losses {crops}'
    words = ['trains' if item.is_well else f'fails: {item.said}' for item in (plain, here)]
    return f'| {name} | {opt["model_type"]} | {words[0]} | {words[1]} | {same} |', here.is_well or not plain.is_well


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('-o', '--output', type=Path, required=True, help='Markdown file to write')
    parser.add_argument('--only', nargs='+', choices=KINDS, metavar='KIND', help=f'of: {", ".join(KINDS)}')
    args = parser.parse_args()
    lines, worse = ['| kind | model | plain BasicSR, CPU | here, CPU | |', '| --- | --- | --- | --- | --- |'], []
    with tempfile.TemporaryDirectory(prefix='compat_') as made:
        write_data(Path(made, 'data'))
        for name in tqdm(args.only or KINDS, unit='kind'):
            line, is_fine = compare(name, json.loads(json.dumps(KINDS[name])), Path(made))
            lines.append(line)
            worse += [] if is_fine else [name]
    args.output.write_text('\n'.join(lines) + '\n')
    print(args.output.read_text())
    print(f'worse than plain: {", ".join(worse) or "none"}')
    return 1 if worse else 0


if __name__ == '__main__':
    sys.exit(main())
