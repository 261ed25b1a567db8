"""Writes responses.txt: the responses of plenoptic's pyramid that the tests of this
module expect. Run with plenoptic, einops, numpy and torch installed."""

import numpy as np
import plenoptic
import torch

SIDE, SCALES, ORDER = 200, 5, 3
pyramid_class = getattr(plenoptic, "process", None) or plenoptic.simulate
y, x = np.mgrid[:SIDE, :SIDE]
pattern = (7 * x * x + 13 * y * y + 5 * x * y + 31 * (x // 9) * (y // 11)) % 256
image = torch.tensor(pattern[None, None] / 255.0, dtype=torch.float64)
pyramid = pyramid_class.SteerablePyramidFreq(
    (SIDE, SIDE), height=SCALES, order=ORDER, is_complex=True, downsample=False, tight_frame=False
).to(torch.float64)
coefficients = pyramid(image)
bands = []
for scale in range(SCALES):
    for orientation in range(ORDER + 1):
        if (scale, orientation) in coefficients:
            band = coefficients[(scale, orientation)][0, 0]
        else:
            band = coefficients[scale][0, 0, orientation]
        bands.append(band.numpy())
bands = np.stack(bands)[:, ::4, ::4]
v1 = np.concatenate([np.maximum(bands.real, 0), np.maximum(bands.imag, 0), np.abs(bands)])
padded = np.pad(v1**2, ((0, 0), (1, 1), (1, 1)))
v2 = np.sqrt(sum(padded[:, i : i + 50 : 2, j : j + 50 : 2] for i in range(3) for j in range(3)))
version = plenoptic.__version__
with open("responses.txt", "w") as out:
    out.write(f"# plenoptic {version}, numpy {np.__version__}, torch {torch.__version__}: area y x channel response\n")
    for area, maps in [(1, v1), (2, v2)]:
        side = maps.shape[1]
        for channel in range(60):
            for place in range(4):
                row, column = (7 * channel + 13 * place) % side, (11 * channel + 5 * place) % side
                out.write(f"{area} {row} {column} {channel} {maps[channel, row, column]:.9g}\n")
