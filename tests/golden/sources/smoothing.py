import statistics


def median_filter(values, width):
    half = width // 2
    padded = [values[0]] * half + list(values) + [values[-1]] * half
    return [
        statistics.median(padded[i:i + width])
        for i in range(len(values))
    ]
