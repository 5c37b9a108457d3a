"""LIQE (Zhang et al., CVPR 2023) on pyiqa's CLIP: pyiqa's scores, from one file, without building unused patches."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from spikereveal_plugin._compat import import_clip
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.metrics.iqa_weights import WeightsSource, sha256
from spikereveal_plugin.metrics.liqe_text import text_features
from spikereveal_plugin.torch_file import read_torch_file

PATCH, STRIDE, MAX_PATCHES = 224, 32, 15
AT_ONCE = 3  # patches whose activations are in memory together
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)  # CLIP's
FILES = {'liqe': 'liqe_koniq.pt', 'liqe_mix': 'liqe_mix.pt'}


def patch_corners(height: int, width: int) -> list[tuple[int, int]]:
    """Top left corners of the patches that LIQE scores: at most 15, evenly spread over a grid of stride 32."""
    rows, columns = (height - PATCH) // STRIDE + 1, (width - PATCH) // STRIDE + 1
    count = min(MAX_PATCHES, rows * columns)
    step = max(1, rows * columns // count)
    return [(STRIDE * row, STRIDE * column) for row, column in (divmod(step * i, columns) for i in range(count))]


class Liqe(nn.Module):
    """LIQE's score, 1 (bad) to 5 (perfect).

    Args:
        clip: pyiqa's CLIP with LIQE's weights; its text half is no longer needed and is dropped.
        text: (5 * K, D), unit features of the prompts, K of each quality, the worst quality first.
        weights_hash: SHA-256 of the weights' file.
    """

    def __init__(self, clip: Any, text: Tensor, weights_hash: str) -> None:
        super().__init__()
        self.weights_hash = weights_hash
        self.visual: nn.Module = clip.visual
        self.text = nn.Buffer(text)
        self.scale = nn.Buffer(clip.logit_scale.detach().exp())
        self.mean = nn.Buffer(torch.tensor(MEAN).view(1, 3, 1, 1))
        self.std = nn.Buffer(torch.tensor(STD).view(1, 3, 1, 1))

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Return (N,) scores of RGB images (N, 3, H, W) in [0, 1].

        Raises:
            SpikeDataError: a side is shorter than a patch.
        """
        if min(images.shape[-2:]) < PATCH:
            height, width = images.shape[-2:]
            raise SpikeDataError(f'LIQE needs at least {PATCH} x {PATCH}, got {height} x {width}; set resize_short')
        return torch.stack([self._score(image) for image in images])

    def _score(self, image: Tensor) -> Tensor:
        corners = patch_corners(*image.shape[-2:])
        features = torch.cat([self._features(image, corners[i : i + AT_ONCE]) for i in range(0, len(corners), AT_ONCE)])
        features = features / features.norm(dim=1, keepdim=True)
        probabilities = (self.scale * features @ self.text.t()).mean(0).softmax(0)
        quality = probabilities.view(5, -1).sum(1)
        return (quality * torch.arange(1, 6).to(quality)).sum()

    def _features(self, image: Tensor, corners: Sequence[tuple[int, int]]) -> Tensor:
        """Return the features (N, D) of N patches, whose activations are in memory together."""
        patches = torch.stack([image[:, y : y + PATCH, x : x + PATCH] for y, x in corners])
        return self.visual(patches.sub_(self.mean).div_(self.std), pos_embedding=True)


def prompts(name: str) -> list[str]:
    """The sentences that an image is compared with, the worst quality first; `liqe_mix` has 99 for each quality."""
    words = import_module('pyiqa.archs.liqe_arch')
    if name == 'liqe':
        return [f'a photo with {quality} quality' for quality in words.qualitys]
    return [
        f'a photo of a {scene} with {distortion} artifacts, which is of {quality} quality'
        for quality, scene, distortion in product(words.qualitys, words.scenes, words.dists_map)
    ]


def load_liqe(name: str, source: WeightsSource) -> Liqe:
    """Make LIQE from its checkpoint alone, which holds all of its CLIP (pyiqa downloads CLIP's own weights too).

    Args:
        name: 'liqe' (trained on KonIQ-10k) or 'liqe_mix' (on six data sets with scenes and distortions).
        source: where `liqe_koniq.pt` or `liqe_mix.pt` is.

    Raises:
        OptionError: the file is missing or is not a checkpoint of LIQE.
    """
    import_clip()
    url = import_module('pyiqa.archs.arch_util').get_url_from_name(FILES[name])
    path = source.find(FILES[name], url)
    clip = build_clip(_read(path), path)
    weights_hash = sha256(path)
    return Liqe(clip, text_features(clip, prompts(name), weights_hash), weights_hash).eval()


def _read(path: Path) -> dict[str, Tensor]:
    try:
        weights = read_torch_file(path)
    except SpikeDataError as error:
        raise OptionError(f'{path} cannot be read as weights: {str(error).removeprefix(f"{path}: ")}') from error
    weights = weights.get('params', weights) if isinstance(weights, Mapping) else {}
    prefix = 'clip_model.'
    state = {key.removeprefix('module.').removeprefix(prefix): value for key, value in weights.items()}
    if 'visual.proj' not in state or 'text_projection' not in state:
        raise OptionError(f'{path} is no checkpoint of LIQE: it holds {", ".join(list(weights)[:3]) or "nothing"} ...')
    return state


def build_clip(weights: Mapping[str, Tensor], path: Path) -> Any:
    """Build pyiqa's CLIP of the sizes that its weights have, in float32.

    Raises:
        OptionError: weights are missing, or do not fit each other.
    """
    module = import_module('pyiqa.archs.clip_model')
    try:
        clip = module.build_model(dict(weights)).float()  # rounds to half precision on the way, hence the second time
        clip.load_state_dict(weights)
    except (RuntimeError, KeyError) as error:
        raise OptionError(f'{path} is no checkpoint of LIQE: {" ".join(str(error).split())[:300]}') from error
    return clip.eval()
