"""Cluster weather stations by how alike their readings are."""
import argparse
import csv
from collections import namedtuple

import numpy as np

from smoothing import median_filter
from store import Store

Reading = namedtuple("Reading", "station hour celsius")


def load(path):
    rows = []
    with open(path, newline="") as f:
        for row in csv.reader(f):
            rows.append(Reading(row[0], int(row[1]), float(row[2])))
    return rows


class Stations:
    """A matrix with one row for each station."""

    def __init__(self, rows, hours=24 * 365):
        self.names = sorted({r.station for r in rows})
        index = {name: i for i, name in enumerate(self.names)}
        self.celsius = np.full((len(self.names), hours), np.nan)
        for r in rows:
            self.celsius[index[r.station], r.hour] = r.celsius

    def clean(self, width=5):
        for i, line in enumerate(self.celsius):
            self.celsius[i] = median_filter(line, width)
        return self


def distances(x: np.ndarray) -> np.ndarray:
    n = len(x)
    d = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1, n):
            diff = x[i] - x[j]
            d[i, j] = d[j, i] = np.sqrt((diff * diff).sum())  # both halves: the matrix is symmetric
    return d


def label(d, eps: float) -> list[int]:
    """Single-link clustering by flood fill."""
    labels = [-1] * len(d)
    current = 0
    for i in range(len(d)):
        if labels[i] >= 0:
            continue
        stack = [i]
        while stack:
            k = stack.pop()
            if labels[k] < 0:
                labels[k] = current
                stack.extend(np.flatnonzero(d[k] < eps))
        current += 1
    return labels


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("readings")
    parser.add_argument("--eps", type=float, default=40.0)
    args = parser.parse_args()
    stations = Stations(load(args.readings)).clean()
    with Store("clusters.db") as store:
        d = distances(stations.celsius)
        store.save(f"eps {args.eps:.1f}", label(d, args.eps))
    print(f"{len(stations.names)} stations done")


if __name__ == "__main__":
    main()
