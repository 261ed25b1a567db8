"""Features of LCL-V2, a model of cortical areas V1 and V2.

The integers are those of lcl-infer on a microcontroller, byte for byte::

    import lcl_v2
    model = lcl_v2.Model("model.lcl")
    features = model.features(images)      # uint8, (H, W, 3) or (N, H, W, 3)
    features["V2"]                         # uint8, (N, H / 16, W / 16, 192)
"""

import os
from dataclasses import dataclass

import numpy as np

from ._engine import Engine as _Engine
from ._engine import LclError, Watching as _Watching

__all__ = ["Agreement", "Event", "LclError", "Model", "Watcher", "compare", "inspect"]


class Model:
    """A quantised model, a blob: a path to its file, or its bytes."""

    def __init__(self, model):
        if isinstance(model, (bytes, bytearray, memoryview)):
            data = bytes(model)
        elif isinstance(model, (str, os.PathLike)):
            with open(model, "rb") as file:
                data = file.read()
        else:
            raise TypeError(f"a model is a path or bytes, not {type(model).__name__}")
        try:
            self._engine = _Engine(data)
        except LclError as error:
            name = "the bytes" if isinstance(model, (bytes, bytearray, memoryview)) else model
            raise LclError(f"{name}: {error}") from None

    @property
    def taps(self):
        """Names of the maps, from the image on."""
        return self._engine.taps()

    @property
    def channels(self):
        """Channels of an image: 3, or 1 for grey ones."""
        return 1 if self._engine.input() == "GRAY8" else 3

    def features(self, images, *, as_float=False, threads=0):
        """Computes the maps of one image, or of several of one size.

        uint8 arrays (H, W, 3) or (N, H, W, 3), those of grey models (H, W) or (N, H, W), with or
        without gaps. Returns a dict with one array for each tap, (H', W', C) or (N, H', W', C): the
        bytes, or with `as_float` what they stand for. Other threads of Python run meanwhile; a batch
        takes all cores, or as many as `threads` says.
        """
        batch, is_one = self._batch(images)
        count, height, width = batch.shape[:3]
        maps = {
            tap: np.empty((count, *shape), np.uint8)
            for tap, *shape in self._engine.maps(height, width)
        }
        self._engine.run(batch, (count, height, width), list(maps.values()), threads)
        if as_float:
            maps = {tap: map.astype(np.float32) * self.scales(tap) for tap, map in maps.items()}
        return {tap: map[0] for tap, map in maps.items()} if is_one else maps

    def scales(self, tap):
        """What one step of each channel's byte is worth, float32: real = scale · byte."""
        return np.asarray(self._engine.scales(tap), np.float32)

    def memory_len(self, width):
        """Bytes of memory that an engine needs for images of `width` pixels, on this machine."""
        return self._engine.memory_len(width)

    def self_test(self):
        """Raises LclError unless this machine gives the bytes that the model promises."""
        self._engine.self_test()

    def _batch(self, images):
        """Returns the images without gaps, (N, H, W, C), and whether there is one alone."""
        channels = self.channels
        wanted = "(H, W, 3) or (N, H, W, 3)" if channels == 3 else "(H, W) or (N, H, W)"
        if not isinstance(images, np.ndarray):
            raise TypeError(f"images are a numpy array of uint8, not {type(images).__name__}")
        if images.dtype != np.uint8:
            raise TypeError(
                f"images are uint8, 0 to 255, and these are {images.dtype}: round them and use "
                ".astype(np.uint8)"
            )
        one = 3 if channels == 3 else 2
        if images.ndim not in (one, one + 1) or channels == 3 and images.shape[-1] != 3:
            raise ValueError(f"images are {wanted}, and these are {images.shape}")
        is_one = images.ndim == one
        if channels == 1:
            images = images[..., np.newaxis]
        return np.ascontiguousarray(images[np.newaxis] if is_one else images), is_one


def inspect(model):
    """Returns what is in a model, a Model, a path or bytes, as a dict."""
    model = model if isinstance(model, Model) else Model(model)
    engine = model._engine
    return {
        "bytes": engine.len(),
        "input": engine.input(),
        "taps": engine.taps(),
        "layers": engine.layers(),
        "memory": {width: engine.memory_len(width) for width in (48, 96, 224)},
    }


@dataclass(frozen=True)
class Agreement:
    """How far an array is from a reference."""

    #: Signal to noise in dB: 10 · log10(Σ reference² / Σ (reference − other)²).
    sqnr_db: float
    #: Pearson's correlation over all values; nan where one of the arrays is constant.
    correlation: float
    #: Largest absolute difference.
    largest: float
    #: Whether all values are equal.
    equal: bool


def compare(reference, other):
    """Compares two arrays of one shape, such as float and integer features."""
    reference, other = np.asarray(reference), np.asarray(other)
    if reference.shape != other.shape:
        raise ValueError(f"expected arrays of one shape, got {reference.shape} and {other.shape}")
    if reference.size == 0:
        raise ValueError("expected arrays with values, got none")
    a, b = reference.astype(np.float64).ravel(), other.astype(np.float64).ravel()
    difference = a - b
    noise, signal = float(difference @ difference), float(a @ a)
    with np.errstate(divide="ignore", invalid="ignore"):
        sqnr = float(10 * np.log10(np.float64(signal) / noise)) if noise else float("inf")
        centred = a - a.mean(), b - b.mean()
        spread = np.sqrt((centred[0] @ centred[0]) * (centred[1] @ centred[1]))
        correlation = float(np.float64(centred[0] @ centred[1]) / spread)
    return Agreement(sqnr, correlation, float(np.abs(difference).max()), bool((a == b).all()))


@dataclass(frozen=True)
class Event:
    """How far an image departs from those before, and where."""

    #: Number of the image, from 0.
    frame: int
    #: How many times the usual departure.
    score: float
    #: Column and row of the cell that departs most.
    x: int
    y: int
    #: Cells that reach the threshold; 0 is no event.
    cells: int
    #: The three channels of V2 that depart most, with their changes.
    channels: tuple
    #: The event as a chip sends it.
    data: bytes


class Watcher:
    """Says which images of a sequence depart from the scene so far."""

    def __init__(self, model, height, width, *, threshold=3.0, adaptation_shift=4, warm_up=4):
        score = round(threshold * 256)
        if not 1 <= score <= 65535:
            raise ValueError(f"threshold is above 0 and below 256, and this is {threshold}")
        self._model = model
        self._shape = (height, width)
        self._watching = _Watching(model._engine, height, width, score, adaptation_shift, warm_up)

    def look(self, image):
        """Takes the next image and returns its Event, or None if nothing is new."""
        batch, is_one = self._model._batch(image)
        if not is_one or batch.shape[1:3] != self._shape:
            raise ValueError(f"expected one image of {self._shape}, got {image.shape}")
        frame, score, x, y, cells, channels, data = self._watching.look(batch)
        event = Event(frame, score, x, y, cells, tuple(channels), bytes(data))
        return event if event.cells else None
