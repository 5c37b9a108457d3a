"""Seven frames of 1280 x 720 by each engine against the authors' loop, in one run.

    python tests/benchmarks/bench_deblur.py [--threads 2] [--runs 3] [--engines eager winograd tiled onnx compiled bf16]
        [--networks LDN LDNPlus LDNLight]

The authors' loop calls the whole network LDN once a frame, as released: eager, channels first, gradients off; `whole`
does so with LDNPlus or LDNLight. Ratios are to the authors' loop; differences are those of a network's engines from
its own loop. Each engine runs in a process of its own: memory is the process's peak above what it took with model and
inputs loaded. Processor time is given beside wall time, since it is more nearly the same on a busy machine. The peak
is that of a 1536 x 1536 float32 matrix product; the operations are those of direct convolutions, of which Winograd's
need fewer. Weights: LDN's of the authors, converted, where `../shared` has them, else random ones; LDNPlus's are
random; LDNLight's come along.
"""

import argparse
import json
import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from spikereveal_plugin.archs import LDN, LDNLight, LDNPlus, load_ssdm_file
from spikereveal_plugin.inference.engines.build import build_engine
from spikereveal_plugin.inference.engines.staged import has_bf16
from spikereveal_plugin.physics.simulate import SpikeCamera, simulate_spikes
from spikereveal_plugin.weights.network import load_student

HEIGHT, WIDTH, FRAMES, MIDDLE = 720, 1280, 7, 3
SHARED = Path(__file__).resolve().parents[3] / 'shared/weights/ssdm_ldn_gopro.pth'
ENGINES = ('eager', 'winograd', 'tiled', 'onnx', 'compiled', 'bf16')
LOOPS = {'LDN': 'authors', 'LDNPlus': 'whole', 'LDNLight': 'whole'}  # a network's frames, each by itself
Inputs = tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]
TILE = 512


def network(name: str) -> nn.Module:
    torch.manual_seed(0)
    if name == 'LDNPlus':
        return LDNPlus().eval()
    if name == 'LDNLight':
        return load_student('ldn-light-labels').network
    net = LDN(starts_from_blur=True).eval()
    if SHARED.is_file():
        net.load_state_dict(load_ssdm_file(SHARED)[1])
    else:
        torch.nn.init.normal_(net.last.weight[:, 3:], std=0.1)
    return net


def scene(num_spike: int) -> tuple[Inputs, torch.Tensor]:
    """Photo, long rate and windows of spikes, and the sharp frame in the middle, of a picture that slides sideways."""
    rows, columns = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH + 200), indexing='ij')
    picture = 0.45 + 0.2 * torch.sin(columns / 7 + rows / 23) + 0.2 * torch.sin(rows / 5)
    small = torch.nn.functional.avg_pool2d(picture[None], 4)[0]
    light = torch.stack([small[:, t // 4 : t // 4 + WIDTH // 4] for t in range(137)])
    spikes = simulate_spikes(light, SpikeCamera(), torch.Generator().manual_seed(0)).float()
    blur = torch.stack([picture[:, t : t + WIDTH] for t in range(20, 117, 4)]).mean(0)
    windows = [spikes[None, t - num_spike // 2 : t + num_spike // 2 + 1] for t in range(20, 117, 16)]
    long_rate = spikes[None, 20:117].mean(1, keepdim=True)
    return (blur.expand(1, 3, -1, -1).contiguous(), long_rate, windows), picture[:, 68 : 68 + WIDTH]


def whole_loop(net: nn.Module) -> Callable[[Inputs], list[np.ndarray]]:
    """The whole network once a frame, as the authors call theirs."""

    def run(inputs: Inputs) -> list[np.ndarray]:
        named = dict(zip(('blur', 'long_rate'), inputs[:2], strict=True))
        calls = [[(named | {'window': window})[name] for name in net.descriptor.inputs] for window in inputs[2]]
        with torch.no_grad():
            return [net(*call).clamp(0, 1).numpy() for call in calls]

    return run


def by_engine(name: str, net: nn.Module) -> Callable[[Inputs], list[np.ndarray]]:
    tile = TILE if name == 'tiled' else None
    engine = build_engine('eager' if tile else name, net, torch.device('cpu'), tile)

    def run(inputs: Inputs) -> list[np.ndarray]:
        blur, long_rate, windows = inputs
        with torch.inference_mode():
            encoded = engine.encode(blur, long_rate)
            return [engine.frame(encoded, window).clamp(0, 1).numpy() for window in windows]

    return run


def measure(case: tuple[str, str], threads: int, runs: int, folder: str) -> None:
    """Write `<network> <engine>.json` and `.npy`; runs in a process of its own."""
    torch.set_num_threads(threads)
    kind, name = case
    out = Path(folder) / f'{kind} {name}'
    if name == 'bf16' and not has_bf16(torch.device('cpu')):
        return  # the table says so
    if name == 'peak':
        result = {'gflops': peak()}
    else:
        net = network(kind)
        inputs, sharp = scene(net.num_spike)
        work = whole_loop(net) if name in LOOPS.values() else by_engine(name, net)
        before = int(Path('/proc/self/statm').read_text().split()[1]) * resource.getpagesize()
        started = time.perf_counter()
        frames = work(inputs)
        first = time.perf_counter() - started
        peak_rss = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        np.save(f'{out}.npy', np.stack(frames))
        psnr = -10 * np.log10(np.mean((frames[MIDDLE] - sharp.numpy()) ** 2, dtype=np.float64))
        wall, processor = timed(lambda: work(inputs), runs)
        result = {'wall': wall, 'cpu': processor, 'first': first, 'mb': (peak_rss - before) / 2**20, 'psnr': psnr}
    Path(f'{out}.json').write_text(json.dumps(result))


def timed(work: Callable[[], object], runs: int) -> tuple[float, float]:
    """Medians of wall and processor seconds."""
    walls, processors = [], []
    for _ in range(runs):
        wall, processor = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return statistics.median(walls), statistics.median(processors)


def peak(size: int = 1536) -> float:
    """Float32 GFLOP a second of processor time."""
    a, b = torch.rand(size, size), torch.rand(size, size)
    a @ b
    return 2 * size**3 / timed(lambda: a @ b, 15)[1] / 1e9


def gflop(kind: str) -> float:
    """What the seven frames need when the photo's branch runs once."""
    device = 'cpu' if kind == 'LDNLight' else 'meta'  # it observes the threshold of what it sees
    with torch.no_grad(), torch.device(device), FlopCounterMode(display=False) as counter:
        net = {'LDN': LDN, 'LDNPlus': LDNPlus, 'LDNLight': LDNLight}[kind]()
        blur, spikes = torch.ones(1, 3, HEIGHT, WIDTH), torch.ones(1, FRAMES, net.num_spike, HEIGHT // 4, WIDTH // 4)
        net(blur, spikes, *([spikes[:, 0, :1]] if 'long_rate' in net.descriptor.inputs else []))
    return counter.get_total_flops() / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--runs', type=int, default=3)
    parser.add_argument('--engines', nargs='+', choices=ENGINES, default=list(ENGINES))
    parser.add_argument('--networks', nargs='+', choices=list(LOOPS), default=list(LOOPS))
    args = parser.parse_args()
    cases = [('LDN', 'authors')]
    for kind in args.networks:
        refused = {'LDN': (), 'LDNPlus': ('winograd',), 'LDNLight': ('winograd',)}[kind]
        engines = [name for name in args.engines if name not in refused]
        cases += [(kind, name) for name in ([] if kind == 'LDN' else [LOOPS[kind]]) + engines]
    context = multiprocessing.get_context('spawn')
    with tempfile.TemporaryDirectory() as folder:
        results = {}
        for case in (('', 'peak'), *cases):
            child = context.Process(target=measure, args=(case, args.threads, args.runs, folder))
            child.start()
            child.join()
            path = Path(folder) / f'{" ".join(case)}.json'
            results[case] = json.loads(path.read_text()) if path.is_file() else None
        report(results, Path(folder), args.threads)


def report(results: dict[tuple[str, str], dict | None], folder: Path, threads: int) -> None:
    per_thread, work = results.pop(('', 'peak'))['gflops'], {kind: gflop(kind) for kind in LOOPS}
    base = results['LDN', 'authors']
    print(
        f'{FRAMES} frames of {WIDTH} x {HEIGHT}, {threads} thread(s); direct convolutions: '
        f'{", ".join(f"{kind} {count:.0f} GFLOP" for kind, count in work.items())}; float32 matrix product: '
        f'{per_thread:.0f} GFLOP per second of a core'
    )
    print(
        '| network | engine | wall | processor | ratio, wall | ratio, processor | of the peak | memory | first | '
        'max. difference | PSNR |'
    )
    print('| --- ' * 11 + '|')
    for (kind, name), row in results.items():
        if row is None:
            print(f'| {kind} | {name} | cannot run here |' + ' |' * 8)
            continue
        loop = results[kind, LOOPS[kind]]
        difference = np.abs(
            np.load(folder / f'{kind} {name}.npy') - np.load(folder / f'{kind} {LOOPS[kind]}.npy')
        ).max()
        print(
            f'| {kind} | {name} | {row["wall"]:.2f} s | {row["cpu"]:.2f} s | {base["wall"] / row["wall"]:.2f}x | '
            f'{base["cpu"] / row["cpu"]:.2f}x | {work[kind] / row["cpu"] / per_thread:.0%} | {row["mb"]:.0f} MB | '
            f'{row["first"]:.1f} s | {difference:.1e} | {row["psnr"] - loop["psnr"]:+.4f} dB |'
        )


if __name__ == '__main__':
    main()
