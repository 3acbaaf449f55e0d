// SPDX-License-Identifier: MIT
// highlight.c - a tokenizer that is right about strings and good enough about the rest.

#include "highlight.h"

#include <string.h>

// ---- words

// Sorted. Soft keywords (match, case, type) stay plain: telling them from names takes a parser.
static const char *const keywords[] = {
    "and",    "as",   "assert", "async",  "await",  "break",   "class",    "continue",
    "def",    "del",  "elif",   "else",   "except", "finally", "for",      "from",
    "global", "if",   "import", "in",     "is",     "lambda",  "nonlocal", "not",
    "or",     "pass", "raise",  "return", "try",    "while",   "with",     "yield",
};

static const char *const constants[] = {"False", "None", "True"};

static const char *const builtins[] = {
    "abs",        "all",         "any",    "bool",         "bytearray", "bytes",     "callable",
    "chr",        "classmethod", "dict",   "dir",          "divmod",    "enumerate", "eval",
    "exec",       "filter",      "float",  "format",       "frozenset", "getattr",   "globals",
    "hasattr",    "hash",        "hex",    "id",           "input",     "int",       "isinstance",
    "issubclass", "iter",        "len",    "list",         "locals",    "map",       "max",
    "memoryview", "min",         "next",   "object",       "open",      "ord",       "pow",
    "print",      "property",    "range",  "repr",         "reversed",  "round",     "set",
    "setattr",    "slice",       "sorted", "staticmethod", "str",       "sum",       "super",
    "tuple",      "type",        "vars",   "zip",
};

static int compare_word(const char *text, size_t length, const char *word)
{
    int order = strncmp(text, word, length);
    return order ? order : word[length] ? -1 : 0;
}

static bool is_among(const char *text, size_t length, const char *const *words, size_t count)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_word(text, length, words[middle]);
        if (!order)
            return true;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

#define IS_AMONG(text, length, words) is_among(text, length, words, sizeof words / sizeof *words)

// ---- characters

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c) // bytes beyond ASCII are letters as far as we care
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (unsigned char)c >= 0x80;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\f';
}

static bool is_quote(char c)
{
    return c == '"' || c == '\'';
}

static size_t word_length(const char *text, size_t length)
{
    size_t n = 0;
    while (n < length && is_word(text[n]))
        n++;
    return n;
}

// ---- strings

static bool is_triple(const char *text, size_t length, char quote)
{
    return length >= 3 && text[0] == quote && text[1] == quote && text[2] == quote;
}

// From inside a string to its end or to the end of the line.
static size_t string_rest(struct highlight *state, const char *text, size_t length)
{
    size_t i = 0;
    while (i < length) {
        if (text[i] == '\\' && i + 1 < length) { // in a raw string too it keeps a quote inside
            i += 2;
        } else if (text[i] != (char)state->quote) {
            i++;
        } else if (!state->triple || is_triple(text + i, length - i, text[i])) {
            i += state->triple ? 3 : 1;
            state->quote = 0;
            return i;
        } else {
            i++;
        }
    }
    return length;
}

static size_t string_start(struct highlight *state, const char *text, size_t length, size_t prefix)
{
    state->quote = (uint8_t)text[prefix];
    state->triple = is_triple(text + prefix, length - prefix, text[prefix]);
    state->previous = '"';
    size_t open = prefix + (state->triple ? 3 : 1);
    return open + string_rest(state, text + open, length - open);
}

// "rb" in rb'...': at most three letters that may stand before a quote.
static bool is_prefix(const char *text, size_t n)
{
    if (n > 3)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!strchr("rRbBuUfFtT", text[i]))
            return false;
    return true;
}

// ---- the other tokens

static enum token word_kind(const struct highlight *state, const char *text, size_t length)
{
    if (state->naming)
        return TOKEN_DEFINITION;
    if (state->previous == '.')
        return TOKEN_PLAIN;
    if (IS_AMONG(text, length, keywords))
        return TOKEN_KEYWORD;
    if (IS_AMONG(text, length, constants))
        return TOKEN_CONSTANT;
    return IS_AMONG(text, length, builtins) ? TOKEN_BUILTIN : TOKEN_PLAIN;
}

static size_t word(struct highlight *state, const char *text, size_t length, enum token *kind)
{
    size_t n = word_length(text, length);
    if (n < length && is_quote(text[n]) && is_prefix(text, n)) {
        *kind = TOKEN_STRING;
        return string_start(state, text, length, n);
    }
    *kind = word_kind(state, text, n);
    state->naming = *kind == TOKEN_KEYWORD &&
                    (compare_word(text, n, "def") == 0 || compare_word(text, n, "class") == 0);
    state->previous = 'a';
    return n;
}

static bool is_exponent_sign(const char *text, size_t i)
{
    return (text[i] == '+' || text[i] == '-') && (text[i - 1] == 'e' || text[i - 1] == 'E') &&
           !(text[0] == '0' && (text[1] == 'x' || text[1] == 'X'));
}

static size_t number(struct highlight *state, const char *text, size_t length)
{
    size_t n = 1;
    while (n < length && (is_word(text[n]) || text[n] == '.' || is_exponent_sign(text, n)))
        n++;
    state->previous = '0';
    return n;
}

static size_t decorator(struct highlight *state, const char *text, size_t length)
{
    size_t n = 1;
    while (n < length && (is_word(text[n]) || text[n] == '.'))
        n++;
    state->previous = '@';
    return n;
}

static size_t blanks(const char *text, size_t length)
{
    size_t n = 0;
    while (n < length && is_blank(text[n]))
        n++;
    return n;
}

static void symbol(struct highlight *state, char c)
{
    if (strchr("([{", c) && c)
        state->depth++;
    else if (strchr(")]}", c) && c && state->depth)
        state->depth--;
    state->naming = false;
    state->previous = (uint8_t)c;
}

static bool starts_number(const char *text, size_t length)
{
    return is_digit(text[0]) || (text[0] == '.' && length > 1 && is_digit(text[1]));
}

// ---- the tokenizer

bool highlight_at_statement(const struct highlight *state)
{
    return !state->quote && !state->depth && !state->continued;
}

static size_t outside_string(struct highlight *state, const char *text, size_t length,
                             enum token *kind)
{
    char c = text[0];
    if (c == '#') {
        *kind = TOKEN_COMMENT;
        return length;
    }
    if (is_blank(c))
        return blanks(text, length);
    if (is_quote(c)) {
        *kind = TOKEN_STRING;
        return string_start(state, text, length, 0);
    }
    if (starts_number(text, length)) {
        *kind = TOKEN_NUMBER;
        return number(state, text, length);
    }
    if (is_word(c))
        return word(state, text, length, kind);
    if (c == '@' && !state->previous && !state->depth) {
        *kind = TOKEN_DECORATOR;
        return decorator(state, text, length);
    }
    symbol(state, c);
    return 1;
}

size_t highlight_next(struct highlight *state, const char *text, size_t length, enum token *kind)
{
    *kind = TOKEN_PLAIN;
    if (!state->quote)
        return outside_string(state, text, length, kind);
    *kind = TOKEN_STRING;
    return string_rest(state, text, length);
}

void highlight_end_line(struct highlight *state, const char *line, size_t length)
{
    size_t slashes = 0;
    while (slashes < length && line[length - 1 - slashes] == '\\')
        slashes++;
    bool escaped = slashes % 2;
    if (state->quote && !state->triple && !escaped)
        state->quote = 0; // never closed: a mistake, or not Python
    state->continued = escaped && !state->quote && state->previous == '\\';
    state->naming = false;
    if (!state->continued && !state->depth)
        state->previous = 0;
}
