// SPDX-License-Identifier: MIT
// fuzz.h - bytes of a fuzzer's input, one after the other; zeros when there are no more.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct input {
    const uint8_t *at;
    size_t left;
};

static inline void take(struct input *input, void *to, size_t n)
{
    size_t there = n < input->left ? n : input->left;
    memset(to, 0, n);
    memcpy(to, input->at, there);
    input->at += there;
    input->left -= there;
}

static inline uint8_t take_byte(struct input *input)
{
    uint8_t byte;
    take(input, &byte, sizeof byte);
    return byte;
}
