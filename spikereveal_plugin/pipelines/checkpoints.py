"""Which checkpoints of a run there are: every so often, the last few, the best."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.models.collective import gather
from spikereveal_plugin.options import check_choice
from spikereveal_plugin.pipelines.log import root_logger
from spikereveal_plugin.pipelines.place import Position
from spikereveal_plugin.pipelines.random_state import random_state


class Checkpoints:
    """Saves a model with all that an exact resume needs.

    Options: `logger.keep_last`, the number of iterations whose files stay (all of them where absent);
    `val.save_best`, a metric of `val.metrics`, whose best value on the first validation set is in `net_g_best.pth`.

    Raises:
        OptionError: one of the two has a value that makes no sense.
    """

    def __init__(self, opt: Mapping[str, Any], model: Any) -> None:
        self._opt, self._model = opt, model
        self._keep = opt['logger'].get('keep_last')
        if self._keep is not None and (not isinstance(self._keep, int) or self._keep < 1):
            raise OptionError(f'logger.keep_last: expected a whole number of at least 1, found {self._keep!r}')
        self._metric = (opt.get('val') or {}).get('save_best')
        if self._metric is not None:
            metrics = opt['val'].get('metrics') or {}
            check_choice(self._metric, metrics, 'val.save_best')
            check_direction(metrics[self._metric], f'val.metrics.{self._metric}', 'val.save_best')

    def save(self, place: Position, *, is_validated: bool, scores: Sequence[tuple[int, float]] = ()) -> None:
        """Save networks and training state of this iteration; all processes must call it.

        Args:
            place: where in the run.
            is_validated: false where a validation is due at this iteration and a resume must do it.
            scores: what `val.early_stop` has seen, by iteration.
        """
        root_logger().info('Saving models and training states.')
        self._model.loop_state = {
            'place': place.state(),
            'random': gather(random_state()),
            'best': _plain(getattr(self._model, 'best_metric_results', {})),
            'is_validated': is_validated,
            'early_stop': [list(entry) for entry in scores],
        }
        self._model.save(place.epoch, place.iteration)
        if self._keep and self._opt['rank'] == 0:
            prune(Path(self._opt['path']['training_states']), Path(self._opt['path']['models']), self._keep)

    def keep_best(self, dataset: str, iteration: int) -> None:
        """Save the networks as the best if the validation of this iteration found them so."""
        record = getattr(self._model, 'best_metric_results', {}).get(dataset, {}).get(self._metric)
        if record and record['iter'] == iteration:
            self._model.save_best()


def prune(states: Path, models: Path, keep: int) -> None:
    """Delete the files of all iterations but the `keep` highest; networks first, so that none is forgotten."""
    saved = sorted((path for path in states.glob('*.state') if path.stem.isdigit()), key=lambda path: int(path.stem))
    for state in saved[:-keep]:
        for network in models.glob(f'*_{state.stem}.pth'):
            network.unlink()
        state.unlink()


def check_direction(section: Mapping[str, Any], where: str, asker: str) -> str:
    """The best must be the best: BasicSR takes the highest where `better` is absent; known metrics have theirs here.

    Raises:
        OptionError: nothing says which way is better.
    """
    better = section.get('better')
    if better not in ('higher', 'lower'):
        raise OptionError(f'{where}.better: {asker} needs to know: expected higher or lower, found {better!r}')
    return str(better)


def _plain(best: Mapping[str, Any]) -> dict[str, Any]:
    """BasicSR's records of best scores, with Python's numbers for NumPy's."""
    return {
        dataset: {metric: {**record, 'val': float(record['val'])} for metric, record in records.items()}
        for dataset, records in best.items()
    }
