import csv
import io
import json

from spikereveal_plugin.compare.cost import Cost
from spikereveal_plugin.compare.table import Cell, Column, Table
from spikereveal_plugin.compare.writers import as_csv, as_latex, as_markdown, as_samples_csv, write_tables

PSNR, PIQE = Column('A_1', 'psnr', 'higher', 'how psnr'), Column('A_1', 'piqe', 'lower', 'how piqe')


def cell(mean, interval=None):
    return Cell(mean, {'x': mean}, {'x': [mean - 1, mean + 1]}, interval)


TABLE = Table(
    ('a|b', '50% & c', 'none'),
    (PSNR, PIQE),
    {
        ('a|b', PSNR): cell(30.126, (29.5, 31)),
        ('50% & c', PSNR): cell(float('inf')),
        ('a|b', PIQE): cell(20.0),
        ('50% & c', PIQE): cell(40.0),
    },
    {'a|b': Cost(234158, 7.0256, 0.5, None, 'measured so')},
)


def test_markdown():
    text = as_markdown(TABLE)
    assert r'| a\|b | 30.13 [29.50, 31.00] | **20.0000** | 0.234 | 7.03 | 0.500 |' in text
    assert '| 50% & c | **inf** | 40.0000 | - | - | - |' in text
    assert '| none | - | - | - | - | - |' in text
    assert 'A_1: piqe (lower is better): how piqe' in text
    assert 'Memory' not in text  # nobody's is known


def test_latex():
    text = as_latex(TABLE)
    assert r'a|b & \underline{30.13} & \textbf{20.0000} & 0.234' in text
    assert r'50\% \& c & \textbf{$\infty$} & \underline{40.0000}' in text
    assert r'A\_1 psnr $\uparrow$' in text
    rows = [line for line in text.splitlines() if line.endswith(r'\\')]
    assert {line.replace(r'\&', '').count('&') for line in rows} == {5}


def test_csv_reads_back():
    rows = list(csv.DictReader(io.StringIO(as_csv(TABLE))))
    assert [row['method'] for row in rows] == list(TABLE.methods)
    assert float(rows[0]['A_1 psnr']) == 30.126
    assert (rows[1]['A_1 psnr'], rows[2]['A_1 psnr'], rows[0]['A_1 psnr high']) == ('inf', '', '31')
    frames = list(csv.DictReader(io.StringIO(as_samples_csv(TABLE))))
    assert len(frames) == 8
    assert float(frames[1]['value']) == 31.126


def test_json_is_strict(tmp_path):
    write_tables(TABLE, tmp_path)
    content = json.loads((tmp_path / 'compare.json').read_text(), parse_constant=lambda name: 1 / 0)
    assert [row['mean'] for row in content['scores']] == [30.126, 'inf', 20.0, 40.0]
    assert content['costs']['a|b']['gmacs'] == 7.0256
