"""Where metrics take their weights from: a folder, the usual caches, or a download that was asked for."""

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

from spikereveal_plugin.errors import OptionError

FOLDER_VARIABLE = 'IQA_WEIGHTS'
_SHA256 = re.compile(r'\b([0-9a-f]{64})\b')  # in CLIP's URLs
_SHA256_BEGIN = re.compile(r'-([0-9a-f]{8,64})\.')  # in torchvision's file names
_CHUNK = 1 << 20


@dataclass(frozen=True)
class WeightsSource:
    """Where a metric's files are looked for.

    Args:
        where: the metric, for errors.
        folders: searched in this order for files by their own names; a download goes into the first.
        download: whether a missing file may be downloaded.
        fetch: downloads; None: as torch does.
    """

    where: str
    folders: tuple[Path, ...]
    download: bool
    fetch: Callable[..., None] | None = field(default=None, compare=False)

    def lookup(self, name: str) -> Path | None:
        """Return the file `name`, or None where no folder has it."""
        return next((folder / name for folder in self.folders if (folder / name).is_file()), None)

    def find(self, name: str, url: str) -> Path:
        """Return the file `name`; download it from `url` where that was asked for.

        Raises:
            OptionError: the file is not there, or cannot be downloaded.
        """
        path = self.lookup(name)
        if path is not None:
            return path
        if self.download:
            fetch = self.fetch or import_module('torch').hub.download_url_to_file
            return _download(url, self.folders[0] / name, self.where, fetch)
        raise OptionError(
            f'{self.where}: needs the file {name}, which is not in {" or ".join(map(str, self.folders))}. Put it there '
            f'(from {url}), name another folder by weights_dir or {FOLDER_VARIABLE}, or set download: true'
        )


def weights_source(where: str, weights_dir: str | None, download: bool) -> WeightsSource:
    """Search the folder of the option file, else that of the environment, else the caches of pyiqa, torch and CLIP.

    Raises:
        OptionError: the folder does not exist.
    """
    named = weights_dir or os.environ.get(FOLDER_VARIABLE)
    if not named:
        hub = Path(import_module('torch').hub.get_dir())
        return WeightsSource(where, (hub / 'pyiqa', hub / 'checkpoints', hub / 'clip'), download)
    folder = Path(named).expanduser().resolve()
    if not folder.is_dir():
        key = 'weights_dir' if weights_dir else FOLDER_VARIABLE
        raise OptionError(f'{where}: {key} names {folder}, and there is no such folder')
    return WeightsSource(where, (folder,), download)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _download(url: str, target: Path, where: str, fetch: Callable[..., None]) -> Path:
    """Download a file whose SHA-256 is known, whole or not at all.

    Raises:
        OptionError: no hash is known, the hash differs, or there is no network.
    """
    try:
        expected = published_sha256(url)
        if expected is None:
            raise OptionError(
                f'{where}: nothing tells the hash of {url}, so it is not downloaded; get it yourself, to {target}'
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        fetch(url, str(target), hash_prefix=expected)
    except (OSError, RuntimeError) as error:
        raise OptionError(f'{where}: {url} could not be downloaded to {target}: {error}') from error
    return target


def published_sha256(url: str) -> str | None:
    """A hash, or its beginning: of CLIP's URLs, torchvision's file names, or Hugging Face's answer; None for others."""
    if match := _SHA256.search(url) or _SHA256_BEGIN.search(url):
        return match.group(1)
    if urlsplit(url).hostname == 'huggingface.co':
        etag = import_module('huggingface_hub').get_hf_file_metadata(url).etag or ''
        return etag if _SHA256.fullmatch(etag) else None
    return None
