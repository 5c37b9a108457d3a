import numpy as np
import pytest

from spikereveal_plugin.compare.report.choose import crops, largest, page_samples, worst_sample
from spikereveal_plugin.compare.report.pictures import within_budget
from spikereveal_plugin.compare.report.table import Cell, Column, Table

PSNR, PIQE = Column('s', 'psnr', 'higher', ''), Column('s', 'piqe', 'lower', '')
KEYS = tuple('abcdefgh')


def table(column, **rows):
    cells = {(m, column): Cell(float(np.mean(v)), dict(zip(KEYS, v, strict=False)), {}) for m, v in rows.items()}
    return Table(tuple(rows), (column,), cells)


def test_the_worst_sample_knows_the_direction():
    assert worst_sample(table(PSNR, m=[3, 1, 2]), 'm', PSNR) == 'b'
    assert worst_sample(table(PIQE, m=[3, 1, 2]), 'm', PIQE) == 'a'
    assert worst_sample(table(PSNR, m=[3]), 'other', PSNR) is None


def test_samples_are_chosen_with_a_reason():
    both = table(PSNR, good=[30, 31, 32, 33, 34, 35, 36, 37], poor=[29, 30, 22, 32, 21, 34, 35, 36])
    chosen = page_samples(both, PSNR, 5)
    assert list(chosen)[:2] == ['e', 'a']  # 34 against 21; then the best method's worst
    assert chosen['e'] == 'methods differ most here; poor is worst here'
    assert len(chosen) == 5
    assert list(page_samples(both, PSNR, 1)) == ['e']
    assert len(page_samples(both, PSNR, 100)) == 8


def test_infinite_scores_do_not_hide_the_rest():
    inf = float('inf')
    assert set(page_samples(table(PSNR, a=[inf, 30], b=[inf, 20]), PSNR, 1)) == {'b'}


def test_crops_find_the_spot():
    flat = np.full((100, 120, 3), 100, np.uint8)
    first, second, sharp = flat.copy(), flat.copy(), flat.copy()
    first[60:70, 80:90] = 200  # methods differ here
    sharp[10:20, 20:30] = 250  # and both are wrong here
    found = crops({'A': first, 'B': second, 'Sharp': sharp}, ['A', 'B'], 'B', 'Sharp')
    assert [list(crop['pictures']) for crop in found] == [['A', 'B', 'Sharp']] * 2
    assert (found[0]['pictures']['A'] == 200).sum() == 300
    assert (found[1]['pictures']['Sharp'] == 250).sum() == 300
    assert 'B errs most: 32 x 32 pixels' in found[1]['title']


def test_a_taken_window_is_left_alone():
    error = np.zeros((64, 64), np.float32)
    error[10:14, 10:14] = 9
    error[40:44, 40:44] = 1
    top, left = largest(error, 8, taken=largest(error, 8))
    assert top in range(36, 41)
    assert left in range(36, 41)


@pytest.mark.parametrize('budget', [10**7, 400_000])
def test_pictures_stay_within_the_budget(budget):
    noise = np.random.default_rng(0).integers(0, 256, (270, 480, 3), dtype=np.uint8)
    (view,) = within_budget([{'A': [noise] * 2, 'B': [noise] * 2}], budget)
    assert sum(len(address) for addresses in view.values() for address in addresses) <= budget
    assert view['A'][0].startswith('data:image/jpeg;base64,')
