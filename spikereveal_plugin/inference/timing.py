"""When photos were exposed, counted in readouts of the spike stream."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.formats.text_file import read_text

COLUMNS = ('name', 'first', 'length')


@dataclass(frozen=True)
class Timing:
    """What the command line says about exposures.

    Args:
        exposure: of the first photo, or of every photo that has a spike file of its own.
        period: readouts from the start of one exposure to the start of the next, in one stream of many photos.
        table: a CSV file with the columns name, first, length; a line for each photo of one stream.

    Raises:
        OptionError: `period` is below 1, or both ways of a recording are given.
    """

    exposure: Exposure | None = None
    period: int | None = None
    table: Path | None = None

    def __post_init__(self) -> None:
        if self.period is not None and (self.period < 1 or self.exposure is None):
            raise OptionError('--period: expected 1 or more readouts, beside --exposure of the first photo')
        if self.table is not None and (self.exposure or self.period):
            raise OptionError('--table says when each photo was exposed; leave out --exposure and --period')

    def single(self) -> Exposure | None:
        """Return the exposure of a photo that has a stream of its own; None for the whole stream.

        Raises:
            OptionError: the options are those of a recording.
        """
        if self.period is not None or self.table is not None:
            raise OptionError('--period and --table are for a folder of photos beside one spike file')
        return self.exposure

    def recording(self, names: Sequence[str]) -> dict[str, Exposure]:
        """Return the exposure of each photo of one long stream.

        Raises:
            OptionError: nothing says when they were exposed.
            SpikeDataError: the table is damaged or names other photos.
        """
        if self.table is not None:
            return _read_table(self.table, names)
        if len(names) == 1 and self.period is None and self.exposure is not None:
            return {names[0]: self.exposure}
        if self.exposure is None or self.period is None:
            raise OptionError(
                f'{len(names)} photos share one spike stream: give --exposure FIRST LENGTH of the first and --period '
                'READOUTS from one to the next, or --table FILE.csv'
            )
        first, length = self.exposure.first, self.exposure.length
        return {name: Exposure(first + index * self.period, length) for index, name in enumerate(names)}


def _read_table(path: Path, names: Sequence[str]) -> dict[str, Exposure]:
    try:
        rows = list(csv.DictReader(io.StringIO(read_text(path), newline='')))
    except csv.Error as error:
        raise SpikeDataError(f'{path}: not a readable table: {error}') from None
    if not rows or not set(COLUMNS) <= set(rows[0]):
        raise SpikeDataError(f'{path}: expected lines below the header {",".join(COLUMNS)}')
    exposures: dict[str, Exposure] = {}
    for line, row in enumerate(rows, 2):
        name = (row['name'] or '').strip()
        key = name if name in names else Path(name).with_suffix('').as_posix()
        try:
            exposure = Exposure(int(row['first']), int(row['length']))
        except (TypeError, ValueError) as error:
            raise SpikeDataError(f'{path}, line {line}: first and length must be whole numbers: {error}') from None
        if key not in names or key in exposures:
            raise SpikeDataError(
                f'{path}, line {line}: {name!r} is {"twice in it" if key in exposures else "no photo"}'
            )
        exposures[key] = exposure
    if missing := [name for name in names if name not in exposures]:
        raise SpikeDataError(f'{path}: no line for {missing[0]!r} ({len(missing)} photos missing in all)')
    return exposures
