"""Long C operations inside the interpreter: each sample takes the whole progress test."""
import json
import re

from tail import finish

numbers = list(range(300_000))
text = json.dumps([{"id": i, "name": "x" * (i % 17)} for i in range(20_000)])
hard = re.compile(r"(a|aa)+b")

for _ in range(160):
    -1 in numbers
    sorted(numbers, reverse=True)
    json.loads(text)
    hard.match("a" * 22)
finish()
