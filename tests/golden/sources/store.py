import os
import pickle
import threading
import zlib


class Store:
    def __init__(self, path):
        self.file = open(path, "ab")
        self.queue = []
        self.closed = False
        self.writer = threading.Thread(target=self.flush, name="store-writer")

    def __enter__(self):
        self.writer.start()
        return self

    def __exit__(self, *exc):
        self.closed = True
        self.writer.join()

    def save(self, name, labels):
        self.queue.append((name, labels))

    def flush(self):
        while self.queue or not self.closed:
            blob = zlib.compress(pickle.dumps(self.queue), 9)
            self.queue.clear()
            self.file.write(blob)
            os.fsync(self.file.fileno())
