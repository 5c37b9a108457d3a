"""What a library wanted to download, said by its address and place where there is no network."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.error import URLError

import torch

from spikereveal_plugin.errors import EnvironmentProblemError


@contextmanager
def naming_downloads() -> Iterator[None]:
    """Turn a download by torch.hub that fails inside the block into one line.

    Raises:
        EnvironmentProblemError: it failed; says the address, and where the file is looked for.
    """
    original = torch.hub.download_url_to_file

    def download(url: str, dst: str, *args: Any, **kwargs: Any) -> None:
        try:
            original(url, dst, *args, **kwargs)
        except (URLError, OSError) as error:
            why = getattr(error, 'reason', None) or error
            raise EnvironmentProblemError(
                f'{url} could not be downloaded ({why}); fetch it elsewhere and put it at {dst}'
            ) from error

    torch.hub.download_url_to_file = download
    try:
        yield
    finally:
        torch.hub.download_url_to_file = original
