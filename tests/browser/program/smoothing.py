"""Filters for one series."""
import statistics

import numpy as np


def median_filter(values: np.ndarray, width: int) -> np.ndarray:
    half = width // 2
    padded = np.pad(values, half, mode="edge")
    return np.array([
        statistics.median(padded[i:i + width])
        for i in range(len(values))
    ])
