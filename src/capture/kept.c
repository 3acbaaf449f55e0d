// SPDX-License-Identifier: MIT
// kept.c - see kept.h. A look at one line, not a parser: what it must tell apart are unrelated
// texts.
#include "kept.h"

#include <string.h>

struct text {
    const char *at;
    size_t length;
};

static struct text line_of(const char *source, size_t length, int line)
{
    const char *end = source + length;
    for (; line > 1 && source; line--) {
        source = memchr(source, '\n', (size_t)(end - source));
        source = source ? source + 1 : NULL;
    }
    if (!source || line < 1)
        return (struct text){"", 0};
    const char *stop = memchr(source, '\n', (size_t)(end - source));
    return (struct text){source, (size_t)((stop ? stop : end) - source)};
}

static bool contains(struct text line, const char *word)
{
    return memmem(line.at, line.length, word, strlen(word)) != NULL;
}

static bool is_decorator(struct text line)
{
    size_t blank = 0;
    while (blank < line.length && (line.at[blank] == ' ' || line.at[blank] == '\t'))
        blank++;
    return blank < line.length && line.at[blank] == '@';
}

// A decorated function begins at its first decorator.
#define DECORATORS_MAX 50

static bool has_definition(const char *source, size_t length, const char *name, int line)
{
    struct text text = line_of(source, length, line);
    bool decorated = is_decorator(text);
    for (int i = 0; decorated && i < DECORATORS_MAX; i++) {
        text = line_of(source, length, ++line);
        if (contains(text, "def ") || contains(text, "class "))
            break;
    }
    return (contains(text, "def ") || contains(text, "class ")) && contains(text, name);
}

bool kept_defines(const char *source, size_t length, const char *name, int line)
{
    struct text text = line_of(source, length, line);
    const char *dot = strrchr(name, '.');
    const char *last = dot ? dot + 1 : name;
    if (strcmp(last, "<module>") == 0)
        return true;
    if (strcmp(last, "<lambda>") == 0)
        return contains(text, "lambda");
    if (last[0] == '<') // a comprehension or a generator expression begins with its bracket
        return contains(text, "[") || contains(text, "(") || contains(text, "{");
    return has_definition(source, length, last, line);
}
