"""Learning rates and schedules after a resume: where the option file says others than the state, that is said."""

from dataclasses import dataclass
from typing import Any, Final

from spikereveal_plugin.formats.one_line import shown
from spikereveal_plugin.pipelines.log import root_logger

PLACES: Final = frozenset(
    ['last_epoch', '_step_count', '_last_lr', '_get_lr_called_within_step', 'base_lrs', 'verbose', '_is_initial']
)
"""What a schedule's state says of its place, or of the rates it began with."""


@dataclass(frozen=True)
class Rates:
    """What an option file says: the initial rates of each optimiser's groups, and the arguments of each schedule."""

    initial: list[list[float]]
    schedules: list[dict[str, Any]]


def rates_of(model: Any) -> Rates:
    """Return those of a model that was just built, or resumed."""
    initial = [[float(group['initial_lr']) for group in optimizer.param_groups] for optimizer in model.optimizers]
    schedules = [{k: v for k, v in item.state_dict().items() if k not in PLACES} for item in model.schedulers]
    return Rates(initial, schedules)


def settle(model: Any, of_file: Rates, *, takes_file: bool) -> None:
    """Say where a resumed model's rates differ from the option file's, and give it the file's if that is wanted.

    Args:
        model: after `resume_training`.
        of_file: `rates_of` before it.
        takes_file: take the file's; else the state's go on.
    """
    differing = list(_differences(rates_of(model), of_file))
    if not differing:
        return
    if takes_file:
        _give(model, of_file)
        root_logger().info(f'Taken from the option file: {"; ".join(differing)}.')
    else:
        root_logger().warning(
            f"The training state goes on with its own {'; '.join(differing)}; --resume_lr file takes the file's."
        )


def _differences(of_state: Rates, of_file: Rates) -> list[str]:
    found = []
    if of_state.initial != of_file.initial:
        found.append(f'learning rate {shown(of_state.initial[0][0])} (option file: {shown(of_file.initial[0][0])})')
    for state, file in zip(of_state.schedules, of_file.schedules, strict=True):
        found += [
            f'schedule {key} {shown(state.get(key))} (option file: {shown(value)})'
            for key, value in file.items()
            if state.get(key) != value
        ]
    return list(dict.fromkeys(found))


def _give(model: Any, rates: Rates) -> None:
    for optimizer, initial in zip(model.optimizers, rates.initial, strict=True):
        for group, rate in zip(optimizer.param_groups, initial, strict=True):
            group['lr'] *= rate / group['initial_lr']
            group['initial_lr'] = rate
    for schedule, arguments, initial in zip(model.schedulers, rates.schedules, rates.initial, strict=True):
        vars(schedule).update(arguments)
        schedule.base_lrs = list(initial)
