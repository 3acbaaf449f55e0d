"""Dictionaries, strings and lists, much allocation: what scripts do all day."""
from tail import finish

words = ("the quick brown fox jumps over the lazy dog " * 400).split()

for round in range(900):
    counts = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    rows = [{"word": word, "length": len(word), "at": i} for i, word in enumerate(words)]
    rows.sort(key=lambda row: (row["length"], row["word"]))
    ",".join(f"{row['word']}={row['at']}" for row in rows)
finish()
