"""One calibration from any number of recordings of a rig whose cameras did not move against each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.inspecting.align import (
    Alignment,
    Matrix,
    Plane,
    align_boards,
    align_pair,
    offset_scores,
    on_sensor,
    residual_shift,
)
from spikereveal_plugin.physics.gray import gray
from spikereveal_plugin.physics.srgb import srgb_to_linear
from spikereveal_plugin.recordings.calibration import Calibration
from spikereveal_plugin.recordings.find_recordings import Recording
from spikereveal_plugin.recordings.image_file import image_size, load_image
from spikereveal_plugin.recordings.sensor_size import layout_for_photo
from spikereveal_plugin.recordings.spike_file import SpikeLayout, open_spikes
from spikereveal_plugin.recordings.spike_stream import SpikeStream

OFFSET_ROUNDS: Final = 3


@dataclass(frozen=True)
class AlignOptions:
    """How recordings are aligned.

    Args:
        layout: what the spike files do not say themselves; a `.dat` of unknown size has a quarter of the photo's.
        first: first readout of the exposure; None: it is sought where `length` is shorter than the stream.
        length: readouts of the exposure; None: all of them.
        board: inner corners (rows, columns) of a checkerboard that the recordings show.
        linear_light: undo the images' sRGB curve, as light that spikes count has none.
    """

    layout: SpikeLayout
    first: int | None = None
    length: int | None = None
    board: tuple[int, int] | None = None
    linear_light: bool = False

    def __post_init__(self) -> None:
        if self.first is not None and (self.length is None or self.first < 0):
            raise OptionError(f'first readout {self.first}: needs a length, and must be 0 or more')
        if self.length is not None and self.length < 1:
            raise OptionError(f'exposure of {self.length} readouts: expected 1 or more')
        if self.board is not None and min(self.board) < 3:
            raise OptionError(f'board {self.board}: expected 3 or more inner corners a side')


@dataclass(frozen=True)
class AlignReport:
    """The calibration and its evidence: medians over the pairs; `spread` is how far apart they put the corners."""

    calibration: Calibration
    correlation: float
    spread: float
    num_matches: int
    offset_lead: float | None


def align_recordings(recordings: Sequence[Recording], options: AlignOptions) -> AlignReport:
    """Estimate homography and time offset.

    Raises:
        SpikeDataError: the recordings differ in size, are too short, or do not resemble each other.
    """
    if not recordings:
        raise SpikeDataError('align: there is no recording')
    pairs = []
    for recording in tqdm(recordings, unit='recording', disable=None):
        pairs.append(_load(recording, options))
        _check_same(recording, pairs[0], pairs[-1])
    length = options.length or len(pairs[0].spikes)
    alignments = _estimate([(pair, pair.rate(options.first or 0, options.length)) for pair in pairs], options)
    homography = _middle(alignments, pairs[0].light.shape)
    first, lead = options.first or 0, None
    if options.first is None and length < len(pairs[0].spikes):
        for _ in range(OFFSET_ROUNDS):
            first, lead = _joint_offset(pairs, homography, length)
            alignments = _estimate([(pair, pair.rate(first, length)) for pair in pairs], options)
            homography = _middle(alignments, pairs[0].light.shape)
    residuals = [residual_shift(pair.light, pair.rate(first, length), homography) for pair in pairs]
    residual = float(np.nanmedian(residuals)) if np.isfinite(residuals).any() else 0.0
    rows = tuple(tuple(float(value) for value in row) for row in homography)
    sizes = (pairs[0].light.shape, pairs[0].spikes.sensor)
    calibration = Calibration(rows, *sizes, first, length, residual, len(pairs))  # type: ignore[arg-type]
    return AlignReport(
        calibration,
        float(np.median([item.correlation for item in alignments])),
        _spread(alignments, homography, pairs[0].light.shape),
        int(np.median([item.num_matches for item in alignments])),
        lead,
    )


@dataclass(frozen=True)
class _Pair:
    """Spikes are read again each time, since many recordings together may not fit in memory."""

    light: Plane
    spikes: SpikeStream

    def rate(self, first: int, length: int | None) -> Plane:
        """(h, w) firing rate of the exposure; of the whole stream where its place is not known yet."""
        stop = len(self.spikes) if length is None else first + length
        rate: Plane = self.spikes.read(first, stop).mean(axis=0, dtype=np.float32)
        return rate


def _joint_offset(pairs: Sequence[_Pair], homography: Matrix, length: int) -> tuple[int, float]:
    """Return the first readout that fits all recordings best, and by how much its correlation exceeds the mean."""
    most = min(len(pair.spikes) for pair in pairs) - length + 1
    curves = [
        offset_scores(pair.spikes.whole(), *on_sensor(pair.light, pair.spikes.sensor, homography), length)
        for pair in pairs
    ]
    scores = np.mean([curve[:most] for curve in curves], axis=0)
    first = int(scores.argmax())
    return first, float(scores[first] - scores.mean())


def _load(recording: Recording, options: AlignOptions) -> _Pair:
    image = torch.from_numpy(load_image(recording.image)).permute(2, 0, 1).float() / 255
    light = gray(srgb_to_linear(image) if options.linear_light else image)[0].numpy()
    spikes = open_spikes(
        recording.spikes, layout_for_photo(recording.spikes, image_size(recording.image), options.layout)
    )
    if (options.first or 0) + (options.length or 1) > len(spikes):
        raise SpikeDataError(f'{recording.spikes}: {len(spikes)} readouts are fewer than the exposure given')
    return _Pair(light, spikes)


def _check_same(recording: Recording, first: _Pair, pair: _Pair) -> None:
    if (pair.light.shape, pair.spikes.sensor) != (first.light.shape, first.spikes.sensor):
        raise SpikeDataError(
            f'{recording.image}: image {pair.light.shape}, sensor {pair.spikes.sensor}; the recordings before have '
            f'{first.light.shape} and {first.spikes.sensor}: align them apart'
        )


def _estimate(pairs: list[tuple[_Pair, Plane]], options: AlignOptions) -> list[Alignment]:
    if options.board:
        return [align_boards([(pair.light, rate) for pair, rate in pairs], options.board)]
    estimates, problem = [], None
    for pair, rate in pairs:
        try:
            estimates.append(align_pair(pair.light, rate))
        except SpikeDataError as error:  # one poor recording among many is no reason to give up
            problem = error
    if problem and len(estimates) < max(1, len(pairs) // 2):
        raise problem
    return estimates


def _corners(shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    height, width = shape
    return np.array([[[0, 0]], [[width - 1, 0]], [[0, height - 1]], [[width - 1, height - 1]]], np.float64)


def _middle(alignments: list[Alignment], shape: tuple[int, ...]) -> Matrix:
    """Return the homography whose image corners are the medians over the estimates."""
    corners = _corners(shape)
    places = np.median([cv2.perspectiveTransform(corners, item.homography) for item in alignments], axis=0)
    return cv2.getPerspectiveTransform(corners.astype(np.float32), places.astype(np.float32)).astype(np.float64)


def _spread(alignments: list[Alignment], homography: Matrix, shape: tuple[int, ...]) -> float:
    corners = _corners(shape)
    expected = cv2.perspectiveTransform(corners, homography)
    off = [cv2.perspectiveTransform(corners, item.homography) - expected for item in alignments]
    return float(np.median(np.linalg.norm(off, axis=-1)))
