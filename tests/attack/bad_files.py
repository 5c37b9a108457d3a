"""Files that are not what their name says: small ones, bombs, and what is no file at all."""

import io
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np


def png_header(width: int, height: int) -> bytes:
    """A PNG of a size that nobody can decode, in a few bytes."""
    header = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack('>I', len(content)) + kind + content + struct.pack('>I', zlib.crc32(kind + content))

    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', zlib.compress(b'\0')) + chunk(b'IEND', b'')


def bmp_header(width: int, height: int) -> bytes:
    """A BMP without its pixels."""
    return b'BM' + struct.pack('<IHHI', 54, 0, 0, 54) + struct.pack('<IiiHHIIiiII', 40, width, height, 1, 24, *[0] * 6)


def npy_header(shape: tuple[int, ...], kind: str = '|b1') -> bytes:
    """A .npy that says more than it holds."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {'descr': kind, 'fortran_order': False, 'shape': shape})
    return buffer.getvalue()


def zip_bomb(gigabytes: float) -> bytes:
    """An .npz of zeros, a thousandth of its content in size."""
    buffer = io.BytesIO()
    count = int(gigabytes * 2**30)
    with (
        zipfile.ZipFile(buffer, 'w', zipfile.ZIP_DEFLATED) as archive,
        archive.open('spk.npy', 'w', force_zip64=True) as file,
    ):
        file.write(npy_header((count // (100 * 100), 100, 100)))
        zeros = bytes(2**20)
        for _ in range(count // 2**20):
            file.write(zeros)
    return buffer.getvalue()


def yaml_bomb(levels: int = 12) -> bytes:
    """Anchors that expand to ten to the power of `levels`."""
    lines = ['a0: &a0 [lol]'] + [f'a{i}: &a{i} [{", ".join([f"*a{i - 1}"] * 10)}]' for i in range(1, levels)]
    return '\n'.join([*lines, f'name: *a{levels - 1}', f'datasets: *a{levels - 1}']).encode()


def circle() -> bytes:
    return b'name: &x\n  - *x\nmodel_type: *x\n'


TEXTS: dict[str, bytes] = {
    'empty': b'',
    'space': b'   \n',
    'zeros': bytes(1000),
    'random': np.random.default_rng(0).bytes(5000),
    'text': b'years of work\n' * 20,
    'latin1': 'Stra\xdfe: \xe4\xf6\xfc'.encode('latin-1'),
    'utf16': 'name: x'.encode('utf-16'),
    'bom': b'\xef\xbb\xbfname: x\n',
    'html': b'<!DOCTYPE html><html><body>404</body></html>',
    'pointer': b'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n',
    'nested json': b'[' * 100_000,
    'nested map': b'{"a":' * 100_000,
    'nested yaml': b'- ' * 20_000 + b'x',
    'flow yaml': b'{a: ' * 5_000,
    'yaml bomb': yaml_bomb(),
    'yaml circle': circle(),
    'tag': b'!!python/object/apply:os.system ["touch hacked"]\n',
    'number': b'7',
    'list': b'[1, 2, 3]',
    'null': b'null',
    'string': b'"x"',
    'nan': b'{"name": NaN, "image_size": [1e999, 1]}',
    'long line': b'name: ' + b'x' * 10_000_000,
    'nul': b'name: a\0b\n',
    'newlines': b'\r\n\r\n\x0b\x0c\x1c\n',
}
PICTURES: dict[str, bytes] = {
    'png bomb': png_header(60_000, 60_000),
    'png wide': png_header(2_000_000_000, 1),
    'png zero': png_header(0, 0),
    'bmp bomb': bmp_header(60_000, 60_000),
    'bmp negative': bmp_header(-5, -5),
    'png cut': png_header(64, 64)[:40],
}
ARRAYS: dict[str, bytes] = {
    'npy huge': npy_header((10**9, 1000, 1000)),
    'npy negative': npy_header((-1, 10, 10)),
    'npy object': npy_header((3,), '|O'),
    'npy float': npy_header((2, 2, 2), '<f8') + np.full(8, np.nan).tobytes(),
    'npy flat': npy_header((8,)) + bytes(8),
    'npy empty': npy_header((0, 0, 0)),
    'npy short': npy_header((10, 10, 10)) + bytes(10),
}


def special(name: str) -> Callable[[Path], None]:
    """Makes what is no regular file."""
    makers: dict[str, Callable[[Path], None]] = {
        'folder': lambda path: path.mkdir(),
        'pipe': os.mkfifo,
        'loop': lambda path: path.symlink_to(path),
        'zeros without end': lambda path: path.symlink_to('/dev/zero'),
        'nowhere': lambda path: path.symlink_to('/nonexistent/x'),
        'sparse': lambda path: sparse(path, 67 * 10**9),
        'unreadable': lambda path: (path.write_bytes(b'x'), path.chmod(0)),  # type: ignore[dict-item,return-value]
    }
    return makers[name]


SPECIAL = ('folder', 'pipe', 'loop', 'zeros without end', 'nowhere', 'sparse', 'unreadable')


def sparse(path: Path, size: int) -> None:
    with path.open('wb') as file:
        file.truncate(size)


def make(name: str, path: Path) -> None:
    """Put the bad file of a name at a path."""
    if name in SPECIAL:
        special(name)(path)
    else:
        path.write_bytes({**TEXTS, **PICTURES, **ARRAYS, 'zip bomb': ZIP_BOMB}[name])


ZIP_BOMB = zip_bomb(3.0)
NAMES = (*TEXTS, *PICTURES, *ARRAYS, 'zip bomb', *SPECIAL)
CARDS = tuple(
    json.dumps({'params': {}, 'card': card})
    for card in ({'network': {'type': 'LDN', 'num_feat': 10**7}}, {'network': {'type': 'x'}}, {'network': 7})
)
