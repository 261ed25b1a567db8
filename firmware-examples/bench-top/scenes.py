"""Frames that a camera is made to see, and how they go wrong."""

import random

from sensors.ov7670 import Frame

WIDTH, HEIGHT = 640, 480


def planes(seed, cell=20):
    """Returns lines of cells of random colours, with something finer over them."""
    rng = random.Random(seed)
    cells = [
        (rng.randbytes(WIDTH // cell), rng.randbytes(WIDTH // cell), rng.randbytes(WIDTH // cell))
        for _ in range(HEIGHT // cell)
    ]
    fine = [bytes(min(255, value + more) for value in range(256)) for more in range(3)]

    def plane(y):
        luma, u, v = cells[y // cell]
        wide = bytes(value for value in luma for _ in range(cell)).translate(fine[y % 3])
        half = cell // 2
        return (
            wide,
            bytes(value for value in u for _ in range(half)),
            bytes(value for value in v for _ in range(half)),
        )

    return plane


def raw(planes_of):
    """Returns a frame's bytes as YUYV, for the host's own computation."""
    lines = []
    for y in range(HEIGHT):
        luma, u, v = planes_of(y)
        line = bytearray(2 * WIDTH)
        line[0::2], line[1::4], line[3::4] = luma, u, v
        lines.append(bytes(line))
    return b"".join(lines)


def grey(seed):
    """Returns 324 lines of 324 bytes: cells of random grey, with something finer."""
    rng = random.Random(seed)
    cells = [rng.randbytes(27) for _ in range(27)]
    fine = [bytes(min(255, value + more) for value in range(256)) for more in range(3)]
    return [
        bytes(value for value in cells[y // 12] for _ in range(12)).translate(fine[y % 3])
        for y in range(324)
    ]


def short(lines):
    """A frame that ends in its middle."""
    return lines[: len(lines) // 2]


def lost_line(lines):
    """A line is missing, and every byte of the others is there."""
    return lines[:100] + lines[101:]


def long(lines):
    """A frame of three lines too many."""
    return lines + lines[:3]


def byte_more(lines):
    """A clock too many at the end of line 100: one byte."""
    return lines[:100] + [lines[100] + b"\x55"] + lines[101:]


def byte_less(lines):
    """A clock too few in line 100."""
    return lines[:100] + [lines[100][:-1]] + lines[101:]


__all__ = ["Frame"]
