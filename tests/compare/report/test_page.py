"""The page, used as a person does, in headless Chromium."""

import re
import shutil
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from spikereveal_plugin.cli.spikereveal import main

FLAGS = ['--headless', '--no-sandbox', '--disable-gpu']


@pytest.fixture(scope='module')
def page_file(tmp_path_factory, write_images) -> Path:
    """Three folders of two sequences and an image, one of them under a heading, compared."""
    root = tmp_path_factory.mktemp('page')
    names = ('a', 'x/000', 'x/001', 'x/002', 'y/000', 'y/001', 'y/002')
    noise = {'gt': 0, 'poor': 12, 'good <b>': 4, 'late': 8}
    folders = {name: str(write_images(root / name, sigma, names)) for name, sigma in noise.items()}
    methods = {name: {'type': 'folder', 'path': path} for name, path in folders.items() if name != 'gt'}
    methods['late']['group'] = 'Others <i>'
    opt = {'methods': methods, 'sets': {'gt': {'gt': folders['gt']}}, 'metrics': ['psnr', 'piqe']}
    (root / 'compare.yml').write_text(yaml.safe_dump(opt, sort_keys=False))
    words = ['compare', '-opt', str(root / 'compare.yml'), '-o', str(root / 'out')]
    assert main([*words, '--title', '</script><b>Title']) == 0
    return root / 'out/compare.html'


@pytest.fixture(scope='module')
def page(page_file):
    """The page in a browser that has no network; its console is kept in `page.messages`."""
    driver = pytest.importorskip('playwright.sync_api', reason='playwright is not here: pip install -e .[browser]')
    chromium = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')
    if chromium is None:
        pytest.skip('no chromium on this machine')
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS, timeout=120_000)
        page = browser.new_context(offline=True, viewport={'width': 1200, 'height': 900}).new_page()
        page.messages = []
        page.on('console', lambda message: page.messages.append(message.text))
        page.on('pageerror', lambda error: page.messages.append(str(error)))
        page.on('request', lambda request: page.messages.append(request.url) if 'http' in request.url[:5] else None)
        page.goto(page_file.as_uri())
        yield page
        browser.close()


def test_nothing_is_loaded_from_elsewhere(page_file):
    text = page_file.read_text()
    assert not re.findall(r'(?:src|href)\s*=\s*["\'](?!data:)', text)
    assert set(re.findall(r'https?://[^\s"\'<]+', text)) <= {'http://www.w3.org/2000/svg'}
    assert '{{' not in text
    assert '<b>Title' not in text
    assert len(text) < 10_000_000


def first_column(page) -> list[str]:
    return page.locator('#scores tbody th').all_text_contents()


def test_the_page_loads(page):
    assert page.messages == []
    assert page.locator('h1').text_content() == '</script><b>Title'
    assert first_column(page) == ['poor', 'good <b>', 'late']
    assert page.locator('#scores tr.group').all_text_contents() == ['Others <i>']
    assert page.locator('#scores td.best').count() == 4  # of two metrics and two headings
    assert page.locator('#plots svg').count() == 1
    assert page.locator('#plots circle').count() == 3
    assert page.locator('#sequences thead th').all_text_contents()[1:] == ['a', 'x', 'y', 'mean']
    assert page.locator('#sequences tbody tr').count() == 3
    widths = page.evaluate('[...document.images].map(image => image.naturalWidth)')
    assert widths
    assert all(widths)
    assert page.evaluate('document.documentElement.scrollWidth <= innerWidth')


def test_the_table_sorts(page):
    button = page.locator('#scores thead button', has_text='psnr')
    button.click()
    assert first_column(page) == ['good <b>', 'poor', 'late']  # each heading by itself
    assert page.locator('#scores th[aria-sort=descending]').count() == 1
    button.click()
    assert first_column(page) == ['poor', 'good <b>', 'late']
    assert page.locator('#scores th[aria-sort=ascending]').count() == 1


def move(page, selector, value) -> None:
    page.locator(selector).evaluate('(e, v) => { e.value = v; e.dispatchEvent(new Event("input")); }', str(value))


def test_the_divider_moves(page):
    move(page, '#divider', 20)
    assert '80%' in page.locator('#over').evaluate('e => e.style.clipPath')
    box = page.locator('#stage').bounding_box()
    page.locator('#stage').scroll_into_view_if_needed()
    box = page.locator('#stage').bounding_box()
    page.mouse.move(box['x'] + 0.5 * box['width'], box['y'] + 10)
    page.mouse.down()
    page.mouse.move(box['x'] + 0.75 * box['width'], box['y'] + 10)
    page.mouse.up()
    assert page.locator('#divider').input_value() in ('74', '75', '76')
    left, right = (page.locator(f'#{name}').get_attribute('src') for name in ('over', 'under'))
    assert left != right


def test_time_moves(page):
    options = page.locator('#sample option').all_text_contents()
    page.select_option('#sample', label=next(text for text in options if text.endswith(': a')))
    assert not page.locator('#time').is_visible()  # one image has no time
    page.select_option('#sample', label=next(text for text in options if text.endswith(': x')))
    seen = []
    for index in range(3):
        move(page, '#time', index)
        seen.append((page.locator('#under').get_attribute('src'), page.locator('#instant').text_content()))
    assert len(set(seen)) == 3
    assert seen[2][1] == 'frame 002 (3/3)'
    page.locator('#play').click()
    expect = pytest.importorskip('playwright.sync_api').expect
    expect(page.locator('#instant')).not_to_have_text(seen[2][1], timeout=10_000)
    page.locator('#play').click()


def test_worst_cases_lead_to_their_frames(page):
    row = page.locator('#worst tbody tr').first
    row.locator('button').click()
    sample = row.locator('td').nth(3).text_content()
    assert page.locator('#reason').text_content().startswith(f'{sample}: ')
    assert page.locator('#right').input_value() == 'good <b>'
    assert page.locator('#crops figure').count() == 8
    assert page.messages == []


def test_left_and_right_are_never_one_method(page):
    for index in range(page.locator('#sample option').count()):
        page.select_option('#sample', index=index)
        assert page.locator('#left').input_value() != page.locator('#right').input_value()
    for row in page.locator('#worst tbody tr').all():
        if row.locator('button').count():
            row.locator('button').click()
            assert page.locator('#left').input_value() != page.locator('#right').input_value()


def test_names_sort_without_regard_to_case(page):
    names = ['edsr', 'BSN', 'ldn 10', 'LDN 9', 'Zero']
    script = """names => { data.methods = names; data.groups = {}; sorting = { field: 0, reverse: false };
                           return sortedMethods(); }"""
    kept = page.evaluate('[data.methods, data.groups]')
    assert page.evaluate(script, names) == ['BSN', 'edsr', 'LDN 9', 'ldn 10', 'Zero']
    page.evaluate('kept => { [data.methods, data.groups] = kept; sorting = { field: -1, reverse: false }; }', kept)


def test_labels_of_a_plot_do_not_overlap(page):
    """Twelve methods of nearly one score: each text has a box of its own, inside the plot."""
    script = """() => {
      const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
      svg.setAttribute('width', 520); svg.setAttribute('height', 300); document.body.append(svg);
      const names = [];
      for (let i = 0; i < 12; i += 1) label(svg, names, `method number ${i}`, 200, 120 + i, {});
      const boxes = [...svg.querySelectorAll('text')].map(text => text.getBBox());
      svg.remove();
      return boxes.map(box => [box.y, box.height]);
    }"""
    heights = sorted(page.evaluate(script))
    assert len(heights) == 12
    assert all(after[0] - before[0] >= 13 for before, after in pairwise(heights))
    assert 0 < heights[0][0] < heights[-1][0] < 300
