// SPDX-License-Identifier: MIT
// json_write.c - see json_write.h.
#include "json_write.h"

#include <stdlib.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" // U+FFFD

// ---- structure

static void comma(struct json *json)
{
    if (json->filled)
        sink_putc(json->out, ',');
    json->filled = true;
}

void json_open(struct json *json, char bracket)
{
    comma(json);
    sink_putc(json->out, bracket);
    json->filled = false;
}

void json_close(struct json *json, char bracket)
{
    sink_putc(json->out, bracket);
    json->filled = true;
}

void json_newline(struct json *json)
{
    if (json->filled)
        sink_putc(json->out, ',');
    sink_putc(json->out, '\n');
    json->filled = false;
}

void json_key(struct json *json, const char *key)
{
    comma(json);
    sink_putc(json->out, '"');
    sink_puts(json->out, key);
    sink_puts(json->out, "\":");
    json->filled = false;
}

void json_key_text(struct json *json, const char *key)
{
    json_string(json, key);
    sink_putc(json->out, ':');
    json->filled = false;
}

// ---- values

void json_null(struct json *json)
{
    comma(json);
    sink_puts(json->out, "null");
}

void json_bool(struct json *json, bool value)
{
    comma(json);
    sink_puts(json->out, value ? "true" : "false");
}

// The digits of `value`, at least `least` of them; returns the first of them, which ends at `end`.
static char *digits_before(char *end, uint64_t value, int least)
{
    while (value || least > 0) {
        *--end = (char)('0' + value % 10);
        value /= 10;
        least--;
    }
    return end;
}

static char *with_sign(char *text, bool negative)
{
    if (negative)
        *--text = '-';
    return text;
}

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

void json_int(struct json *json, int64_t value)
{
    char text[24], *end = text + sizeof text;
    char *from = with_sign(digits_before(end, magnitude(value), 1), value < 0);
    comma(json);
    sink_write(json->out, from, (size_t)(end - from));
}

void json_decimal(struct json *json, int64_t value, int digits)
{
    char text[48], *end = text + 24;
    char *from = digits_before(end, magnitude(value), digits + 1), *point = end - digits;
    memmove(point + 1, point, (size_t)digits);
    *point = '.';
    while (end > point + 1 && *end == '0')
        end--;
    from = with_sign(from, value < 0);
    comma(json);
    sink_write(json->out, from, (size_t)(end + 1 - from));
}

void json_seconds(struct json *json, int64_t ns)
{
    json_decimal(json, ns, 9);
}

// ---- texts

// Bytes of the valid sequence at `at`, 0 where there is none (Unicode, table 3-7).
static size_t utf8_length(const unsigned char *at, const unsigned char *end)
{
    unsigned char first = *at, low = 0x80, high = 0xbf;
    if (first < 0x80)
        return 1;
    size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || (size_t)(end - at) < 2)
        return 0;
    if (first == 0xe0)
        low = 0xa0; // no overlong forms
    else if (first == 0xf0)
        low = 0x90;
    else if (first == 0xed)
        high = 0x9f; // no surrogates
    else if (first == 0xf4)
        high = 0x8f; // nothing beyond U+10FFFF
    if (at[1] < low || at[1] > high || (size_t)(end - at) < length)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void escape(struct sink *out, unsigned char c)
{
    if (c == '"' || c == '\\') {
        sink_putc(out, '\\');
        sink_putc(out, (char)c);
    } else if (c == '\n') {
        sink_puts(out, "\\n");
    } else if (c == '\t') {
        sink_puts(out, "\\t");
    } else if (c == '\r') {
        sink_puts(out, "\\r");
    } else {
        sink_printf(out, "\\u%04x", c);
    }
}

// One character that is not plain; returns its bytes.
static size_t put_special(struct sink *out, const unsigned char *at, const unsigned char *end)
{
    size_t length = utf8_length(at, end);
    if (length == 1)
        escape(out, *at);
    else if (length)
        sink_write(out, at, length);
    else
        sink_puts(out, REPLACEMENT);
    return length ? length : 1;
}

void json_text(struct json *json, const char *text, size_t length)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + length, *run = at;
    comma(json);
    sink_putc(json->out, '"');
    while (at < end) {
        if (is_plain(*at)) {
            at++;
            continue;
        }
        sink_write(json->out, run, (size_t)(at - run));
        at += put_special(json->out, at, end);
        run = at;
    }
    sink_write(json->out, run, (size_t)(at - run));
    sink_putc(json->out, '"');
}

void json_string(struct json *json, const char *text)
{
    json_text(json, text, strlen(text));
}

char *json_clean(const char *text)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + strlen(text);
    char *copy = malloc((size_t)(end - at) * strlen(REPLACEMENT) + 1), *to = copy;
    while (copy && at < end) {
        size_t length = utf8_length(at, end);
        if (length)
            to = (char *)memcpy(to, at, length) + length;
        else
            to = (char *)memcpy(to, REPLACEMENT, strlen(REPLACEMENT)) + strlen(REPLACEMENT);
        at += length ? length : 1;
    }
    if (copy)
        *to = '\0';
    return copy;
}
