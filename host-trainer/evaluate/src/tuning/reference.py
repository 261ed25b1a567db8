"""Computes what the tests of this folder expect, with scipy's interpolating
spline; scipy 1.17.1, numpy 2.4.6.

    python reference.py
"""

import numpy as np
from scipy.interpolate import UnivariateSpline

ORIENTATIONS = np.arange(12) * 15.0
SHARP = np.array([0.1, 0.3, 1.0, 2.6, 4.0, 3.1, 1.4, 0.5, 0.2, 0.15, 0.1, 0.05])
BROAD = np.array([3.0, 2.8, 2.5, 2.2, 2.0, 1.9, 1.8, 2.0, 2.1, 2.4, 2.6, 2.9])
FREQUENCIES = 0.4 * 2 ** (np.arange(20) / 4)
BAND = np.exp(-((np.log2(FREQUENCIES / 2.3)) ** 2) / 1.4) + 0.02 * np.sin(np.arange(20))
LOW = 1 / (1 + FREQUENCIES**2)


def smooth(values, side):
    kernel = np.array([0, side, 1, side, 0])
    return np.convolve(values, kernel / kernel.sum(), mode="same")


def orientation(curve):
    angles = np.concatenate([ORIENTATIONS - 180, ORIENTATIONS, ORIENTATIONS + 180])
    spline = UnivariateSpline(angles, smooth(np.tile(curve, 3), 0.4), s=0)
    degrees = np.arange(-180, 360)
    values = spline(degrees)
    peak = 180 + np.argmax(values[180:360])

    def width(level):
        low = np.flatnonzero(values <= level * values[peak])
        if not (np.any(low < peak) and np.any(low > peak)):
            return None
        found = degrees[low[low > peak][0]] - degrees[low[low < peak][-1]]
        return int(found) if found <= 180 else None

    vector = np.sum(curve * np.exp(2j * np.deg2rad(ORIENTATIONS)))
    variance = 1 - abs(vector) / curve.sum()
    return int(degrees[peak]), width(0.5), width(0.707), variance


def frequency(curve):
    padded = np.concatenate([curve[:1], curve[:1], curve, curve[-1:], curve[-1:]])
    kernel = np.array([0, 0.2, 1, 0.2, 0])
    smoothed = np.convolve(padded, kernel / kernel.sum(), mode="valid")
    octaves = np.log2(FREQUENCIES)
    at = np.linspace(octaves[0], octaves[-1], 100)
    values = UnivariateSpline(octaves, smoothed, s=0)(at)
    peak = np.argmax(values)
    low = np.flatnonzero(values <= 0.707 * values[peak])
    below = at[low[low < peak][-1]] if np.any(low < peak) else None
    above = at[low[low > peak][0]] if np.any(low > peak) else None
    ratio = None if below is None or above is None else 100 * 2**below / 2**above
    return 2 ** at[peak], ratio


places = np.array([0.0, 1.0, 2.5, 3.0, 4.5, 6.0])
heights = np.array([1.0, -0.5, 2.0, 0.25, 3.0, 1.5])
print("spline", repr(UnivariateSpline(places, heights, s=0)([0.0, 0.4, 1.7, 2.9, 3.1, 5.5, 6.0])))
print("sharp", orientation(SHARP))
print("broad", orientation(BROAD))
print("band", frequency(BAND))
print("low", frequency(LOW))
print("band curve", repr(BAND))
