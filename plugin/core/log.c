/* The log of one connection. See log.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "log.h"

enum { LAYER_LAST = 126, LAYER_GIVEN_UP = 127 };

/* Two entries hold a handshake that is never completed, eight an ordinary life; beyond, a third is left unused at most.
 */
static uint16_t next_capacity(unsigned capacity)
{
    if (capacity == 0) return 2;
    if (capacity < 8) return 8;
    return (uint16_t)(capacity + capacity / 2);
}

static bool grow(struct tcps_log *log, const struct tcps_memory *memory)
{
    uint16_t capacity = next_capacity(log->capacity);
    struct tcps_entry *grown =
        memory->resize(memory->context, log->entries, log->capacity * sizeof *grown, capacity * sizeof *grown);

    if (!grown) return false;
    log->entries = grown;
    log->capacity = capacity;
    return true;
}

struct tcps_entry *tcps_log_append(struct tcps_log *log, const struct tcps_memory *memory)
{
    if (log->count >= TCPS_LOG_LIMIT) return NULL;
    if (log->count == log->capacity && !grow(log, memory)) return NULL;
    return &log->entries[log->count++];
}

static uint64_t rank(uint32_t frame, unsigned layer)
{
    return (uint64_t)frame << 8 | layer;
}

static uint64_t rank_of(struct tcps_position at)
{
    return rank(at.frame, at.layer < LAYER_LAST ? at.layer : LAYER_LAST);
}

/* How many entries rank below `limit`. */
static uint32_t count_below(const struct tcps_log *log, uint64_t limit)
{
    uint32_t low = 0, high = log->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct tcps_entry *entry = &log->entries[middle];

        if (rank(entry->frame, entry->layer) < limit)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t tcps_log_before(const struct tcps_log *log, struct tcps_position at)
{
    return count_below(log, rank_of(at));
}

uint32_t tcps_log_until(const struct tcps_log *log, struct tcps_position at)
{
    return count_below(log, rank_of(at) + 1);
}

TCPS_RARE void tcps_log_give_up(struct tcps_log *log, struct tcps_position at)
{
    const struct tcps_entry *last = log->count ? &log->entries[log->count - 1] : NULL;

    if (!last || rank(last->frame, last->layer) < rank_of(at)) return; /* new, or a further layer of the same frame */
    /* Layers 126 and beyond share a rank: they are the same frame going on. */
    if (at.layer >= LAYER_LAST && last->frame == at.frame) return;
    for (uint32_t i = log->count; i-- > 0 && log->entries[i].frame >= at.frame;) {
        log->entries[i].frame = at.frame - 1;
        log->entries[i].layer = LAYER_GIVEN_UP;
    }
}
