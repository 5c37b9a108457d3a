"""Pictures of one run scored against sharp ones, without a table of methods."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from spikereveal_plugin.compare.matching import match_names
from spikereveal_plugin.compare.metrics import Metric
from spikereveal_plugin.compare.reading import Frame, list_images, load_frame
from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.formats.names import natural_order


def check_sharp(metrics: Sequence[Metric], sharp: Path | None) -> None:
    """Say before any work that a metric lacks what it compares with.

    Raises:
        OptionError: a metric compares with sharp images, and there are none.
        SpikeDataError: there is no such file or folder.
    """
    needing = [metric.name for metric in metrics if metric.needs_reference]
    if sharp is None and needing:
        raise OptionError(f'--metrics {needing[0]}: compares with sharp images; name them by --sharp')
    if sharp is not None and not sharp.exists():
        raise SpikeDataError(f'{sharp}: no such file or folder')


def score_files(results: Path, sharp: Path | None, metrics: Sequence[Metric]) -> Iterator[str]:
    """Yield a line for each picture, and one of the means.

    Args:
        results: a picture, or a folder of them.
        sharp: the same of sharp ones, by equal names, by names that differ in one way, or as many in their order; None
            where no metric compares.
        metrics: what to compute.

    Raises:
        SpikeDataError: pictures and sharp ones do not belong together, or cannot be read.
    """
    pairs = _pairs(_pictures(results), {} if sharp is None else _pictures(sharp), sharp)
    totals = dict.fromkeys((metric.name for metric in metrics), 0.0)
    for name, path, reference in pairs:
        frame, against = load_frame(path), None if reference is None else load_frame(reference)
        _refuse_another_size(frame, against, path, reference)
        scores = {metric.name: metric.score(frame, against) for metric in metrics}
        totals = {key: totals[key] + value for key, value in scores.items()}
        yield _line(name, scores)
    yield _line(f'mean of {len(pairs)}', {key: total / len(pairs) for key, total in totals.items()})


def _pictures(path: Path) -> dict[str, Path]:
    files = {path.stem: path} if path.is_file() else list_images(path)
    return dict(sorted(files.items(), key=lambda item: natural_order(item[0])))


def _pairs(results: dict[str, Path], sharp: dict[str, Path], where: Path | None) -> list[tuple[str, Path, Path | None]]:
    if where is None:
        return [(name, path, None) for name, path in results.items()]
    if match := match_names(results, sharp):
        return [(own, results[own], sharp[name]) for name, own in match.names.items()]
    if len(results) != len(sharp):
        raise SpikeDataError(
            f'{where}: {len(sharp)} sharp image(s) for {len(results)} frame(s); expected as many, or the same names'
        )
    return [(name, results[name], other) for name, other in zip(results, sharp.values(), strict=True)]


def _refuse_another_size(frame: Frame, reference: Frame | None, path: Path, other: Path | None) -> None:
    if reference is not None and reference.shape != frame.shape:
        raise SpikeDataError(
            f'{other}: {reference.shape[1]}x{reference.shape[0]} pixels, but {path} has '
            f'{frame.shape[1]}x{frame.shape[0]}'
        )


def _line(name: str, scores: dict[str, float]) -> str:
    return '  '.join([name, *(f'{key} {value:.4f}' for key, value in scores.items())])
