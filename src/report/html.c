// SPDX-License-Identifier: MIT
// html.c - the report as one page that needs nothing else.
//
// The page is made from html/ and linked into the program; only its data block is written here,
// where a marker stands. What the target chose (names, sources, arguments) goes nowhere else. There
// every < is written as \u003c: in JSON it only stands inside strings, so nothing in them can end
// the block, and the page's policy allows no script but its own.
#include "lineprof/report.h"

#include <errno.h>
#include <string.h>
#include "json_write.h"

#define MARKER "@LINEPROF_DATA@" // the same in html/link.py

extern const char page_html[], page_html_end[]; // html/page.S

// The JSON keeps the lines with time; the page also shows those around them.
static void put_sources(const struct profile *profile, struct sink *out)
{
    struct json json = {.out = out};
    json_open(&json, '{');
    for (size_t i = 0; i < profile->file_count; i++) {
        const struct profile_file *file = &profile->files[i];
        if (!file->text)
            continue;
        json_newline(&json);
        json_key_text(&json, file->path);
        json_text(&json, file->text, file->text_length);
    }
    json_close(&json, '}');
}

static int put_data(const struct profile *profile, struct sink *out)
{
    sink_puts(out, "{\"profile\":");
    int error = report_json(profile, out);
    sink_puts(out, ",\"sources\":");
    put_sources(profile, out);
    sink_puts(out, "}\n");
    return error;
}

static void put_escaped(const char *text, size_t length, struct sink *out)
{
    const char *end = text + length, *special;
    while ((special = memchr(text, '<', (size_t)(end - text)))) {
        sink_write(out, text, (size_t)(special - text));
        sink_puts(out, "\\u003c");
        text = special + 1;
    }
    sink_write(out, text, (size_t)(end - text));
}

static void put_page(struct sink *data, struct sink *out)
{
    size_t length;
    const char *text = sink_text(data, &length);
    size_t size = (size_t)(page_html_end - page_html);
    const char *marker = memmem(page_html, size, MARKER, strlen(MARKER));
    const char *tail = marker + strlen(MARKER);
    sink_write(out, page_html, (size_t)(marker - page_html));
    put_escaped(text, length, out);
    sink_write(out, tail, (size_t)(page_html_end - tail));
}

int report_html(const struct profile *profile, struct sink *out)
{
    struct sink *data = sink_memory();
    if (!data)
        return -ENOMEM;
    int error = put_data(profile, data);
    if (!error)
        error = sink_error(data);
    if (!error)
        put_page(data, out);
    sink_discard(data);
    return error;
}
