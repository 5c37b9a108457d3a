import logging

import cv2
import numpy as np
import pytest

from spikereveal_plugin.building.footage import count_video_frames, find_footage
from spikereveal_plugin.errors import SpikeDataError
from spikereveal_plugin.recordings.image_file import save_image


def write_video(path, count, height=48, width=64):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'mp4v'), 30, (width, height))
    for index in range(count):
        writer.write(np.full((height, width, 3), (0, 0, 20 * index), np.uint8))  # BGR: ever more red
    writer.release()
    return path


def write_folder(folder, values, size=(16, 16)):
    for name, value in values.items():
        save_image(folder / name, np.full((*size, 3), value, np.uint8))
    return folder


def test_a_folder_is_read_in_natural_order(tmp_path):
    write_folder(tmp_path / 'walk', {'frame_10.png': 10, 'frame_9.png': 9, 'frame_100.PNG': 100, 'frame_2.png': 2})
    (tmp_path / 'walk/notes.txt').write_text('not a frame')
    (footage,) = find_footage([tmp_path / 'walk'])
    assert (footage.name, footage.num_frames) == ('walk', 4)
    assert [int(frame[0, 0, 0]) for frame in footage.frames()] == [2, 9, 10, 100]


def test_a_video_is_read_as_rgb(tmp_path):
    (footage,) = find_footage([write_video(tmp_path / 'my clip.v2.mp4', 6)])
    assert (footage.name, footage.num_frames) == ('my clip_v2', 6)
    frames = list(footage.frames())
    assert len(frames) == 6
    red, green, blue = frames[5].reshape(-1, 3).mean(axis=0)
    assert red == pytest.approx(100, abs=6)
    assert max(green, blue) < 10


def test_a_folder_of_sequences(tmp_path):
    write_folder(tmp_path / 'set/a', {'0.jpg': 0})
    write_folder(tmp_path / 'set/b.c', {'0.jpeg': 0})
    write_video(tmp_path / 'set/d.mp4', 2)
    assert [footage.name for footage in find_footage([tmp_path / 'set'])] == ['a', 'b_c', 'd']


def test_two_sequences_of_one_name_are_refused(tmp_path):
    sources = [write_folder(tmp_path / side / 'walk', {'0.png': 0}) for side in ('left', 'right')]
    with pytest.raises(SpikeDataError, match="are both named 'walk'"):
        find_footage(sources)


def test_frames_of_several_sizes_are_refused(tmp_path):
    folder = write_folder(tmp_path / 'walk', {'0.png': 0})
    write_folder(folder, {'1.png': 0}, size=(16, 32))
    (footage,) = find_footage([folder])
    with pytest.raises(SpikeDataError, match=r'1\.png: 16x32 \(height x width\), but the first frame is 16x16'):
        list(footage.frames())


def test_a_broken_frame_is_named(tmp_path):
    folder = write_folder(tmp_path / 'walk', {'0.png': 0})
    (folder / '1.png').write_bytes(b'nothing')
    (footage,) = find_footage([folder])
    with pytest.raises(SpikeDataError, match=r'1\.png: not a readable image'):
        list(footage.frames())


def test_sources_that_hold_no_footage_are_refused(tmp_path):
    with pytest.raises(SpikeDataError, match='no footage was named'):
        find_footage([])
    with pytest.raises(SpikeDataError, match='absent: no such video or folder'):
        find_footage([tmp_path / 'absent'])
    with pytest.raises(SpikeDataError, match='holds no video'):
        find_footage([tmp_path])
    (tmp_path / 'fake.mp4').write_bytes(b'no video at all')
    with pytest.raises(SpikeDataError, match=r'fake\.mp4: (not a video|no frame can be decoded)'):
        find_footage([tmp_path / 'fake.mp4'])


def test_pictures_beside_sequences_are_refused(tmp_path):
    write_folder(tmp_path, {'0.png': 0})
    write_folder(tmp_path / 'inner', {'0.png': 0})
    with pytest.raises(SpikeDataError, match='holds 1 pictures and also inner'):
        find_footage([tmp_path])


class ShortVideo:
    """Announces ten frames and decodes `count`."""

    def __init__(self, count):
        self.left = count

    def get(self, _):
        return 10.0

    def grab(self):
        self.left -= 1
        return self.left >= 0

    def read(self):
        return self.grab(), np.zeros((16, 16, 3), np.uint8)

    def isOpened(self):  # noqa: N802
        return True

    def release(self):
        pass


def test_a_video_that_stops_early_is_reported(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(cv2, 'VideoCapture', lambda _: ShortVideo(7))
    with caplog.at_level(logging.WARNING, 'spikereveal'):
        assert count_video_frames(tmp_path / 'cut.mp4') == 7
    assert 'cut.mp4 announces 10 frames, but only 7 can be decoded' in caplog.text


def test_a_video_that_changes_while_it_is_read_is_refused(tmp_path, monkeypatch):
    (footage,) = find_footage([write_video(tmp_path / 'clip.mp4', 6)])
    monkeypatch.setattr(cv2, 'VideoCapture', lambda _: ShortVideo(4))
    with pytest.raises(SpikeDataError, match='frame 4 of 6 cannot be read any more'):
        list(footage.frames())
