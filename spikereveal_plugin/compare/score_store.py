"""Scores on disk, under the hash of what they depend on: a second run finds them, and changed inputs do not."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.formats.atomic import write_atomically
from spikereveal_plugin.formats.text_file import read_json
from spikereveal_plugin.inference.outputs import writing

Scores = dict[str, list[float]]  # a score a frame, by metric


class ScoreStore:
    """A folder of small files, one for each method and sample, each whole or not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / f'{digest[2:32]}.json'

    def get(self, digest: str) -> Scores:
        """Return what is known under a hash; empty where nothing is.

        Raises:
            SpikeDataError: the file is damaged.
        """
        path = self._path(digest)
        if not path.is_file():
            return {}
        try:
            content = read_json(path)['scores']
            return {str(metric): [float(value) for value in values] for metric, values in content.items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SpikeDataError(f'{path}: not a readable file of scores ({error}); delete it') from None

    def put(self, digest: str, scores: Scores, about: Mapping[str, Any]) -> None:
        """Keep scores; `about` tells a person what they are of.

        Raises:
            OutputError: the file cannot be written.
        """
        path = self._path(digest)
        with writing(path):
            write_atomically(path, (json.dumps({**about, 'scores': scores}, indent=1) + '\n').encode())
