/* The log of one connection: what changed, at which frame, and why. Sorted by position, looked up by bisection,
 * so that any frame can be asked for in any order, in any pass, without a byte stored per packet.
 * Knows states and reasons, not how they come about. Look next: conn.h, the only writer.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPS_LOG_H
#define TCPS_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rare.h"
#include "segment.h"

/* How the core gets memory: a block of `bytes`, with the contents of the block `old` of `old_bytes` (NULL, 0: a new
 * one), which is then given up. NULL means there is none; the core then keeps what it has. The core never frees: the
 * host drops everything at once (file scope, arena). */
struct tcps_memory {
    void *(*resize)(void *context, void *old, size_t old_bytes, size_t bytes);
    void *context;
};

/* One hop of either or both ends. Sixteen bytes, because an ordinary connection has eight of them. */
struct tcps_entry {
    int64_t time; /* of the frame, nanoseconds since 1970 */
    uint32_t frame;
    unsigned layer : 7; /* TCP layer in the frame; 126 stands for "126 or more", 127 for a frame that was given up */
    unsigned client_end : 1; /* which end was held to be the client */
    unsigned hops : 24;      /* by end, twelve bits each: see tcps_hop() */
};

#define TCPS_HOPS 0xffffffu /* the bits of `hops` */

/* No connection needs more; past it the states are UNKNOWN (TCPS_WHY_LOG_FULL) and nothing more is logged. */
#define TCPS_LOG_LIMIT 4096

/* Once the log is that long, verdicts that change nothing are no longer kept: a flood of forged segments must not push
 * out the transitions. */
#define TCPS_LOG_VERDICTS 1024

/* Packed, since the octets between the log and its neighbours would else be lost in every connection. */
#pragma pack(push, 4)
struct tcps_log {
    struct tcps_entry *entries;
    uint16_t count, capacity;
};
#pragma pack(pop)

/* Appends an entry and returns it, for the caller to fill in; NULL, with the log unchanged, when there is no memory or
 * the limit is reached. Valid until the next is appended. */
struct tcps_entry *tcps_log_append(struct tcps_log *log, const struct tcps_memory *memory);

/* How many entries stand before position `at` (at the same position: not counted). O(log n). */
uint32_t tcps_log_before(const struct tcps_log *log, struct tcps_position at);

/* How many entries stand at or before position `at`. O(log n). The state there is that of the last of them. */
uint32_t tcps_log_until(const struct tcps_log *log, struct tcps_position at);

/* A frame rejected by a read filter gives its number to the next frame. Moves entries at or behind `at` to the end of
 * the frame before, so that they stay in order and are not taken for the new frame's own. */
void tcps_log_give_up(struct tcps_log *log, struct tcps_position at);

/* What an entry says of one end: the state, its basis, and why it is so (TCPS_WHY_NONE: this entry is not about it). */
static inline unsigned tcps_hop(unsigned state, unsigned basis, unsigned why)
{
    return (state & 15u) | (basis & 3u) << 4 | (why & 63u) << 6;
}

static inline unsigned tcps_both_hops(unsigned hop0, unsigned hop1)
{
    return hop0 | hop1 << 12;
}

static inline void tcps_entry_set(struct tcps_entry *entry, unsigned end, unsigned hop)
{
    entry->hops = ((entry->hops & ~(4095u << 12 * end)) | hop << 12 * end) & TCPS_HOPS;
}

static inline unsigned tcps_entry_hop(const struct tcps_entry *entry, unsigned end)
{
    return entry->hops >> 12 * end & 4095u;
}

static inline unsigned tcps_entry_state(const struct tcps_entry *entry, unsigned end)
{
    return tcps_entry_hop(entry, end) & 15u;
}

static inline unsigned tcps_entry_basis(const struct tcps_entry *entry, unsigned end)
{
    return tcps_entry_hop(entry, end) >> 4 & 3u;
}

static inline unsigned tcps_entry_why(const struct tcps_entry *entry, unsigned end)
{
    return tcps_entry_hop(entry, end) >> 6;
}

#endif
