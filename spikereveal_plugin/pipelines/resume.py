"""Find and load the state that a run goes on from, on whatever device there is."""

from pathlib import Path
from typing import Any

from basicsr.utils import check_resume, set_random_seed
from basicsr.utils.registry import MODEL_REGISTRY

from spikereveal_plugin.errors import OptionError, SpikeDataError
from spikereveal_plugin.models.collective import gather
from spikereveal_plugin.options import lookup_name
from spikereveal_plugin.pipelines.log import root_logger
from spikereveal_plugin.pipelines.random_state import set_random_state
from spikereveal_plugin.torch_file import read_torch_file


def newest_state(folder: Path) -> Path | None:
    """The `<iteration>.state` of the highest iteration in a folder, if there is one."""
    states = {int(path.stem): path for path in folder.glob('*.state') if path.stem.isdigit()}
    return states[max(states)] if states else None


def read_state(path: Path) -> dict[str, Any]:
    """Read a training state on the CPU.

    Raises:
        OptionError: the file is missing, unreadable, or something else.
    """
    if not path.is_file():
        raise OptionError(f'path.resume_state: {path} is no file')
    try:
        state: dict[str, Any] = read_torch_file(path)
    except SpikeDataError as error:
        raise OptionError(f'path.resume_state: {error}') from None
    if not isinstance(state, dict):
        raise OptionError(f'path.resume_state: {path} is no training state')
    if missing := {'epoch', 'iter', 'optimizers', 'schedulers'} - set(state):
        raise OptionError(f'path.resume_state: {path} is no training state: it has no {sorted(missing)[0]!r}')
    return state


def load_resume_state(opt: dict[str, Any]) -> dict[str, Any] | None:
    """Load what `path.resume_state` names or, with `--auto_resume`, the newest state of the experiment.

    Sets the paths of the networks to the checkpoint of that iteration; frozen networks keep theirs. BasicSR's own
    function moves the state to CUDA whatever the machine has.

    Raises:
        OptionError: the state is missing or unreadable.
    """
    path = newest_state(Path(opt['path']['training_states'])) if opt['auto_resume'] else None
    if path is None and opt['path'].get('resume_state'):
        path = Path(opt['path']['resume_state'])
    names = gather(path and path.name)
    if len(set(names)) > 1:
        raise OptionError(
            f'processes find different training states to go on from: {names}; every machine must see the same '
            f'{opt["path"]["training_states"]}, on a shared file system'
        )
    if path is None:
        return None
    state = read_state(path)
    opt['path']['resume_state'] = str(path)
    frozen = getattr(lookup_name(MODEL_REGISTRY, opt['model_type'], 'model_type'), 'frozen_networks', ())
    keys = [f'param_key_{name.removeprefix("network_")}' for name in frozen]
    kept = {key: opt['path'][key] for key in keys if key in opt['path']}  # BasicSR would drop their EMA
    ignored = opt['path'].get('ignore_resume_networks') or []
    opt['path']['ignore_resume_networks'] = [*ignored, *frozen]
    check_resume(opt, state['iter'])
    opt['path'].update(kept)
    opt['path']['ignore_resume_networks'] = ignored
    return state


def resume_random(opt: dict[str, Any], state: dict[str, Any]) -> None:
    """Give this process the random numbers that it would have drawn next, had the run not stopped."""
    saved = state.get('random', [])
    if opt['rank'] < len(saved):
        set_random_state(saved[opt['rank']])
    else:
        set_random_seed(opt['manual_seed'] + opt['rank'] + state['iter'])
    if len(saved) != opt['world_size']:
        root_logger().warning(
            f'This state holds the random numbers of {len(saved)} processes, and there are {opt["world_size"]} now: '
            "the run goes on, but a model's random numbers differ from those of a run that never stopped"
        )
