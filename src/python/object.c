// SPDX-License-Identifier: MIT
// object.c - attributes of an instance, text of a str.
//
// An instance's attributes are a table of keys and their values. The keys lie in a dict's keys
// object (CPython Objects/dict-common.h up to 3.10, Include/internal/pycore_dict.h from 3.11). The
// values lie beside them (a combined table) or, when all instances of a class share the keys, in
// an array of the instance (a split table). Where each version has the two is found by
// instance_table(); the search is the same for all.
#include "lineprof/object.h"

#include <errno.h>
#include <string.h>

// Include/object.h. The bits have these meanings in each version whose row says that it has them.
#define FLAG_INLINE_VALUES (UINT64_C(1) << 2)
#define FLAG_MANAGED_DICT  (UINT64_C(1) << 4)
#define FLAG_STR_SUBCLASS  (UINT64_C(1) << 28)

#define INSTANCE_MAX       (1 << 20) // bytes of an instance without its items
#define INDEX_BYTES_MAX    (UINT64_C(1) << 40)
#define ENTRY_WORDS_MAX    3
#define ENTRIES_AT_ONCE    32
#define CHARACTERS_AT_ONCE 256

// ---- types

struct instance {
    target_addr at, type;
    uint64_t flags;
};

static int instance_read(const struct mem *mem, const struct py_layout *layout, target_addr object,
                         struct instance *instance)
{
    instance->at = object;
    int err = MEM_GET(mem, object, layout->object_type, &instance->type);
    if (err == 0)
        err = MEM_GET(mem, instance->type, layout->type_flags, &instance->flags);
    return err;
}

static int str_read(const struct mem *mem, const struct py_layout *layout, target_addr object,
                    struct py_string *string)
{
    struct instance instance;
    int err = instance_read(mem, layout, object, &instance);
    if (err == 0 && !(instance.flags & FLAG_STR_SUBCLASS))
        err = -EINVAL;
    return err < 0 ? err : code_string_read(mem, layout, object, string);
}

// ---- comparing text

bool object_string_ends(const struct mem *mem, const struct py_string *string, const char *end)
{
    uint32_t raw[OBJECT_NAME_MAX]; // of the widest kind
    char text[OBJECT_NAME_MAX * 4 + 1];
    size_t length = strlen(end);
    if (length > OBJECT_NAME_MAX || length > string->length)
        return false;
    target_addr from = string->data + (target_addr)(string->length - length) * string->kind;
    if (mem->read(mem, from, raw, length * string->kind) < 0)
        return false;
    code_string_utf8(raw, (uint32_t)length, string->kind, text, sizeof text);
    return strcmp(text, end) == 0;
}

// ---- where an instance keeps its attributes

struct table {
    target_addr keys;
    target_addr values; // of a split table, else 0
};

static int dict_table(const struct mem *mem, const struct py_layout *layout, target_addr dict,
                      struct table *table)
{
    if (dict == 0)
        return -ENOENT; // made with the first attribute
    int err = MEM_GET(mem, dict, layout->dict_keys, &table->keys);
    if (err == 0)
        err = MEM_GET(mem, dict, layout->dict_values, &table->values);
    if (table->values != 0)
        table->values += layout->values_array;
    return err;
}

static int dict_table_at(const struct mem *mem, const struct py_layout *layout, target_addr at,
                         struct table *table)
{
    target_addr dict;
    int err = MEM_GET(mem, at, 0, &dict);
    return err < 0 ? err : dict_table(mem, layout, dict, table);
}

static int values_table(const struct mem *mem, const struct py_layout *layout,
                        const struct instance *instance, target_addr values, struct table *table)
{
    table->values = values + layout->values_array;
    return MEM_GET(mem, instance->type, layout->type_cached_keys, &table->keys);
}

// _PyObject_GetDictPtr
static int offset_table(const struct mem *mem, const struct py_layout *layout,
                        const struct instance *instance, struct table *table)
{
    int64_t offset;
    int err = MEM_GET(mem, instance->type, layout->type_dictoffset, &offset);
    if (err < 0)
        return err;
    if (offset <= 0)
        return offset == 0 ? -ENOENT : -ENOTSUP;
    return offset <= INSTANCE_MAX
               ? dict_table_at(mem, layout, instance->at + (uint64_t)offset, table)
               : -EINVAL;
}

// 3.11 pycore_object.h, _PyObject_ValuesPointer and _PyObject_ManagedDictPointer
static int pointers_table(const struct mem *mem, const struct py_layout *layout,
                          const struct instance *instance, struct table *table)
{
    target_addr values;
    int err = MEM_GET(mem, instance->at, -(target_addr)layout->object_values_before, &values);
    if (err < 0)
        return err;
    if (values != 0)
        return values_table(mem, layout, instance, values, table);
    return dict_table_at(mem, layout, instance->at - layout->object_dict_before, table);
}

// 3.12 pycore_object.h, _PyDictOrValues_GetValues
static int tagged_table(const struct mem *mem, const struct py_layout *layout,
                        const struct instance *instance, struct table *table)
{
    target_addr word;
    int err = MEM_GET(mem, instance->at, -(target_addr)layout->object_dict_before, &word);
    if (err < 0)
        return err;
    if (word & 1)
        return values_table(mem, layout, instance, word + 1, table);
    return dict_table(mem, layout, word, table);
}

// 3.13 pycore_object.h, _PyObject_InlineValues. A dict may be there as well while they are valid:
// it then refers to them.
static int inline_table(const struct mem *mem, const struct py_layout *layout,
                        const struct instance *instance, struct table *table)
{
    uint64_t size;
    uint8_t valid = 0;
    int err = MEM_GET(mem, instance->type, layout->type_basicsize, &size);
    if (err == 0 && size > INSTANCE_MAX)
        err = -EINVAL;
    if (err == 0 && (instance->flags & FLAG_INLINE_VALUES))
        err = MEM_GET(mem, instance->at + size, layout->values_valid, &valid);
    if (err < 0)
        return err;
    if (valid)
        return values_table(mem, layout, instance, instance->at + size, table);
    return dict_table_at(mem, layout, instance->at - layout->object_dict_before, table);
}

static int instance_table(const struct mem *mem, const struct py_layout *layout,
                          const struct instance *instance, struct table *table)
{
    if (layout->attributes == ATTRIBUTES_DICT || !(instance->flags & FLAG_MANAGED_DICT))
        return offset_table(mem, layout, instance, table);
    switch (layout->attributes) {
    case ATTRIBUTES_POINTERS:
        return pointers_table(mem, layout, instance, table);
    case ATTRIBUTES_TAGGED:
        return tagged_table(mem, layout, instance, table);
    case ATTRIBUTES_INLINE:
        return inline_table(mem, layout, instance, table);
    case ATTRIBUTES_DICT:
        break;
    }
    return -EINVAL;
}

// ---- the entries of a keys object: behind the hash table, in the order in which they were added

struct entries {
    target_addr at;
    uint32_t count, words; // words of an entry: the hash, if there is one, the key, the value
};

// dk_size slots, each as wide as the number of slots needs. DK_IXSIZE, 3.8 Objects/dictobject.c
static int slots_bytes(uint64_t slots, uint64_t *bytes)
{
    uint64_t width = slots <= UINT8_MAX ? 1 : slots <= UINT16_MAX ? 2 : slots <= UINT32_MAX ? 4 : 8;
    if (slots == 0 || (slots & (slots - 1)) != 0 || slots > INDEX_BYTES_MAX / 8)
        return -EINVAL;
    *bytes = slots * width;
    return 0;
}

static int index_bytes(const struct mem *mem, const struct py_layout *layout, target_addr keys,
                       uint64_t *bytes)
{
    uint64_t slots;
    uint8_t log2;
    bool counted = layout->keys_log2_index_bytes == PY_ABSENT;
    int err = counted ? MEM_GET(mem, keys, layout->keys_size, &slots)
                      : MEM_GET(mem, keys, layout->keys_log2_index_bytes, &log2);
    if (err < 0)
        return err;
    if (counted)
        return slots_bytes(slots, bytes);
    *bytes = UINT64_C(1) << (log2 & 63);
    return log2 < 64 && *bytes <= INDEX_BYTES_MAX ? 0 : -EINVAL;
}

// PyDictKeyEntry has the hash, PyDictUnicodeEntry (3.11 and later) has not.
static int entry_words(const struct mem *mem, const struct py_layout *layout, target_addr keys,
                       uint32_t *words)
{
    uint8_t kind = 0;
    int err = 0;
    if (layout->keys_kind != PY_ABSENT)
        err = MEM_GET(mem, keys, layout->keys_kind, &kind);
    *words = kind == 0 ? 3 : 2;
    return err;
}

static int entries_read(const struct mem *mem, const struct py_layout *layout, target_addr keys,
                        struct entries *entries)
{
    uint64_t count, bytes = 0;
    int err = MEM_GET(mem, keys, layout->keys_nentries, &count);
    if (err == 0 && count > INDEX_BYTES_MAX)
        err = -EINVAL;
    if (err == 0)
        err = index_bytes(mem, layout, keys, &bytes);
    if (err == 0)
        err = entry_words(mem, layout, keys, &entries->words);
    if (err < 0)
        return err;
    entries->at = keys + layout->keys_indices + bytes;
    entries->count = count < OBJECT_KEYS_MAX ? (uint32_t)count : OBJECT_KEYS_MAX;
    return 0;
}

// ---- searching

// 1: this key is it, 0: another one, or -errno. The length first: most keys are told by it.
static int key_is(const struct mem *mem, const struct py_layout *layout, target_addr key,
                  const char *name)
{
    struct py_string string;
    uint64_t length;
    if (key == 0)
        return 0; // deleted
    int err = MEM_GET(mem, key, layout->str_length, &length);
    if (err < 0 || length != strlen(name))
        return err;
    err = str_read(mem, layout, key, &string);
    if (err < 0)
        return err == -EINVAL ? 0 : err; // a key may be any object
    return string.length == length && object_string_ends(mem, &string, name);
}

// Among `count` entries: the index, or `count`; or -errno. `value`: what stands beside the key.
static int block_find(const struct mem *mem, const struct py_layout *layout,
                      const target_addr *words, uint32_t per_entry, uint32_t count,
                      const char *name, target_addr *value)
{
    uint32_t i = 0;
    for (; i < count; i++) {
        const target_addr *entry = words + (size_t)i * per_entry;
        *value = entry[per_entry - 1];
        int is = key_is(mem, layout, entry[per_entry - 2], name);
        if (is < 0)
            return is;
        if (is)
            break;
    }
    return (int)i;
}

static int entries_find(const struct mem *mem, const struct py_layout *layout,
                        const struct entries *entries, const char *name, uint32_t *index,
                        target_addr *value)
{
    target_addr words[ENTRIES_AT_ONCE * ENTRY_WORDS_MAX];
    uint32_t size = entries->words * (uint32_t)sizeof *words;
    for (uint32_t done = 0; done < entries->count; done += ENTRIES_AT_ONCE) {
        uint32_t left = entries->count - done;
        uint32_t count = left < ENTRIES_AT_ONCE ? left : ENTRIES_AT_ONCE;
        int err = mem->read(mem, entries->at + (uint64_t)done * size, words, (size_t)count * size);
        if (err < 0)
            return err;
        int found = block_find(mem, layout, words, entries->words, count, name, value);
        if (found < 0)
            return found;
        *index = done + (uint32_t)found;
        if ((uint32_t)found < count)
            return 0;
    }
    return -ENOENT;
}

static int table_find(const struct mem *mem, const struct py_layout *layout,
                      const struct table *table, const char *name, target_addr *value)
{
    struct entries entries;
    uint32_t index;
    int err = entries_read(mem, layout, table->keys, &entries);
    if (err == 0)
        err = entries_find(mem, layout, &entries, name, &index, value);
    if (err == 0 && table->values != 0)
        err = MEM_GET(mem, table->values, (uint64_t)index * sizeof *value, value);
    if (err == 0 && *value == 0)
        err = -ENOENT; // another instance has it
    return err;
}

int object_attribute(const struct mem *mem, const struct py_layout *layout, target_addr object,
                     const char *name, target_addr *value)
{
    struct instance instance;
    struct table table = {0};
    int err = instance_read(mem, layout, object, &instance);
    if (err == 0)
        err = instance_table(mem, layout, &instance, &table);
    return err < 0 ? err : table_find(mem, layout, &table, name, value);
}

// ---- text

// Appends one character to out[used], a lone surrogate as U+FFFD; the bytes, 0: no room. It comes
// back from code_string_utf8 as the byte that it may stand for in a file name.
static size_t put_character(const void *data, uint8_t kind, char *out, size_t room)
{
    char encoded[5];
    size_t n = code_string_utf8(data, 1, kind, encoded, sizeof encoded);
    const char *text = encoded;
    if (n == 1 && (encoded[0] & 0x80)) {
        text = "\xef\xbf\xbd";
        n = 3;
    }
    if (n >= room)
        return 0;
    memcpy(out, text, n);
    return n;
}

// How many bytes were appended; *whole: all characters found room.
static size_t put_characters(const char *data, uint32_t count, uint8_t kind, char *out, size_t room,
                             bool *whole)
{
    size_t used = 0;
    *whole = true;
    for (uint32_t i = 0; i < count; i++) {
        size_t n = put_character(data + (size_t)i * kind, kind, out + used, room - used);
        if (n == 0) {
            *whole = false;
            break;
        }
        used += n;
    }
    return used;
}

static int string_text(const struct mem *mem, const struct py_string *string, char *out,
                       size_t size)
{
    char raw[CHARACTERS_AT_ONCE * 4];
    size_t used = 0;
    bool whole = true;
    for (uint32_t done = 0; whole && done < string->length; done += CHARACTERS_AT_ONCE) {
        uint32_t left = string->length - done;
        uint32_t count = left < CHARACTERS_AT_ONCE ? left : CHARACTERS_AT_ONCE;
        int err = mem->read(mem, string->data + (uint64_t)done * string->kind, raw,
                            (size_t)count * string->kind);
        if (err < 0)
            return err;
        used += put_characters(raw, count, string->kind, out + used, size - used, &whole);
    }
    out[used] = '\0';
    return 0;
}

int object_text(const struct mem *mem, const struct py_layout *layout, target_addr object,
                char *out, size_t size)
{
    struct py_string string;
    if (size == 0)
        return -EINVAL;
    int err = str_read(mem, layout, object, &string);
    return err < 0 ? err : string_text(mem, &string, out, size);
}
