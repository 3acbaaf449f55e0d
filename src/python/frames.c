// SPDX-License-Identifier: MIT
// frames.c - one thread's Python frames, newest first.
//
// Runs in the signal handler, in the collector and in tests. So: no allocation, no logging, less
// than 1 kB of stack, target memory only through mem->read(), and one read for all that is needed
// of a frame. A chain may be torn at any hop: it is then given up, never guessed at.
//
// One loop serves every version. What differs is where a chain may end and what proves that it is
// whole (chain_boundary, cross_boundary), and what a position field holds (frame_offset).
#include "lineprof/frames.h"

#include <errno.h>
#include <string.h>

// enum _frameowner, CPython 3.11 to 3.15 Include/internal/pycore_{frame,interpframe_structs}.h.
// From 3 on the frame is none of Python's: 3.12 and 3.13 call 3 CSTACK, 3.14 calls it INTERPRETER.
enum { OWNER_GENERATOR = 1, OWNER_STUB = 3 };

#define OFFSET_MAX (1 << 28) // no bytecode is longer; a position beyond it is damaged

struct walk {
    const struct mem *mem;
    const struct py_layout *layout;
    uint32_t span_from, span_size; // the part of a frame that is read
    uint32_t followed;             // frames so far
    target_addr mark;              // a frame seen before: meeting it again means a cycle
};

struct frame {
    target_addr previous, code;
    uint64_t instr; // raw position field
    uint8_t owner;
    bool is_entry;
};

static bool get_address(const struct walk *walk, target_addr at, target_addr *value)
{
    return walk->mem->read(walk->mem, at, value, sizeof *value) == 0;
}

// ---- reading a frame

static uint32_t instr_size(const struct py_layout *layout)
{
    return layout->instr == INSTR_INDEX || layout->instr == INSTR_UNITS ? sizeof(int32_t)
                                                                        : sizeof(uint64_t);
}

static void cover(struct walk *walk, uint32_t offset, uint32_t size)
{
    if (offset == PY_ABSENT)
        return;
    uint32_t end = walk->span_from + walk->span_size;
    if (offset < walk->span_from)
        walk->span_from = offset;
    if (offset + size > end)
        end = offset + size;
    walk->span_size = end - walk->span_from;
}

static bool walk_begin(struct walk *walk, const struct mem *mem, const struct py_layout *layout)
{
    *walk = (struct walk){.mem = mem, .layout = layout, .span_from = layout->frame_code};
    cover(walk, layout->frame_code, sizeof(target_addr));
    cover(walk, layout->frame_previous, sizeof(target_addr));
    cover(walk, layout->frame_instr, instr_size(layout));
    cover(walk, layout->frame_owner, 1);
    cover(walk, layout->frame_is_entry, 1);
    return walk->span_size <= PY_FRAME_SPAN;
}

static uint64_t span_u64(const struct walk *walk, const unsigned char *span, uint32_t offset)
{
    uint64_t value;
    memcpy(&value, span + (offset - walk->span_from), sizeof value);
    return value;
}

static uint64_t span_i32(const struct walk *walk, const unsigned char *span, uint32_t offset)
{
    int32_t value;
    memcpy(&value, span + (offset - walk->span_from), sizeof value);
    return (uint64_t)(int64_t)value;
}

static uint8_t span_u8(const struct walk *walk, const unsigned char *span, uint32_t offset)
{
    return offset == PY_ABSENT ? 0 : span[offset - walk->span_from];
}

static bool frame_read(const struct walk *walk, target_addr address, struct frame *frame)
{
    const struct py_layout *layout = walk->layout;
    unsigned char span[PY_FRAME_SPAN];
    if (walk->mem->read(walk->mem, address + walk->span_from, span, walk->span_size) < 0)
        return false;
    frame->previous = span_u64(walk, span, layout->frame_previous);
    frame->code = span_u64(walk, span, layout->frame_code) & ~(uint64_t)layout->frame_code_mask;
    frame->instr = instr_size(layout) == sizeof(int32_t)
                       ? span_i32(walk, span, layout->frame_instr)
                       : span_u64(walk, span, layout->frame_instr);
    frame->owner = span_u8(walk, span, layout->frame_owner);
    frame->is_entry = span_u8(walk, span, layout->frame_is_entry) != 0;
    return true;
}

// Reads the next frame of the chain; false when the chain cannot be right. A cycle is found by
// keeping every 1st, 2nd, 4th, 8th ... frame in mind (Brent), long before FRAMES_MAX.
static bool frame_follow(struct walk *walk, target_addr address, struct frame *frame)
{
    if (address % sizeof address != 0 || address == walk->mark || walk->followed == FRAMES_MAX)
        return false;
    walk->followed++;
    if ((walk->followed & (walk->followed - 1)) == 0)
        walk->mark = address;
    return frame_read(walk, address, frame);
}

// ---- what Python would show of a frame

static bool pointer_offset(const struct walk *walk, const struct frame *frame, int64_t *offset)
{
    *offset = (int64_t)(frame->instr - (frame->code + walk->layout->code_bytes));
    // One code unit before the bytecode: a fresh frame in 3.11 and 3.12.
    return *offset >= -2 && *offset < OFFSET_MAX;
}

static bool index_offset(const struct frame *frame, int unit, int64_t *offset)
{
    int64_t index = (int64_t)frame->instr;
    *offset = index * unit;
    return index >= -1 && index < OFFSET_MAX; // -1: a fresh frame
}

static bool frame_offset(const struct walk *walk, const struct frame *frame, int64_t *offset)
{
    switch (walk->layout->instr) {
    case INSTR_INDEX:
        return index_offset(frame, 1, offset);
    case INSTR_UNITS:
        return index_offset(frame, 2, offset);
    case INSTR_PREVIOUS:
    case INSTR_POINTER:
        return pointer_offset(walk, frame, offset);
    }
    return false;
}

enum look { LOOK_SHOWN, LOOK_HIDDEN, LOOK_TORN };

// CPython's own rule, _PyFrame_IsIncomplete (3.11 to 3.13 pycore_frame.h, 3.14
// pycore_interpframe.h): a frame counts once it has reached its first traceable instruction, a
// generator's always does. It also leaves out the shim that 3.13 pushes around __init__.
static enum look frame_look(const struct walk *walk, const struct frame *frame, uint32_t *offset)
{
    int64_t at;
    if (frame->owner >= OWNER_STUB)
        return LOOK_HIDDEN;
    if (!frame_offset(walk, frame, &at))
        return LOOK_TORN;
    *offset = at < 0 ? 0 : (uint32_t)at;
    if (walk->layout->frame_owner == PY_ABSENT || frame->owner == OWNER_GENERATOR)
        return LOOK_SHOWN;
    int32_t first;
    if (MEM_GET(walk->mem, frame->code, walk->layout->code_firsttraceable, &first) < 0)
        return LOOK_TORN;
    return at >= (int64_t)first * 2 ? LOOK_SHOWN : LOOK_HIDDEN;
}

// ---- the chain

static bool has_cframes(const struct py_layout *layout)
{
    return layout->chain == CHAIN_CFRAME_ENTRY || layout->chain == CHAIN_CFRAME_STUB;
}

// True where C called Python: only there may a chain end. Up to 3.10 any frame may be the last.
static bool chain_boundary(const struct py_layout *layout, const struct frame *frame)
{
    switch (layout->chain) {
    case CHAIN_FRAME_OBJECTS:
        return true;
    case CHAIN_CFRAME_ENTRY:
        return frame->is_entry;
    case CHAIN_CFRAME_STUB:
    case CHAIN_CURRENT:
        return frame->owner >= OWNER_STUB;
    }
    return false;
}

// 3.11 and 3.12 chain one cframe per run of the eval function through the C stack. At a boundary
// the frame's caller must be the current frame of the next cframe; anything else is a chain in
// change. Both are NULL at the bottom: there that cframe is tstate->root_cframe, within a greenlet
// its own.
static bool cross_boundary(const struct walk *walk, target_addr *cframe, target_addr previous)
{
    const struct py_layout *layout = walk->layout;
    target_addr current;
    return get_address(walk, *cframe + layout->cframe_previous, cframe) && *cframe != 0 &&
           get_address(walk, *cframe + layout->cframe_current, &current) && current == previous;
}

// Follows the chain from `address` to its end. `cframe` is the cframe it hangs on, if there are
// any.
static enum walk_end walk_chain(struct walk *walk, target_addr address, target_addr cframe,
                                frame_visitor *visit, void *context)
{
    bool any = false;
    while (address != 0) {
        struct frame frame;
        uint32_t offset;
        if (!frame_follow(walk, address, &frame))
            return WALK_TORN;
        enum look look = frame_look(walk, &frame, &offset);
        if (look == LOOK_TORN)
            return WALK_TORN;
        if (look == LOOK_SHOWN && !visit(context, frame.code, offset))
            return WALK_STOPPED;
        any |= look == LOOK_SHOWN;
        bool boundary = chain_boundary(walk->layout, &frame);
        if (frame.previous == 0 && !boundary)
            return WALK_TORN;
        if (boundary && cframe != 0 && !cross_boundary(walk, &cframe, frame.previous))
            return WALK_TORN;
        address = frame.previous;
    }
    return any ? WALK_WHOLE : WALK_EMPTY;
}

// Can the frames that hang on the newest cframe be believed? 3.11.7 and 3.12.1 publish a cframe
// before its current_frame is set (Python/ceval.c, _PyEval_EvalFrameDefault): a handler then reads
// what an earlier call left on the C stack. Older cframes no longer change. `walk` is a copy: what
// is followed here does not count for the walk itself. Not inlined: its buffers would lie below
// every visitor, on a signal stack.
__attribute__((noinline)) static bool newest_holds(struct walk walk, target_addr cframe)
{
    target_addr address;
    struct frame frame;
    if (!get_address(&walk, cframe + walk.layout->cframe_current, &address))
        return false;
    while (address != 0 && frame_follow(&walk, address, &frame)) {
        if (chain_boundary(walk.layout, &frame))
            return cross_boundary(&walk, &cframe, frame.previous);
        // A generator that is just yielding (3.12): its caller is in a register only. Leaving out
        // this cframe would blame the caller's caller, so let the walk find it torn.
        if (frame.previous == 0 && frame.owner == OWNER_GENERATOR)
            return true;
        address = frame.previous;
    }
    return false;
}

static enum walk_end walk_cframes(struct walk *walk, target_addr tstate, frame_visitor *visit,
                                  void *context)
{
    const struct py_layout *layout = walk->layout;
    target_addr cframe, frame;
    if (!get_address(walk, tstate + layout->tstate_frame, &cframe))
        return WALK_TORN;
    bool retry = cframe != tstate + layout->tstate_root_cframe && !newest_holds(*walk, cframe);
    if (retry && !get_address(walk, cframe + layout->cframe_previous, &cframe))
        return WALK_TORN;
    if (cframe == 0 || !get_address(walk, cframe + layout->cframe_current, &frame))
        return WALK_TORN;
    enum walk_end end = walk_chain(walk, frame, cframe, visit, context);
    return retry && end == WALK_EMPTY ? WALK_TORN : end; // something hung on the newest cframe
}

static enum walk_end walk_frames(struct walk *walk, target_addr tstate, frame_visitor *visit,
                                 void *context)
{
    target_addr frame;
    if (!get_address(walk, tstate + walk->layout->tstate_frame, &frame))
        return WALK_TORN;
    return walk_chain(walk, frame, 0, visit, context);
}

enum walk_end frames_walk(const struct mem *mem, const struct py_layout *layout, target_addr tstate,
                          frame_visitor *visit, void *context)
{
    struct walk walk;
    if (!walk_begin(&walk, mem, layout))
        return WALK_TORN;
    if (has_cframes(layout))
        return walk_cframes(&walk, tstate, visit, context);
    return walk_frames(&walk, tstate, visit, context);
}

// ---- the innermost position

static int innermost(const struct mem *mem, const struct py_layout *layout, target_addr tstate,
                     target_addr *frame)
{
    int err = MEM_GET(mem, tstate, layout->tstate_frame, frame);
    if (err == 0 && has_cframes(layout))
        err = MEM_GET(mem, *frame, layout->cframe_current, frame);
    return err;
}

int frames_position(const struct mem *mem, const struct py_layout *layout, target_addr tstate,
                    struct py_position *position)
{
    *position = (struct py_position){0};
    int err = innermost(mem, layout, tstate, &position->frame);
    if (err < 0 || position->frame == 0)
        return err;
    return mem->read(mem, position->frame + layout->frame_instr, &position->instr,
                     instr_size(layout)); // an index fills the low half, the rest stays 0
}

// ---- the outermost frame

// No cframe is asked (3.11, 3.12): whatever older frame a stale one leads to, its chain ends in the
// same frame.
int frames_outermost(const struct mem *mem, const struct py_layout *layout, target_addr tstate,
                     target_addr *outermost, target_addr *code)
{
    struct walk walk;
    target_addr address;
    int err = walk_begin(&walk, mem, layout) ? innermost(mem, layout, tstate, &address) : -EINVAL;
    *outermost = 0;
    while (err == 0 && address != 0) {
        struct frame frame;
        uint32_t offset;
        if (!frame_follow(&walk, address, &frame) ||
            (frame.previous == 0 && !chain_boundary(layout, &frame)))
            return -EAGAIN;
        enum look look = frame_look(&walk, &frame, &offset);
        if (look == LOOK_TORN)
            return -EAGAIN;
        if (look == LOOK_SHOWN) {
            *outermost = address;
            *code = frame.code;
        }
        address = frame.previous;
    }
    return err == 0 && *outermost == 0 ? -ENOENT : err;
}

// ---- watching a position

static void add_word(struct py_watch *watch, target_addr at, uint64_t value, uint64_t mask)
{
    watch->at[watch->count] = at;
    watch->value[watch->count] = value & mask;
    watch->mask[watch->count++] = mask;
}

int frames_watch(const struct mem *mem, const struct py_layout *layout, target_addr tstate,
                 const struct py_position *position, struct py_watch *watch)
{
    target_addr at = tstate + layout->tstate_frame;
    watch->count = 0;
    if (layout->chain == CHAIN_CFRAME_ENTRY || layout->chain == CHAIN_CFRAME_STUB) {
        target_addr cframe;
        int err = mem->read(mem, at, &cframe, sizeof cframe);
        if (err)
            return err;
        add_word(watch, at, cframe, UINT64_MAX);
        at = cframe + layout->cframe_current;
    }
    add_word(watch, at, position->frame, UINT64_MAX);
    add_word(watch, position->frame + layout->frame_instr, position->instr,
             instr_size(layout) == sizeof(int32_t) ? UINT32_MAX : UINT64_MAX);
    return 0;
}
