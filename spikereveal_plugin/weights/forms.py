"""The forms in which people keep a state dict: under one of many keys, with what wrappers put before the names."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from torch import Tensor

PARAMETER_KEYS: Final = ('params', 'params_ema', 'state_dict')
"""BasicSR's, and what most projects call it"""
OTHER_KEYS: Final = (
    *('model_state_dict', 'model', 'net', 'network', 'net_g', 'netG', 'generator', 'g_ema', 'ema', 'module', 'weights'),
    *('teacher', 'student'),
)
_COMPILED: Final = '_orig_mod.'  # of torch.compile, before the names of what it compiled
_PARALLEL: Final = 'module.'  # of DataParallel


def find_state(content: Mapping[Any, Any]) -> Mapping[Any, Any] | None:
    """Return the state dict in what a file holds, without its wrappers' prefixes; None where there is none.

    Looked for under the known keys, also in each other, then at the top, then under the only key that holds tensors
    alone.
    """
    for key in (*PARAMETER_KEYS, *OTHER_KEYS):
        if isinstance(inner := content.get(key), Mapping):
            return find_state(inner) or inner
    if is_state(content):
        return content
    candidates = [value for value in content.values() if isinstance(value, Mapping) and is_state(value)]
    return candidates[0] if len(candidates) == 1 else None


def is_state(content: Mapping[Any, Any]) -> bool:
    """Whether it holds tensors by name, and nothing else."""
    return bool(content) and all(isinstance(value, Tensor) for value in content.values())


def unwrapped(name: str) -> str:
    """Return a parameter's name without what DataParallel and torch.compile add to it."""
    name = name.replace(_COMPILED, '')
    while name.startswith(_PARALLEL):
        name = name.removeprefix(_PARALLEL)
    return name


def without_owner(state: Mapping[str, Tensor], names: Collection[str]) -> dict[str, Tensor]:
    """Return the state dict of a network that somebody kept as a part of another, such as Lightning's `net_g.`.

    Args:
        state: parameters by name.
        names: those of the network.

    Returns:
        What stands below the one prefix under which all `names` are there; `state` itself where there is none.
    """
    if not names or set(names) <= state.keys():
        return dict(state)
    first = min(names)
    prefixes = {name.removesuffix(first) for name in state if name.endswith(f'.{first}')}
    whole = [prefix for prefix in prefixes if all(f'{prefix}{name}' in state for name in names)]
    if len(whole) != 1:
        return dict(state)
    return {name.removeprefix(whole[0]): value for name, value in state.items() if name.startswith(whole[0])}


def described(content: Mapping[Any, Any]) -> str:
    """Return what a file holds, for an error."""
    return ', '.join(f'{key} ({type(value).__name__})' for key, value in list(content.items())[:8]) or 'nothing'
