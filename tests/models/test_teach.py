"""`spikereveal data teach` and `train.teacher: cache`, through the commands a user types."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from basicsr.data import build_dataset

from spikereveal_plugin.archs import BSN, SpikeEDSR
from spikereveal_plugin.cli.basicsr import main as basicsr
from spikereveal_plugin.cli.spikereveal import main as spikereveal
from spikereveal_plugin.data import augment, spike_blur_dataset
from spikereveal_plugin.data.augment import Symmetry
from spikereveal_plugin.data.teacher_cache import TeacherCache
from spikereveal_plugin.formats.spike_lmdb import SpikeLmdb
from spikereveal_plugin.formats.vidar import write_vidar
from spikereveal_plugin.recordings.image_file import save_image
from spikereveal_plugin.recordings.image_lmdb import ImageLmdb
from spikereveal_plugin.recordings.sources import Crop
from spikereveal_plugin.restorers.cascade import Cascade
from spikereveal_plugin.shot import Shot

OPTIONS = Path(__file__).resolve().parents[2] / 'options'
SMALL = ['network_bsn:num_feat=4', 'network_sr={type: SpikeEDSR, num_feat: 8, num_block: 1}']


@pytest.fixture
def workspace(tmp_path: Path, tiny_set: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data set of its own, and weights of a small teacher, where `ldn_sample.yml` looks for them."""
    shutil.copytree(tiny_set, tmp_path / 'datasets/sample')
    monkeypatch.chdir(tmp_path)
    save_teacher(seed=0)
    return tmp_path


def save_teacher(seed: int) -> Cascade:
    torch.manual_seed(seed)
    denoiser, upscaler = BSN(num_feat=4), SpikeEDSR(num_feat=8, num_block=1)
    for name, network in (('bsn', denoiser), ('edsr', upscaler)):
        path = Path(f'experiments/{name}_sample/models/net_g_latest.pth')
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save({'params': network.state_dict()}, path)
    networks = (net.to(memory_format=torch.channels_last) for net in (denoiser, upscaler))  # as models hold them
    return Cascade(*networks, short_window=9)


def teach(*flags: str, entries: tuple[str, ...] = ()) -> int:
    command = ['data', 'teach', '-opt', str(OPTIONS / 'ldn_sample.yml'), *flags]
    return spikereveal([*command, '--force_yml', 'num_gpu=0', 'datasets:train:gt_size=~', *SMALL, *entries])


def train(*entries: str) -> int:
    common = ['num_gpu=0', 'val=~', 'train:total_iter=2', 'datasets:train:gt_size=32', 'train:teacher=cache']
    common += ['datasets:train:num_worker_per_gpu=0', 'datasets:train:batch_size_per_gpu=2', 'logger:print_freq=1']
    return basicsr(['train', '-opt', str(OPTIONS / 'ldn_sample.yml'), '--force_yml', *common, *SMALL, *entries])


def section(root: Path, **extra: Any) -> dict[str, Any]:
    return {
        'name': 'tiny',
        'type': 'SpikeBlurDataset',
        'phase': 'train',
        'dataroot_lq': str(root / 'blur.lmdb'),
        'dataroot_spike': str(root / 'spike.lmdb'),
        'dataroot_teacher': str(root / 'teacher.lmdb'),
        'io_backend': {'type': 'lmdb'},
        'teacher_instants': 3,
        'gt_size': 32,
        'use_hflip': True,
        'use_rot': True,
        **extra,
    }


def test_crops_of_the_cache_are_crops_of_the_teacher(workspace: Path, monkeypatch: pytest.MonkeyPatch):
    """Whatever the symmetry: frame = crop of (blur * gain) of the teacher on the whole image, bit for bit."""
    assert teach() == 0
    teacher = save_teacher(seed=0)
    dataset = build_dataset(section(workspace / 'datasets/sample/train'))
    assert dataset.teacher_instants == (20, 68, 116)
    crop = Crop(3, 5, 8, 8)
    monkeypatch.setattr(spike_blur_dataset, 'random_crop', lambda *_: crop)
    for number, flags in enumerate([(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 1)]):
        symmetry = Symmetry(*map(bool, flags))
        monkeypatch.setattr(spike_blur_dataset, 'random_symmetry', lambda symmetry=symmetry, **_: symmetry)
        item, key = dataset[number], dataset.keys[number]
        spikes = torch.from_numpy(dataset.spikes(key))[None]
        blur = ImageLmdb(workspace / 'datasets/sample/train/blur.lmdb').read(key)
        whole = torch.from_numpy(blur).permute(2, 0, 1)[None].float() / 255
        shot = Shot(whole, spikes, dataset.exposure(key))
        frames = torch.cat([*teacher.frames(shot, dataset.teacher_instants)])
        expected = augment.apply(frames[:, :, 12:44, 20:52].numpy(), symmetry, (2, 3))
        cached = (item['lq'] * item['teacher_gain'][:, None]).clamp(0, 1)
        torch.testing.assert_close(cached, torch.from_numpy(expected.copy()), rtol=0, atol=0)
        assert item['teacher_instants'].tolist() == [20, 68, 116]


def test_a_run_trains_from_the_cache(workspace: Path, monkeypatch: pytest.MonkeyPatch):
    assert teach() == 0
    monkeypatch.setattr(Cascade, 'gains', None)  # whoever computes a frame of the teacher fails
    assert train() == 0
    log = next((workspace / 'experiments/ldn_sample').glob('train*.log')).read_text()
    assert log.count('l_distill: ') == 2


def test_what_was_stopped_goes_on(workspace: Path, monkeypatch: pytest.MonkeyPatch):
    calls: list[int] = []
    original = Cascade.short_rate

    def stops(self: Cascade, shot: Shot, instant: int) -> torch.Tensor:
        calls.append(instant)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return original(self, shot, instant)

    monkeypatch.setattr(Cascade, 'short_rate', stops)
    assert teach() == 130
    assert train() == 1
    assert teach() == 0
    assert teach() == 0
    assert calls == [20, 68, 116, 20, 68, 68, 116, 20, 68, 116, 20, 68, 116]
    assert train() == 0


def test_more_instants_are_added(workspace: Path, capsys: pytest.CaptureFixture[str]):
    assert teach() == 0
    assert train('train:instants=[40, 68]') == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert 'lacks 4 of 4 samples' in error
    assert 'at readouts 40; `spikereveal data teach -opt FILE` adds what is missing' in error
    assert teach(entries=('train:instants=[40, 68]',)) == 0
    assert len(TeacherCache(workspace / 'datasets/sample/train/teacher.lmdb')._reader.keys) == 16
    assert train('train:instants=[40, 68]') == 0


def test_other_weights_are_refused(workspace: Path, capsys: pytest.CaptureFixture[str]):
    assert teach() == 0
    save_teacher(seed=1)
    assert train() == 1
    assert 'was made with other network_bsn, network_sr; make it again' in capsys.readouterr().err
    assert teach() == 1
    assert 'was made with other network_bsn, network_sr; --overwrite' in capsys.readouterr().err
    assert teach('--overwrite') == 0
    assert train() == 0
    assert train('spike:short_window=11') == 1
    assert 'was made with other short_window' in capsys.readouterr().err


def test_other_spikes_are_refused(workspace: Path, tiny_set: Path, capsys: pytest.CaptureFixture[str]):
    assert teach() == 0
    shutil.copytree(workspace / 'datasets/sample/train/teacher.lmdb', workspace / 'datasets/sample/test/teacher.lmdb')
    roots = [f'datasets:train:dataroot_{key}=datasets/sample/test/{name}.lmdb' for key, name in ROOTS]
    assert train(*roots) == 1
    assert 'was made with other spikes' in capsys.readouterr().err


ROOTS = (('lq', 'blur'), ('spike', 'spike'))


def test_no_cache_is_said(workspace: Path, capsys: pytest.CaptureFixture[str]):
    assert train() == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert 'datasets/sample/train/teacher.lmdb: there is no cache' in error
    assert '`spikereveal data teach -opt FILE`' in error


def test_it_may_lie_elsewhere_and_in_half(workspace: Path):
    assert teach('-o', 'elsewhere.lmdb', '--half') == 0
    assert train('datasets:train:dataroot_teacher=elsewhere.lmdb') == 0
    assert not (workspace / 'datasets/sample/train/teacher.lmdb').exists()
    assert TeacherCache(workspace / 'elsewhere.lmdb').origin['precision'] == 'float16'


def test_online_reads_no_cache(workspace: Path):
    assert train('train:teacher=online', 'datasets:train:dataroot_teacher=gone.lmdb') == 0


def test_folders_have_a_cache_too(workspace: Path):
    blurs, spikes = (
        reader(workspace / f'datasets/sample/train/{name}.lmdb')
        for reader, name in ((ImageLmdb, 'blur'), (SpikeLmdb, 'spike'))
    )
    for number, key in enumerate(blurs.keys):
        save_image(workspace / f'disk/blur_data/seq/{number}.png', blurs.read(key))
        write_vidar(workspace / f'disk/spike_data/seq/{number}.dat', spikes.read(key))
    roots = [f'datasets:train:dataroot_{key}=disk/{name}_data' for key, name in ROOTS]
    roots.append('datasets:train:io_backend={type: disk}')
    assert teach(entries=tuple(roots)) == 0
    assert train(*roots) == 0
    assert (workspace / 'disk/teacher.lmdb/teacher.json').is_file()


def test_a_full_disk_is_said_before_the_work(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    usage = shutil.disk_usage(workspace)
    monkeypatch.setattr(shutil, 'disk_usage', lambda _: usage._replace(free=1000))
    assert teach() == 1
    assert 'GB are free; -o places the cache elsewhere, --half halves it' in capsys.readouterr().err


def test_a_cropped_teacher_differs_near_the_border_only(workspace: Path):
    """What is a convolution wide of the crop's border apart from a whole teacher's is its padding."""
    torch.manual_seed(0)
    upscaler = SpikeEDSR(num_feat=8, num_block=1).eval()
    rate = torch.rand(1, 1, 24, 24)
    with torch.no_grad():
        inside = (upscaler(rate)[..., 16:80, 16:80] - upscaler(rate[..., 4:20, 4:20]))[0, 0].abs()
    margin = 4 * 6  # head, a block's two, the end, the up-sampling's: six convolutions at most
    assert inside[margin:-margin, margin:-margin].max() < 1e-6
    assert inside.max() > 1e-4
