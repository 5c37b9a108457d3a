"""Give pyiqa its files: within a `with`, whatever it would download comes from a `WeightsSource`."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from spikereveal_plugin.metrics.iqa_weights import WeightsSource

_NIQE = 'niqe_modelparameters.mat'


@contextmanager
def pyiqa_takes_files_from(source: WeightsSource) -> Iterator[None]:
    """Serve every file that pyiqa, CLIP or torchvision asks for from `source`.

    They see an empty cache of their own, so what another program left in the usual one cannot change a score, and
    nothing is left there. A file that holds more than tensors is refused by torch.
    """
    scratch = Path(tempfile.mkdtemp(prefix='iqa_'))
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)  # some metrics read their file with the first image

    def fetch(url: str, dst: str, *_: Any, **__: Any) -> None:
        target = Path(dst)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.name == _NIQE and source.lookup(_NIQE) is None:
            write_niqe_parameters(target)
        else:
            _link(source.find(target.name, url), target)

    def fetch_clip(url: str, _: str) -> str:
        return str(source.find(Path(urlsplit(url).path).name, url))

    download_util, hub = import_module('pyiqa.utils.download_util'), import_module('torch.hub')
    source = replace(source, fetch=hub.download_url_to_file)  # which is replaced below
    constants = import_module('huggingface_hub.constants')
    with ExitStack() as stack:
        for owner, name, value in (
            (download_util, 'DEFAULT_CACHE_DIR', str(scratch / 'pyiqa')),
            (download_util, 'download_url_to_file', fetch),
            (hub, 'download_url_to_file', fetch),
            (hub, '_hub_dir', str(scratch)),
            (import_module('pyiqa.archs.clip_model'), '_download', fetch_clip),
            (constants, 'HF_HUB_OFFLINE', constants.HF_HUB_OFFLINE or not source.download),
        ):
            stack.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, value)
        variable = 'TORCH_FORCE_WEIGHTS_ONLY_LOAD'
        before = os.environ.get(variable)
        stack.callback(lambda: os.environ.pop(variable) if before is None else os.environ.update({variable: before}))
        os.environ[variable] = '1'
        yield


def write_niqe_parameters(path: Path) -> None:
    """Write the parameters of NIQE that BasicSR ships, in the form that pyiqa reads."""
    shipped = Path(str(import_module('basicsr').__file__)).parent / 'metrics' / 'niqe_pris_params.npz'
    with np.load(shipped) as parameters:
        content = {'mu_prisparam': parameters['mu_pris_param'], 'cov_prisparam': parameters['cov_pris_param']}
    import_module('scipy.io').savemat(path, content)


def _link(file: Path, target: Path) -> None:
    try:
        target.symlink_to(file)
    except OSError:  # a file system without links
        shutil.copyfile(file, target)
