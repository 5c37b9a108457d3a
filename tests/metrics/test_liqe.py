"""LIQE against pyiqa's own class, with random weights: small ones of the same architecture, and the true sizes."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from spikereveal_plugin._compat import import_clip

import_clip()

from pyiqa.archs import liqe_arch  # noqa: E402
from pyiqa.archs.clip_model import CLIP  # noqa: E402

from spikereveal_plugin.errors import OptionError, SpikeDataError  # noqa: E402
from spikereveal_plugin.metrics import calculate_pyiqa, liqe_text  # noqa: E402
from spikereveal_plugin.metrics.iqa_weights import weights_source  # noqa: E402
from spikereveal_plugin.metrics.liqe import FILES, load_liqe, patch_corners  # noqa: E402

VARIANTS = {'liqe': 'koniq', 'liqe_mix': 'mix'}
SMALL = (32, 224, 2, 64, 32, 77, 49408, 64, 1, 2)  # pyiqa's arguments of CLIP, as ViT-B/32 but for widths and depths
VIT_B_32 = (512, 224, 12, 768, 32, 77, 49408, 512, 8, 12)


@pytest.fixture(autouse=True)
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of each test's own, for us and for pyiqa."""
    folder = tmp_path / 'hub'
    (folder / 'pyiqa').mkdir(parents=True)
    monkeypatch.setattr(torch.hub, '_hub_dir', str(folder))
    monkeypatch.setattr(liqe_arch, 'DEFAULT_CACHE_DIR', str(folder / 'pyiqa'))
    monkeypatch.delenv('IQA_WEIGHTS', raising=False)
    return folder


def write_checkpoint(folder: Path, name: str, sizes: tuple[int, ...], seed: int = 0) -> Path:
    torch.manual_seed(seed)
    clip = CLIP(*sizes)
    with torch.no_grad():
        clip.visual.class_embedding.mul_(5)
    folder.mkdir(exist_ok=True)
    path = folder / FILES[name]
    torch.save({'params': {f'clip_model.{key}': value for key, value in clip.state_dict().items()}}, path)
    return path


def pyiqas(name: str, path: Path, sizes: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> torch.nn.Module:
    """pyiqa's own LIQE, whose download of CLIP's weights is replaced by an empty CLIP."""
    monkeypatch.setattr(liqe_arch, 'load', lambda *_: CLIP(*sizes))
    return liqe_arch.LIQE(pretrained=VARIANTS[name], pretrained_model_path=str(path)).eval()


def photo(height: int, width: int, seed: int = 0) -> torch.Tensor:
    noise = torch.rand(1, 3, 6, 8, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(noise, (height, width), mode='bicubic').clamp(0, 1)


@pytest.mark.parametrize('size', [(224, 224), (230, 300), (512, 288), (1000, 1600)])
def test_patches_are_those_pyiqa_takes_from_all(size: tuple[int, int]):
    """pyiqa's own selection, on the corners' coordinates in place of pixels."""
    rows, columns = torch.meshgrid(*(torch.arange(n) for n in size), indexing='ij')
    grid = torch.stack([rows, columns]).unfold(1, 224, 32).unfold(2, 224, 32)[..., 0, 0].reshape(2, -1).T
    count = min(15, len(grid))
    expected = grid[:: max(1, len(grid) // count)][:count]
    assert patch_corners(*size) == [tuple(corner) for corner in expected.tolist()]


@pytest.mark.parametrize('name', VARIANTS)
def test_scores_are_pyiqas(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = write_checkpoint(tmp_path / 'weights', name, SMALL)
    theirs = pyiqas(name, path, SMALL, monkeypatch)
    ours = load_liqe(name, weights_source('here', str(path.parent), download=False))
    images = torch.cat([photo(256, 400, seed) for seed in range(3)])
    with torch.no_grad():
        expected = theirs(images)[:, 0]
    assert expected.std() > 1e-4
    torch.testing.assert_close(ours(images), expected, atol=1e-5, rtol=0)


def test_through_basicsrs_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = write_checkpoint(tmp_path / 'weights', 'liqe', SMALL)
    theirs = pyiqas('liqe', path, SMALL, monkeypatch)
    image = photo(300, 400)
    rgb = image[0].permute(1, 2, 0).numpy()
    monkeypatch.setenv('IQA_WEIGHTS', str(path.parent))
    blank = np.zeros(rgb.shape, np.uint8)
    with torch.no_grad():
        assert calculate_pyiqa(blank, metric_name='liqe', img_float=rgb) == pytest.approx(
            float(theirs(image)), abs=1e-5
        )
        small = torch.nn.functional.interpolate(image, (240, 320), mode='bilinear').clamp(0, 1)
        score = calculate_pyiqa(blank, metric_name='liqe', img_float=rgb, resize_short=240)
        assert score == pytest.approx(float(theirs(small)), abs=1e-5)


@pytest.mark.parametrize('name', VARIANTS)
def test_a_missing_file_is_named(name: str, tmp_path: Path):
    message = rf"calculate_pyiqa\('{name}'\): needs the file {FILES[name]}, which is not in {tmp_path}\. Put it there "
    with pytest.raises(OptionError, match=message + r'\(from https://huggingface.co/'):
        calculate_pyiqa(np.zeros((224, 224, 3), np.uint8), metric_name=name, weights_dir=str(tmp_path))


def test_files_that_are_no_liqe_are_refused(tmp_path: Path):
    source = weights_source('here', str(tmp_path), download=False)
    path = tmp_path / FILES['liqe']
    path.write_bytes(b'<html>not found</html>')
    with pytest.raises(OptionError, match=r'liqe_koniq\.pt cannot be read as weights'):
        load_liqe('liqe', source)
    torch.save({'params': {'conv.weight': torch.zeros(1)}}, path)
    with pytest.raises(OptionError, match=r'is no checkpoint of LIQE: it holds conv\.weight'):
        load_liqe('liqe', source)
    write_checkpoint(tmp_path, 'liqe', SMALL)
    weights = torch.load(path, weights_only=True)
    del weights['params']['clip_model.visual.ln_post.weight']
    torch.save(weights, path)
    with pytest.raises(OptionError, match=r'is no checkpoint of LIQE: .*visual\.ln_post\.weight'):
        load_liqe('liqe', source)


def test_images_below_a_patch_are_refused(tmp_path: Path):
    write_checkpoint(tmp_path, 'liqe', SMALL)
    with pytest.raises(SpikeDataError, match=r'LIQE needs at least 224 x 224, got 200 x 300; set resize_short'):
        calculate_pyiqa(np.zeros((200, 300, 3), np.uint8), metric_name='liqe', weights_dir=str(tmp_path))


class Counted:
    """Counts the prompts that are encoded."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        encode = liqe_text.encode
        monkeypatch.setattr(liqe_text, 'encode', lambda clip, texts: self.add(len(texts)) or encode(clip, texts))

    def add(self, count: int) -> None:
        self.count += count


def test_text_features_are_kept_and_checked(tmp_path: Path, hub: Path, monkeypatch: pytest.MonkeyPatch):
    source = weights_source('here', str(write_checkpoint(tmp_path / 'a', 'liqe_mix', SMALL).parent), download=False)
    encoded = Counted(monkeypatch)
    first = load_liqe('liqe_mix', source).text
    assert encoded.count == 2 + 495
    assert torch.equal(load_liqe('liqe_mix', source).text, first)
    assert encoded.count == 2 + 495 + 2
    (kept,) = (hub / 'spikereveal').iterdir()

    middle = first.clone()
    middle[200] = middle[100]
    for poison in (
        {'features': middle, 'sha256': torch.load(kept, weights_only=True)['sha256']},
        {'features': first.flip(0), 'sha256': hashlib.sha256(first.flip(0).numpy().tobytes()).hexdigest()},
        {'features': first[:5]},
        first,
    ):
        torch.save(poison, kept)
        torch.testing.assert_close(load_liqe('liqe_mix', source).text, first)
    kept.write_bytes(b'half a file')
    torch.testing.assert_close(load_liqe('liqe_mix', source).text, first)


def test_other_weights_and_pyiqas_cache_do_not_reach_a_score(
    tmp_path: Path, hub: Path, monkeypatch: pytest.MonkeyPatch
):
    """pyiqa keeps the features of whatever weights came first under one name, and gives them to all others."""
    one, two = (write_checkpoint(tmp_path / str(seed), 'liqe_mix', SMALL, seed) for seed in (1, 2))
    pyiqas('liqe_mix', one, SMALL, monkeypatch)
    assert (hub / 'pyiqa' / 'liqe_text_feat_mix.pt').is_file()
    poisoned = pyiqas('liqe_mix', two, SMALL, monkeypatch).text_features
    texts = [load_liqe('liqe_mix', weights_source('', str(path.parent), download=False)).text for path in (one, two)]
    torch.testing.assert_close(texts[0], poisoned)
    assert (texts[0] - texts[1]).abs().max() > 0.01
    (hub / 'pyiqa' / 'liqe_text_feat_mix.pt').unlink()
    torch.testing.assert_close(texts[1], pyiqas('liqe_mix', two, SMALL, monkeypatch).text_features)


def test_patches_that_are_not_scored_are_not_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Tensors that one score of 1600 x 1000 makes, against pyiqa's, counted by torch's profiler."""
    path = write_checkpoint(tmp_path, 'liqe', SMALL)
    theirs = pyiqas('liqe', path, SMALL, monkeypatch)
    ours = load_liqe('liqe', weights_source('', str(tmp_path), download=False))
    image = photo(1000, 1600)
    assert largest_tensor(theirs, image) > 600e6
    assert largest_tensor(ours, image) < 10e6


def largest_tensor(network: torch.nn.Module, image: torch.Tensor) -> int:
    """Bytes of the largest single allocation of a score."""
    with torch.profiler.profile(profile_memory=True) as profile, torch.no_grad():
        network(image)
    return max(event.nbytes() for event in profile.profiler.kineto_results.events() if event.name() == '[memory]')


@pytest.mark.smoke
def test_true_sizes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """ViT-B/32 with random weights, a photo of RSB's size: pyiqa's score to 1e-4."""
    path = write_checkpoint(tmp_path, 'liqe', VIT_B_32)
    image = photo(1000, 1600)
    ours = load_liqe('liqe', weights_source('', str(tmp_path), download=False))(image)
    theirs = pyiqas('liqe', path, VIT_B_32, monkeypatch)
    with torch.no_grad():
        torch.testing.assert_close(ours, theirs(image)[:, 0], atol=1e-4, rtol=0)
