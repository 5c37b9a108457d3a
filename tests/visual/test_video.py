import sys

import av
import cv2
import numpy as np
import pytest

from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.visual.video import save_video


def frames(count, height=48, width=64):
    return (np.full((height, width, 3), (30 * index, 100, 0), np.uint8) for index in range(count))


def read(path):
    video = cv2.VideoCapture(str(path))
    found = []
    while (result := video.read())[0]:
        found.append(result[1][:, :, ::-1])
    video.release()
    return np.stack(found)


def test_frames_come_back_in_order_and_colour(tmp_path):
    assert save_video(tmp_path / 'deep/out.mp4', frames(7), fps=5) == 7
    found = read(tmp_path / 'deep/out.mp4')
    assert found.shape == (7, 48, 64, 3)
    np.testing.assert_allclose(found.mean(axis=(1, 2))[:, 0], 30 * np.arange(7), atol=8)
    np.testing.assert_allclose(found.mean(axis=(1, 2))[:, 1], 100, atol=8)


def test_odd_sizes_grow_by_one(tmp_path):
    save_video(tmp_path / 'out.mp4', frames(3, 33, 45))
    assert read(tmp_path / 'out.mp4').shape == (3, 34, 46, 3)


@pytest.mark.parametrize(('suffix', 'codec'), [('.mp4', 'h264'), ('.webm', 'vp9')])
def test_browsers_play_it(tmp_path, suffix, codec):
    """H.264 and VP9 with halved colours; an MP4's index lies before its pictures, so that it plays while it loads."""
    path = tmp_path / f'out{suffix}'
    save_video(path, frames(5, 33, 45), fps=12.5)
    with av.open(str(path)) as file:
        (stream,) = file.streams
        assert (stream.codec_context.name.removeprefix('lib'), stream.pix_fmt) == (codec, 'yuv420p')
        assert (stream.width, stream.height, float(stream.average_rate)) == (46, 34, 12.5)
        found = [frame.to_ndarray(format='rgb24') for frame in file.decode(stream)]
    np.testing.assert_allclose([frame[:33, :45, 0].mean() for frame in found], 30 * np.arange(5), atol=8)
    content = path.read_bytes()
    assert suffix == '.webm' or 0 < content.find(b'moov') < content.find(b'mdat')


def test_without_pyav_it_is_said_what_was_written(tmp_path, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, 'av', None)
    assert save_video(tmp_path / 'out.mp4', frames(3)) == 3
    assert read(tmp_path / 'out.mp4').shape == (3, 48, 64, 3)
    assert 'MPEG-4 part 2, which browsers do not play; for H.264: pip install av' in caplog.text
    with pytest.raises(SpikeDataError, match='VP9 needs PyAV'):
        save_video(tmp_path / 'out.webm', frames(3))


def test_nothing_to_write_is_refused(tmp_path):
    with pytest.raises(SpikeDataError, match='there is no frame to write'):
        save_video(tmp_path / 'out.mp4', [])
    with pytest.raises(SpikeDataError, match=r'expected a name that ends in \.mp4 or \.webm'):
        save_video(tmp_path / 'out.gif', frames(1))
    with pytest.raises(ValueError, match='0 frames per second'):
        save_video(tmp_path / 'out.mp4', frames(1), fps=0)


def test_frames_of_other_forms_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r'expected \(48, 64, 3\) RGB uint8 as the first frame, got \(48, 66, 3\)'):
        save_video(tmp_path / 'out.mp4', [*frames(1), *frames(1, width=66)])
    with pytest.raises(ValueError, match='got .* float32'):
        save_video(tmp_path / 'out.mp4', [np.zeros((48, 64, 3), np.float32)])


def test_a_writer_that_does_not_open_is_reported(tmp_path, monkeypatch):
    class Closed:
        def isOpened(self):  # noqa: N802
            return False

    Closed.fourcc = staticmethod(cv2.VideoWriter.fourcc)
    monkeypatch.setitem(sys.modules, 'av', None)
    monkeypatch.setattr(cv2, 'VideoWriter', lambda *_: Closed())
    monkeypatch.setattr(cv2.VideoWriter, 'fourcc', Closed.fourcc, raising=False)
    with pytest.raises(SpikeDataError, match='OpenCV cannot write an mp4v video here'):
        save_video(tmp_path / 'out.mp4', frames(1))


def test_lost_frames_are_reported(tmp_path, monkeypatch):
    class Empty:
        def __init__(self, _):
            pass

        def grab(self):
            return False

        def release(self):
            pass

    monkeypatch.setattr(cv2, 'VideoCapture', Empty)
    with pytest.raises(SpikeDataError, match='2 frames were written, 0 can be read back'):
        save_video(tmp_path / 'out.mp4', frames(2))
