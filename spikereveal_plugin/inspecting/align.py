"""Where the spike camera's pixels lie in the colour image, from gray(B) ~ theta TFP_long (Eq. 5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
from skimage.registration import phase_cross_correlation

from spikereveal_plugin.errors import SpikeDataError

Matrix = npt.NDArray[np.float64]
Plane = npt.NDArray[np.float32]
FEATURE_SCALE: Final = 3  # features are sought on firing rates enlarged so many times
MOST_FEATURES: Final = 4000
MATCH_RATIO: Final = 0.8
RANSAC_PIXELS: Final = 1.0  # of the sensor
LEAST_MATCHES: Final = 12
ECC_STEPS: Final = 100
ECC_EPSILON: Final = 1e-6
ECC_SMOOTHING: Final = (9, 5)
LEAST_CORRELATION: Final = 0.5


@dataclass(frozen=True)
class Alignment:
    """One estimate: (3, 3) homography from image to spike pixels, correlation after it, matches behind it."""

    homography: Matrix
    correlation: float
    num_matches: int


def align_pair(light: Plane, rate: Plane) -> Alignment:
    """Estimate the homography from a gray image to the firing rate of the same exposure.

    SIFT features give a start that RANSAC cleans; the enhanced correlation coefficient (Evangelidis and Psarakis, 2008)
    refines it on the pixels, whatever gain and offset lie between the two.

    Args:
        light: (H, W), gray image.
        rate: (h, w), firing rate over the exposure.

    Raises:
        SpikeDataError: too little is alike.
    """
    small, to_small = _reduced(light, rate.shape)
    start, num_matches = _from_features(_display(small), _display(rate))
    if start is None:
        start = np.eye(3)  # nearly aligned cameras need no start
    refined = _refined(small, rate, start)
    correlation = _correlation_after(small, rate, refined)
    if correlation < LEAST_CORRELATION:
        raise SpikeDataError(
            f'image and spikes do not resemble each other after alignment (correlation {correlation:.2f}, '
            f'{num_matches} matches); are they of one scene, and is the row order right?'
        )
    homography = refined @ to_small
    return Alignment(homography / homography[2, 2], correlation, num_matches)


def align_boards(pairs: Sequence[tuple[Plane, Plane]], board: tuple[int, int]) -> Alignment:
    """Estimate the homography from pictures of a checkerboard, seen by both cameras.

    Args:
        pairs: gray image (H, W) and firing rate (h, w) of the same view.
        board: inner corners (rows, columns).

    Raises:
        SpikeDataError: no pair shows the whole board in both.
    """
    images, sensors = [], []
    for light, rate in pairs:
        corners = [_board_corners(plane, board, scale) for plane, scale in ((light, 1), (rate, FEATURE_SCALE))]
        if corners[0] is not None and corners[1] is not None:
            images.append(corners[0])
            sensors.append(corners[1])
    if not images:
        raise SpikeDataError(
            f'no pair shows a checkerboard of {board[0]} x {board[1]} inner corners in both image and spikes'
        )
    homography, _ = cv2.findHomography(np.concatenate(images), np.concatenate(sensors), cv2.RANSAC, RANSAC_PIXELS)
    if homography is None:
        raise SpikeDataError('the checkerboard corners give no homography')
    correlation = float(np.mean([correlation_after(light, rate, homography) for light, rate in pairs]))
    return Alignment(homography, correlation, sum(len(points) for points in images))


def correlation_after(light: Plane, rate: Plane, homography: Matrix) -> float:
    """Correlate the image, brought onto the sensor, with the firing rate."""
    small, to_small = _reduced(light, rate.shape)
    return _correlation_after(small, rate, homography @ np.linalg.inv(to_small))


def residual_shift(light: Plane, rate: Plane, homography: Matrix, patches: int = 4) -> float:
    """Median distance, in spike pixels, by which patches of the aligned image still seem displaced.

    It is measured by cross-correlation, apart from what the estimate minimised.
    """
    small, to_small = _reduced(light, rate.shape)
    warped, seen = _warped(small, rate.shape, homography @ np.linalg.inv(to_small))
    height, width = (side // patches for side in rate.shape)
    window = np.outer(np.hanning(height), np.hanning(width))
    shifts = []
    for top in range(0, patches * height, height):
        for left in range(0, patches * width, width):
            patch = np.s_[top : top + height, left : left + width]
            if seen[patch].all() and warped[patch].std() > 0 and rate[patch].std() > 0:
                first, second = ((plane[patch] - plane[patch].mean()) * window for plane in (warped, rate))
                shift, _, _ = phase_cross_correlation(second, first, upsample_factor=50, normalization=None)
                shifts.append(float(np.hypot(*shift)))
    return float(np.median(shifts)) if shifts else float('nan')


def offset_scores(
    spikes: npt.NDArray[Any], warped: Plane, seen: npt.NDArray[np.bool_], length: int
) -> npt.NDArray[np.float64]:
    """Correlate the image with the firing rate over each run of `length` readouts.

    Where the whole scene shifts evenly, a later exposure looks like a displaced camera: one recording cannot tell them
    apart, several that move differently can.

    Args:
        spikes: (T, h, w).
        warped: (h, w), the image on the sensor's grid.
        seen: (h, w), where the image is.
        length: readouts of the exposure, at most T.

    Returns:
        (T - length + 1,) correlations, by the exposure's first readout.
    """
    light = warped[seen].astype(np.float64)
    light = (light - light.mean()) / (light.std() + 1e-12)
    count = spikes[:length, seen].sum(axis=0, dtype=np.int32)
    scores = np.empty(len(spikes) - length + 1)
    for first in range(len(scores)):
        if first:
            count += spikes[first + length - 1, seen]
            count -= spikes[first - 1, seen]
        scores[first] = light @ count / (len(light) * (count.std() + 1e-12))  # light has no mean
    return scores


def on_sensor(light: Plane, shape: tuple[int, ...], homography: Matrix) -> tuple[Plane, npt.NDArray[np.bool_]]:
    """Bring a gray image onto the sensor's grid; also say where it is seen."""
    small, to_small = _reduced(light, shape)
    return _warped(small, shape, homography @ np.linalg.inv(to_small))


def _reduced(light: Plane, shape: tuple[int, ...]) -> tuple[Plane, Matrix]:
    """Reduce the image to about the sensor's sampling; also return the homography to the reduced pixels."""
    scale = min(1.0, max(shape[0] / light.shape[0], shape[1] / light.shape[1]))
    size = (max(1, round(light.shape[1] * scale)), max(1, round(light.shape[0] * scale)))
    small = cv2.resize(light.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    x, y = size[0] / light.shape[1], size[1] / light.shape[0]
    return small, np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1]], np.float64)


def _display(plane: Plane) -> npt.NDArray[np.uint8]:
    """Enlarge and stretch to 8 bits with local contrast, so that features of both look alike."""
    low, high = np.percentile(plane, (0.5, 99.5))
    stretched = np.clip((plane - low) / max(float(high - low), 1e-6), 0, 1)
    gray = np.rint(255 * _smooth(stretched.astype(np.float32))).astype(np.uint8)
    size = (FEATURE_SCALE * gray.shape[1], FEATURE_SCALE * gray.shape[0])
    return cv2.createCLAHE(2.0, (8, 8)).apply(cv2.resize(gray, size, interpolation=cv2.INTER_CUBIC))


def _from_features(image: npt.NDArray[np.uint8], sensor: npt.NDArray[np.uint8]) -> tuple[Matrix | None, int]:
    """Match SIFT features of two enlarged pictures; return the homography between the pictures as they were."""
    sift = cv2.SIFT.create(MOST_FEATURES)
    (points, words), (sensor_points, sensor_words) = (sift.detectAndCompute(item, None) for item in (image, sensor))
    if words is None or sensor_words is None or len(sensor_words) < 2:
        return None, 0
    matches = [
        pair[0]
        for pair in cv2.BFMatcher(cv2.NORM_L2).knnMatch(words, sensor_words, k=2)
        if len(pair) == 2 and pair[0].distance < MATCH_RATIO * pair[1].distance
    ]
    if len(matches) < LEAST_MATCHES:
        return None, len(matches)
    shift = (FEATURE_SCALE - 1) / 2
    source = (np.array([points[match.queryIdx].pt for match in matches]) - shift) / FEATURE_SCALE
    target = (np.array([sensor_points[match.trainIdx].pt for match in matches]) - shift) / FEATURE_SCALE
    homography, inliers = cv2.findHomography(source, target, cv2.USAC_MAGSAC, RANSAC_PIXELS, None, 10000, 0.9999)
    count = int(inliers.sum()) if inliers is not None else 0
    return (homography, count) if homography is not None and count >= LEAST_MATCHES else (None, count)


def _refined(small: Plane, rate: Plane, start: Matrix) -> Matrix:
    """Refine by ECC, from strong smoothing to weak; keep the start where ECC does not converge."""
    best, best_score = start, _correlation_after(small, rate, start)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, ECC_STEPS, ECC_EPSILON)
    for smoothing in ECC_SMOOTHING:
        warp = np.linalg.inv(best / best[2, 2]).astype(np.float32)
        warp /= warp[2, 2]
        mask = np.full(small.shape, 255, np.uint8)
        try:
            _, warp = cv2.findTransformECC(
                rate.astype(np.float32), small, warp, cv2.MOTION_HOMOGRAPHY, criteria, mask, smoothing
            )
        except cv2.error:  # it did not converge from here
            continue
        inverse = np.linalg.inv(warp.astype(np.float64))
        score = _correlation_after(small, rate, inverse)
        if score >= best_score:
            best, best_score = inverse, score
    return best


def _warped(small: Plane, shape: tuple[int, ...], homography: Matrix) -> tuple[Plane, npt.NDArray[np.bool_]]:
    size = (shape[1], shape[0])
    warped = cv2.warpPerspective(small, homography, size, flags=cv2.INTER_LINEAR)
    seen = cv2.warpPerspective(np.ones(small.shape, np.uint8), homography, size, flags=cv2.INTER_NEAREST)
    return warped.astype(np.float32, copy=False), seen.astype(bool)


def _correlation_after(small: Plane, rate: Plane, homography: Matrix) -> float:
    warped, seen = _warped(small, rate.shape, homography)
    if seen.mean() < 0.1:
        return -1.0
    first, second = (_smooth(plane)[seen] for plane in (warped, rate.astype(np.float32)))
    first, second = first - first.mean(), second - second.mean()
    return float((first * second).mean() / (first.std() * second.std() + 1e-12))


def _smooth(plane: Plane) -> Plane:
    return cv2.GaussianBlur(plane.astype(np.float32), (0, 0), 0.7)


def _board_corners(plane: Plane, board: tuple[int, int], scale: int) -> npt.NDArray[np.float64] | None:
    """Return (N, 2) corners, x before y, or None."""
    low, high = np.percentile(plane, (1, 99))
    gray = np.rint(255 * np.clip((plane - low) / max(float(high - low), 1e-6), 0, 1)).astype(np.uint8)
    if scale > 1:
        size = (scale * gray.shape[1], scale * gray.shape[0])
        gray = cv2.resize(cv2.GaussianBlur(gray, (0, 0), 0.7), size, interpolation=cv2.INTER_CUBIC)
    is_found, corners = cv2.findChessboardCornersSB(gray, (board[1], board[0]))
    return (corners.reshape(-1, 2).astype(np.float64) - (scale - 1) / 2) / scale if is_found else None
