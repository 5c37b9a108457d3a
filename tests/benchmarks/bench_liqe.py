"""LIQE's memory against pyiqa's own, with random weights of the true sizes: python tests/benchmarks/bench_liqe.py

Each scores one photo of RSB's size, 1600 x 1000, in a process of its own; the peak is that of the process, less what
it had before with the model in memory. Scores must agree to 1e-4.
"""

import ctypes
import gc
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from spikereveal_plugin._compat import import_clip

VIT_B_32 = (512, 224, 12, 768, 32, 77, 49408, 512, 8, 12)
RUNS = 3


def score(who: str, folder: Path) -> dict[str, float]:
    import_clip()
    from pyiqa.archs import liqe_arch
    from pyiqa.archs.clip_model import CLIP

    from spikereveal_plugin.metrics.iqa_weights import weights_source
    from spikereveal_plugin.metrics.liqe import load_liqe

    torch.hub.set_dir(str(folder / 'hub'))
    (folder / 'hub').mkdir(exist_ok=True)
    liqe_arch.DEFAULT_CACHE_DIR = str(folder / 'hub')
    liqe_arch.load = lambda *_: CLIP(*VIT_B_32)
    path = folder / 'liqe_koniq.pt'
    if who == 'ours':
        network = load_liqe('liqe', weights_source('bench', str(folder), download=False))
    else:
        network = liqe_arch.LIQE(pretrained='koniq', pretrained_model_path=str(path)).eval()
    noise = torch.rand(1, 3, 100, 160, generator=torch.Generator().manual_seed(0))
    photo = torch.nn.functional.interpolate(noise, (1000, 1600), mode='bilinear')
    gc.collect()
    ctypes.CDLL('libc.so.6').malloc_trim(0)  # give back what loading left, or the score would use that unseen
    forget_peak()
    before, times = resident('VmRSS'), []
    with torch.no_grad():
        for _ in range(RUNS):
            started = time.perf_counter()
            value = float(network(photo))
            times.append(time.perf_counter() - started)
    return {'score': value, 'megabytes': resident('VmHWM') - before, 'seconds': statistics.median(times)}


def forget_peak() -> None:
    """Start the kernel's record of this process's peak memory again (Linux)."""
    Path('/proc/self/clear_refs').write_text('5')


def resident(field: str) -> float:
    lines = Path('/proc/self/status').read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


def main() -> None:
    if len(sys.argv) == 3:
        print(json.dumps(score(sys.argv[1], Path(sys.argv[2]))))
        return
    with tempfile.TemporaryDirectory() as name:
        import_clip()
        from pyiqa.archs.clip_model import CLIP

        torch.manual_seed(0)
        weights = {f'clip_model.{key}': value for key, value in CLIP(*VIT_B_32).state_dict().items()}
        torch.save({'params': weights}, Path(name) / 'liqe_koniq.pt')
        results = {}
        for who in ('pyiqa', 'ours'):
            run = subprocess.run([sys.executable, __file__, who, name], capture_output=True, text=True, check=True)
            results[who] = json.loads(run.stdout.splitlines()[-1])
    print('| who | score | memory above the model | a score |\n| --- | --- | --- | --- |')
    for who, found in results.items():
        print(f'| {who} | {found["score"]:.6f} | {found["megabytes"]:.0f} MiB | {1000 * found["seconds"]:.0f} ms |')
    difference = abs(results['ours']['score'] - results['pyiqa']['score'])
    print(f'difference {difference:.1e}, memory {results["pyiqa"]["megabytes"] / results["ours"]["megabytes"]:.1f}x')


if __name__ == '__main__':
    main()
