"""`deblur --page`: what it holds, and that it works in a browser without network."""

import json
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from spikereveal_plugin.cli.spikereveal import main
from spikereveal_plugin.exposure import Exposure
from spikereveal_plugin.inference.clip import SpikeClip
from spikereveal_plugin.inference.page import MOST_FRAMES, OptionError, Page
from spikereveal_plugin.recordings.open_split import open_split

FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage']


@pytest.fixture(scope='module')
def folder(tiny_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp('page') / 'out'
    key = open_split(tiny_set / 'test').keys[0]
    words = ['--key', key, '-o', str(out), '--frames', '5', '--page', '--method', 'light']
    assert main(['deblur', str(tiny_set / 'test'), *words]) == 0
    return out


def content(path: Path):
    return json.loads(re.search(r'type="application/json">(.*?)</script>', path.read_text(), re.DOTALL)[1])


def test_it_holds_photo_frames_and_rates(folder: Path, tiny_set: Path):
    (path,) = folder.glob('*.html')
    data, source = content(path), open_split(tiny_set / 'test')
    assert len(data['frames']) == len(list(folder.glob('*.png'))) == 5
    record = source.record(source.keys[0])
    assert data['exposure'] == [record.exposure_first, record.exposure_length]
    np.testing.assert_allclose(data['rates'], source.spikes(source.keys[0]).mean((1, 2)), atol=1e-5)
    assert data['readouts'] == sorted(data['readouts'])
    assert not re.findall(r'(?:src|href)\s*=\s*["\'](?!data:)', path.read_text())


def test_a_page_of_a_video_lies_beside_it(tiny_set: Path, tmp_path: Path):
    key = open_split(tiny_set / 'test').keys[0]
    words = ['--key', key, '-o', str(tmp_path / 'x.webm'), '--frames', '3', '--page', '--method', 'light']
    assert main(['deblur', str(tiny_set), *words]) == 0
    assert len(content(tmp_path / 'x.html')['frames']) == 3
    assert cv2.VideoCapture(str(tmp_path / 'x.webm')).read()[0]


def test_what_does_not_fit_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    clip = SpikeClip(np.zeros((9, 2, 2), np.bool_), Exposure(0, 9))
    with pytest.raises(OptionError, match='201 frames do not fit on one page; at most 200'):
        Page('x', np.zeros((8, 8, 3), np.float32), clip, list(range(MOST_FRAMES + 1)))
    np.save(tmp_path / 'x.npy', np.ones((60, 6, 8), np.bool_) & (np.arange(60) % 2 == 0)[:, None, None])
    assert main(['deblur', str(tmp_path / 'x.npy'), '-o', str(tmp_path / 'out'), '--page']) == 1
    assert '--page: shows a photo beside its frames' in capsys.readouterr().err


def test_it_works_in_a_browser(folder: Path):
    driver = pytest.importorskip('playwright.sync_api', reason='playwright is not here: pip install -e .[browser]')
    chromium = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')
    if chromium is None:
        pytest.skip('no chromium on this machine')
    (path,) = folder.glob('*.html')
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS, timeout=120_000)
        page = browser.new_context(offline=True, viewport={'width': 1100, 'height': 1000}).new_page()
        said: list[str] = []
        page.on('console', lambda message: said.append(message.text))
        page.on('pageerror', lambda error: said.append(str(error)))
        page.goto(path.as_uri())
        seen = set()
        for index in range(5):
            page.locator('#time').evaluate(
                '(e, v) => { e.value = v; e.dispatchEvent(new Event("input")); }', str(index)
            )
            seen.add((page.locator('#frame').get_attribute('src'), page.locator('#tag').text_content()))
        assert len(seen) == 5
        box = page.locator('#stage').bounding_box()
        page.mouse.click(box['x'] + 0.25 * box['width'], box['y'] + 20)
        assert '75%' in page.locator('#photo').evaluate('e => e.style.clipPath')
        box = page.locator('#rate').bounding_box()
        page.mouse.click(box['x'] + 2, box['y'] + 30)
        assert page.locator('#instant').text_content() == '1/5'
        assert page.locator('#exposure').count() == 1
        assert said == []
        browser.close()
