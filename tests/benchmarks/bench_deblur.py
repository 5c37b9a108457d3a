"""Seven frames of 1280 x 720 by each engine against the authors' loop, in one run.

    python tests/benchmarks/bench_deblur.py [--threads 2] [--runs 3] [--engines eager tiled onnx compiled bf16]

The authors' loop calls the whole network once a frame, as released: eager, channels first, gradients off. Each engine
runs in a process of its own: memory is the process's peak above what it took with model and inputs loaded. Processor
time is given beside wall time, since it is the same on a busy machine. The peak is that of a 1536 x 1536 float32 matrix
product. Weights: the authors', converted, where `../shared` has them; else random ones.
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
from torch.utils.flop_counter import FlopCounterMode

from spikereveal_plugin.archs import LDN, load_ssdm_file
from spikereveal_plugin.inference.engines import build_engine, has_bf16
from spikereveal_plugin.physics.simulate import SpikeCamera, simulate_spikes

HEIGHT, WIDTH, FRAMES, WINDOW, MIDDLE = 720, 1280, 7, 21, 3
SHARED = Path(__file__).resolve().parents[3] / 'shared/weights/ssdm_ldn_gopro.pth'
ENGINES = ('eager', 'tiled', 'onnx', 'compiled', 'bf16')
TILE = 512


def network() -> LDN:
    torch.manual_seed(0)
    net = LDN(starts_from_blur=True).eval()
    if SHARED.is_file():
        net.load_state_dict(load_ssdm_file(SHARED)[1])
    else:
        torch.nn.init.normal_(net.last.weight[:, 3:], std=0.1)
    return net


def scene() -> tuple[torch.Tensor, list[torch.Tensor], torch.Tensor]:
    """Photo, windows of spikes, and the sharp frame in the middle, of a picture that slides sideways."""
    rows, columns = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH + 200), indexing='ij')
    picture = 0.45 + 0.2 * torch.sin(columns / 7 + rows / 23) + 0.2 * torch.sin(rows / 5)
    small = torch.nn.functional.avg_pool2d(picture[None], 4)[0]
    light = torch.stack([small[:, t // 4 : t // 4 + WIDTH // 4] for t in range(137)])
    spikes = simulate_spikes(light, SpikeCamera(), torch.Generator().manual_seed(0)).float()
    blur = torch.stack([picture[:, t : t + WIDTH] for t in range(20, 117, 4)]).mean(0)
    windows = [spikes[None, t - WINDOW // 2 : t + WINDOW // 2 + 1] for t in range(20, 117, 16)]
    return blur.expand(1, 3, -1, -1).contiguous(), windows, picture[:, 68 : 68 + WIDTH]


def authors_loop(net: LDN) -> Callable[[torch.Tensor, list[torch.Tensor]], list[np.ndarray]]:
    def run(blur: torch.Tensor, windows: list[torch.Tensor]) -> list[np.ndarray]:
        with torch.no_grad():
            return [net(blur, window).clamp(0, 1).numpy() for window in windows]

    return run


def by_engine(name: str, net: LDN) -> Callable[[torch.Tensor, list[torch.Tensor]], list[np.ndarray]]:
    tile = TILE if name == 'tiled' else None
    engine = build_engine('eager' if tile else name, net, torch.device('cpu'), tile)

    def run(blur: torch.Tensor, windows: list[torch.Tensor]) -> list[np.ndarray]:
        with torch.inference_mode():
            encoded = engine.encode(blur, windows[0])
            return [engine.frame(encoded, window).clamp(0, 1).numpy() for window in windows]

    return run


def measure(name: str, threads: int, runs: int, folder: str) -> None:
    """Write `<name>.json` and `<name>.npy`; runs in a process of its own."""
    torch.set_num_threads(threads)
    out = Path(folder) / name
    if name == 'bf16' and not has_bf16(torch.device('cpu')):
        return  # the table says so
    if name == 'peak':
        result = {'gflops': peak()}
    else:
        net, (blur, windows, sharp) = network(), scene()
        work = authors_loop(net) if name == 'authors' else by_engine(name, net)
        before = int(Path('/proc/self/statm').read_text().split()[1]) * resource.getpagesize()
        started = time.perf_counter()
        frames = work(blur, windows)
        first = time.perf_counter() - started
        peak_rss = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        np.save(out.with_suffix('.npy'), np.stack(frames))
        psnr = -10 * np.log10(np.mean((frames[MIDDLE] - sharp.numpy()) ** 2, dtype=np.float64))
        wall, processor = timed(lambda: work(blur, windows), runs)
        result = {'wall': wall, 'cpu': processor, 'first': first, 'mb': (peak_rss - before) / 2**20, 'psnr': psnr}
    out.with_suffix('.json').write_text(json.dumps(result))


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


def gflop() -> float:
    """What the seven frames need when the photo's branch runs once."""
    with torch.device('meta'), FlopCounterMode(display=False) as counter:
        net = LDN()
        net(torch.empty(1, 3, HEIGHT, WIDTH), torch.empty(1, FRAMES, WINDOW, HEIGHT // 4, WIDTH // 4))
    return counter.get_total_flops() / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--runs', type=int, default=3)
    parser.add_argument('--engines', nargs='+', choices=ENGINES, default=list(ENGINES))
    args = parser.parse_args()
    context = multiprocessing.get_context('spawn')
    with tempfile.TemporaryDirectory() as folder:
        results = {}
        for name in ('peak', 'authors', *args.engines):
            child = context.Process(target=measure, args=(name, args.threads, args.runs, folder))
            child.start()
            child.join()
            path = Path(folder) / f'{name}.json'
            results[name] = json.loads(path.read_text()) if path.is_file() else None
        report(results, Path(folder), args.threads)


def report(results: dict[str, dict | None], folder: Path, threads: int) -> None:
    per_thread, work = results.pop('peak')['gflops'], gflop()
    base, reference = results['authors'], np.load(folder / 'authors.npy')
    print(
        f'{FRAMES} frames of {WIDTH} x {HEIGHT}, {threads} thread(s), {work:.0f} GFLOP; float32 matrix product: '
        f'{per_thread:.0f} GFLOP per second of a core'
    )
    print(
        '| engine | wall | processor | ratio, wall | ratio, processor | of the peak | memory | max. difference | PSNR |'
    )
    print('| --- ' * 9 + '|')
    for name, row in results.items():
        if row is None:
            print(f'| {name} | cannot run here: no bfloat16 in this processor |' + ' |' * 7)
            continue
        difference = np.abs(np.load(folder / f'{name}.npy') - reference).max()
        print(
            f'| {name} | {row["wall"]:.2f} s | {row["cpu"]:.2f} s | {base["wall"] / row["wall"]:.2f}x | '
            f'{base["cpu"] / row["cpu"]:.2f}x | {work / row["cpu"] / per_thread:.0%} | {row["mb"]:.0f} MB | '
            f'{difference:.1e} | {row["psnr"] - base["psnr"]:+.4f} dB |'
        )


if __name__ == '__main__':
    main()
