// SPDX-License-Identifier: MIT
// source.c - a Python source as UTF-8, as far as its encoding can be known.
//
// Paths come from the target, so only regular files of a sane size are read, and nothing is opened
// before it is known to be one (opening a device can do things). Encodings: PEP 263.
#include "build.h"

#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_BYTES (16 << 20)
#define NS_PER_S   INT64_C(1000000000)

// ---- decoding

struct span {
    const char *at, *end;
};

static struct span line_of(struct span text)
{
    const char *at = text.at;
    while (at < text.end && *at != '\n' && *at != '\r')
        at++;
    return (struct span){text.at, at};
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\f';
}

static bool is_name(char c)
{
    return c == '-' || c == '_' || c == '.' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
}

// ^[ \t\f]*#.*?coding[:=][ \t]*([-_.a-zA-Z0-9]+)
static bool cookie_in(struct span line, char *name, size_t size)
{
    while (line.at < line.end && is_blank(*line.at))
        line.at++;
    if (line.at == line.end || *line.at != '#')
        return false;
    const char *at = memmem(line.at, (size_t)(line.end - line.at), "coding", 6);
    if (!at || at + 6 == line.end || (at[6] != ':' && at[6] != '='))
        return false;
    for (at += 7; at < line.end && (*at == ' ' || *at == '\t'); at++)
        continue;
    size_t n = 0;
    while (at < line.end && is_name(*at) && n + 1 < size)
        name[n++] = *at++;
    name[n] = '\0';
    return n > 0;
}

static bool is_comment(struct span line)
{
    while (line.at < line.end && is_blank(*line.at))
        line.at++;
    return line.at == line.end || *line.at == '#';
}

// The second line counts only behind a first one without code.
static bool find_cookie(struct span text, char *name, size_t size)
{
    struct span first = line_of(text);
    if (cookie_in(first, name, size))
        return true;
    if (!is_comment(first) || first.end == text.end)
        return false;
    bool crlf = first.end[0] == '\r' && first.end + 1 < text.end && first.end[1] == '\n';
    return cookie_in(line_of((struct span){first.end + 1 + crlf, text.end}), name, size);
}

// Python's names for iconv, where they differ.
static const char *charset(const char *name)
{
    static const char *const same[][2] = {
        {"latin-1", "ISO-8859-1"},   {"latin_1", "ISO-8859-1"},  {"iso-latin-1", "ISO-8859-1"},
        {"iso8859_1", "ISO-8859-1"}, {"latin-9", "ISO-8859-15"}, {"latin-2", "ISO-8859-2"},
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        if (strcasecmp(name, same[i][0]) == 0)
            return same[i][1];
    return name;
}

static char *convert(const char *name, struct span text, size_t *decoded)
{
    size_t left = (size_t)(text.end - text.at), size = left * 4 + 1, room = size - 1;
    iconv_t set = iconv_open("UTF-8", charset(name));
    if (set == (iconv_t)-1)
        return NULL;
    char *out = malloc(size), *to = out, *from = (char *)(uintptr_t)text.at;
    if (out && iconv(set, &from, &left, &to, &room) == (size_t)-1) {
        free(out); // not what it says it is: its bytes are as good
        out = NULL;
    }
    iconv_close(set);
    if (out)
        *decoded = (size_t)(to - out);
    return out;
}

char *source_decode(const char *bytes, size_t length, size_t *decoded)
{
    struct span text = {bytes, bytes + length};
    char name[40];
    if (!length || !find_cookie(text, name, sizeof name) || strncasecmp(name, "utf-8", 5) == 0 ||
        strncasecmp(name, "utf8", 4) == 0 || strncasecmp(name, "utf_8", 5) == 0)
        return NULL;
    return convert(name, text, decoded);
}

// ---- reading

static bool is_readable(const struct stat *st)
{
    return S_ISREG(st->st_mode) && st->st_size <= MOST_BYTES;
}

static int open_source(const char *path, struct stat *st)
{
    if (path[0] != '/' || stat(path, st) || !is_readable(st))
        return -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd >= 0 && (fstat(fd, st) || !is_readable(st))) {
        close(fd);
        return -1;
    }
    return fd;
}

static char *read_bytes(int fd, size_t size, size_t *length)
{
    char *text = malloc(size + 1);
    *length = 0;
    while (text && *length < size) {
        ssize_t n = read(fd, text + *length, size - *length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            free(text);
            return NULL;
        }
        if (n == 0)
            break;
        *length += (size_t)n;
    }
    return text;
}

static void strip_bom(char *text, size_t *length)
{
    if (*length < 3 || memcmp(text, "\xef\xbb\xbf", 3) != 0)
        return;
    *length -= 3;
    memmove(text, text + 3, *length);
}

char *source_read(const char *path, size_t *length, int64_t *modified_ns)
{
    struct stat st;
    *modified_ns = 0;
    int fd = open_source(path, &st);
    if (fd < 0)
        return NULL;
    *modified_ns = st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec;
    char *text = read_bytes(fd, (size_t)st.st_size, length);
    close(fd);
    if (!text)
        return NULL;
    strip_bom(text, length);
    char *decoded = source_decode(text, *length, length);
    if (!decoded)
        return text;
    free(text);
    return decoded;
}
