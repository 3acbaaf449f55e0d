"""Where the clusters are kept."""
import os
import pickle
import zlib


class Store:
    def __init__(self, path):
        self.file = open(path, "wb")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.file.close()

    def save(self, stations, labels):
        for (name, readings), label in zip(stations.items(), labels):
            blob = zlib.compress(pickle.dumps((name, label, readings)), 9)
            self.file.write(len(blob).to_bytes(4, "little") + blob)
            self.file.flush()
            os.fsync(self.file.fileno())
