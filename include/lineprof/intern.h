// SPDX-License-Identifier: MIT
// intern.h - equal things get equal small numbers: texts, and rows of 32-bit words.
//
// Ids count from 0 in order of first appearance, so whatever is kept per id is a plain array. Ids
// and texts never move or change; for one writer at a time.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define INTERN_NONE UINT32_MAX // no memory left

struct intern;
struct intern *intern_new(void); // NULL: no memory
void intern_free(struct intern *texts);
uint32_t intern_id(struct intern *texts, const char *text);       // INTERN_NONE: no memory
const char *intern_text(const struct intern *texts, uint32_t id); // lives as long as the table
uint32_t intern_count(const struct intern *texts);

struct rows;
struct rows *rows_new(uint32_t width); // words in a row; NULL: no memory
void rows_free(struct rows *rows);
uint32_t rows_id(struct rows *rows, const uint32_t *words);         // INTERN_NONE: no memory
uint32_t rows_find(const struct rows *rows, const uint32_t *words); // INTERN_NONE: not there
const uint32_t *rows_at(const struct rows *rows, uint32_t id);      // valid until the next rows_id
uint32_t rows_count(const struct rows *rows);
