// SPDX-License-Identifier: MIT
// text.c - strings and lists of strings for one command line.
//
// Out of memory ends the process: it happens before the program starts, or costs its report only.
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lineprof/commands.h"

static void *must(void *memory)
{
    if (!memory) {
        fputs("lineprof: out of memory\n", stderr);
        exit(CODE_FAILED);
    }
    return memory;
}

char *text_format(const char *format, ...)
{
    char *text;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    return must(n < 0 ? NULL : text);
}

// ---- lists

static void add_owned(struct texts *list, char *text)
{
    list->at = must(realloc(list->at, (list->count + 2) * sizeof *list->at));
    list->at[list->count++] = text;
    list->at[list->count] = NULL;
}

void texts_add(struct texts *list, const char *text)
{
    add_owned(list, must(strdup(text)));
}

void texts_add_new(struct texts *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->at[i], text) == 0)
            return;
    texts_add(list, text);
}

void texts_split(struct texts *list, const char *text)
{
    while (*text) {
        size_t n = strcspn(text, ",");
        if (n)
            add_owned(list, text_format("%.*s", (int)n, text));
        text += n + (text[n] == ',');
    }
}

void texts_free(struct texts *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->at[i]);
    free(list->at);
    *list = (struct texts){0};
}

// ---- command lines

static bool is_plain_word(const char *word)
{
    return *word && strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                 "@%_-+=:,./") == strlen(word);
}

static void put_word(FILE *to, const char *word)
{
    if (is_plain_word(word)) {
        fputs(word, to);
        return;
    }
    fputc('\'', to);
    for (; *word; word++)
        if (*word == '\'')
            fputs("'\\''", to);
        else
            fputc(*word, to);
    fputc('\'', to);
}

char *text_command_line(char *const *words)
{
    char *text = NULL;
    size_t size;
    FILE *to = must(open_memstream(&text, &size));
    for (size_t i = 0; words[i]; i++) {
        if (i)
            fputc(' ', to);
        put_word(to, words[i]);
    }
    fclose(to);
    return must(text);
}

// ---- paths

char *text_absolute(const char *directory, const char *path)
{
    if (path[0] == '/' || !*directory)
        return text_format("%s", path);
    while (strncmp(path, "./", 2) == 0)
        path += 2;
    if (strcmp(path, ".") == 0 || !*path)
        return text_format("%s", directory);
    return text_format("%s/%s", strcmp(directory, "/") == 0 ? "" : directory, path);
}

char *text_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return text_format(".");
    return text_format("%.*s", slash == path ? 1 : (int)(slash - path), path);
}

const char *text_basename(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

// ---- files

// Other kinds of file are not ours to read: a pipe's bytes are gone then.
static int open_regular(const char *path, struct stat *st)
{
    int fd = stat(path, st) == 0 && S_ISREG(st->st_mode) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    return fd;
}

static size_t read_up_to(int fd, char *buffer, size_t size)
{
    size_t length = 0;
    while (length < size) {
        ssize_t n = read(fd, buffer + length, size - length);
        if (n <= 0 && !(n < 0 && errno == EINTR))
            break;
        length += n > 0 ? (size_t)n : 0;
    }
    return length;
}

bool text_head(const char *path, char *buffer, size_t size, size_t *length)
{
    struct stat st;
    int fd = open_regular(path, &st);
    *length = 0;
    buffer[0] = '\0';
    if (fd < 0)
        return false;
    *length = read_up_to(fd, buffer, size - 1);
    buffer[*length] = '\0';
    close(fd);
    return true;
}

char *text_file(const char *path, size_t limit, size_t *length)
{
    struct stat st;
    int fd = open_regular(path, &st);
    if (fd < 0)
        return NULL;
    char *text = (size_t)st.st_size <= limit ? malloc((size_t)st.st_size + 1) : NULL;
    if (text) {
        *length = read_up_to(fd, text, (size_t)st.st_size);
        text[*length] = '\0';
    }
    close(fd);
    return text;
}
