"""Groups weather stations by how alike their year was."""
import csv
import sys
from dataclasses import dataclass

import numpy as np

import smoothing
from store import Store


@dataclass
class Reading:
    station: str
    day: int
    celsius: float


def load(path: str) -> dict[str, list[Reading]]:
    """Readings of every station, in the order of the file."""
    stations: dict[str, list[Reading]] = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            reading = Reading(row["station"], int(row["day"]), float(row["celsius"]))
            stations.setdefault(reading.station, []).append(reading)
    return stations


def clean(readings: list[Reading]) -> np.ndarray:
    year = np.zeros(365)
    for reading in readings:
        if -60.0 < reading.celsius < 60.0:  # else the sensor was broken
            year[reading.day] = reading.celsius
    return smoothing.median_filter(year, 7)


def distances(x: np.ndarray) -> np.ndarray:
    n = len(x)
    d = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1, n):
            diff = x[i] - x[j]
            d[i, j] = d[j, i] = np.sqrt((diff * diff).sum())
    return d


def label(d: np.ndarray, near: float) -> list[int]:
    """Single-link clustering by flood fill."""
    labels = [-1] * len(d)
    current = 0
    for i in range(len(d)):
        if labels[i] >= 0:
            continue
        stack = [i]
        while stack:
            j = stack.pop()
            if labels[j] < 0:
                labels[j] = current
                stack.extend(np.flatnonzero(d[j] < near))
        current += 1
    return labels


def main() -> None:
    stations = load(sys.argv[1])
    years = np.array([clean(readings) for readings in stations.values()])
    labels = label(distances(years), near=40.0)
    with Store("clusters.db") as store:
        store.save(stations, labels)


if __name__ == "__main__":
    main()
