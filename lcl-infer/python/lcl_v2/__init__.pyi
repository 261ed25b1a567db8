import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

class LclError(ValueError): ...

class Model:
    def __init__(self, model: str | os.PathLike[str] | bytes | bytearray | memoryview) -> None: ...
    @property
    def taps(self) -> list[str]: ...
    @property
    def channels(self) -> int: ...
    def features(
        self, images: NDArray[np.uint8], *, as_float: bool = False, threads: int = 0
    ) -> dict[str, NDArray[Any]]: ...
    def scales(self, tap: str) -> NDArray[np.float32]: ...
    def memory_len(self, width: int) -> int: ...
    def self_test(self) -> None: ...

def inspect(model: Model | str | os.PathLike[str] | bytes) -> dict[str, Any]: ...
@dataclass(frozen=True)
class Agreement:
    sqnr_db: float
    correlation: float
    largest: float
    equal: bool

def compare(reference: ArrayLike, other: ArrayLike) -> Agreement: ...
@dataclass(frozen=True)
class Event:
    frame: int
    score: float
    x: int
    y: int
    cells: int
    channels: tuple[tuple[int, int], ...]
    data: bytes

class Watcher:
    def __init__(
        self,
        model: Model,
        height: int,
        width: int,
        *,
        threshold: float = 3.0,
        adaptation_shift: int = 4,
        warm_up: int = 4,
    ) -> None: ...
    def look(self, image: NDArray[np.uint8]) -> Event | None: ...
