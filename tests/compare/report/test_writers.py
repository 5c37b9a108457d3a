import csv
import io
import json

from spikereveal_plugin.compare.cost import Cost
from spikereveal_plugin.compare.report.table import Cell, Column, Table
from spikereveal_plugin.compare.report.writers import (
    as_csv,
    as_latex,
    as_markdown,
    as_samples_csv,
    as_sequences_csv,
    write_tables,
)

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


def grouped():
    """Two headings, and a mean of two sequences of which one has two samples."""
    column = Column('RSB', 'liqe', 'higher', 'how liqe', 'sequences')
    samples = {'x/0': 1.0, 'x/1': 3.0, 'y/0': 4.0}
    cells = {
        (name, column): Cell(3.0 + i, samples, {k: [v] for k, v in samples.items()}) for i, name in enumerate('abc')
    }
    return Table(('a', 'b', 'c'), (column,), cells, groups={'a': 'First & only', 'b': 'Second', 'c': 'Second'})


def test_headings_rank_among_themselves():
    text = as_markdown(grouped())
    lines = [line for line in text.splitlines() if line.startswith('|')]
    assert lines[2:7] == [
        '| **First & only** |  |',
        '| a | **3.0000** |',
        '| **Second** |  |',
        '| b | 4.0000 |',
        '| c | **5.0000** |',
    ]
    assert '| RSB: liqe ↑ | x | y | mean |' in lines
    assert '| a | 2.0000 | 4.0000 | 3.0000 |' in lines  # the mean of the sequences' means
    latex = as_latex(grouped())
    assert r'\multicolumn{2}{l}{\emph{First \& only}} \\' in latex
    assert r'b & \underline{4.0000} \\' in latex
    rows = list(csv.DictReader(io.StringIO(as_sequences_csv(grouped()))))
    assert [(row['method'], row['sequence'], float(row['value'])) for row in rows[:2]] == [('a', 'x', 2), ('a', 'y', 4)]
    assert [row['group'] for row in csv.DictReader(io.StringIO(as_csv(grouped())))] == ['First & only', *2 * ['Second']]


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
    assert r' & \multicolumn{2}{c}{A\_1} &' in text
    assert r'Method & psnr $\uparrow$ & piqe $\downarrow$ &' in text
    rows = [line for line in text.splitlines() if line.endswith(r'\\') and 'multicolumn' not in line]
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


BAD = ('=1+1', '+x', '-x', '@x', 'a\nb', 'a\n\\input{x}', 'a\r\nb', '\x1b[1m')


def test_labels_cannot_leave_their_cell_or_line():
    column = Column('s\n\\input{y}', 'psnr', 'higher', 'how\n\\input{z}')
    cells = {(name, column): Cell(1.0, {'=x': 1.0}, {'=x': [1.0]}, None) for name in BAD}
    table = Table(BAD, (column,), cells, groups=dict.fromkeys(BAD, 'g\nh'), title='t\n# u', notes=('n\nm',))
    for text in (as_csv(table), as_sequences_csv(table), as_samples_csv(table)):
        rows = list(csv.reader(io.StringIO(text)))
        assert len(rows) == len(BAD) + 1
        for field in [field for row in rows for field in row]:
            assert field.isprintable()
            assert not field.startswith(('=', '+', '-', '@')), field
    assert all(line.startswith(('%', '\\', '{', ' &', 'Method', "=", '+', '-', '@', 'a', r'\x'))
               for line in as_latex(table).splitlines())  # fmt: skip
    assert not any(line.startswith('\\input') for line in as_latex(table).splitlines())
    assert as_markdown(table).splitlines()[0] == r'# t\n# u'
    assert all(line[0] in '#|-' for line in as_markdown(table).splitlines() if line)
