/* Memory for flows, connections and logs. See memory.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "memory.h"

#include <string.h>

#include <wireshark.h>

#include <epan/wmem_scopes.h>

/* Large blocks are cut into small ones; what is larger than SMALL gets a block of its own. */
enum { LARGE = 64 * 1024 - 64, SMALL = 2048, UNIT = 8 };

/* Stands before a block that may be resized. */
struct header {
    size_t bytes;
};

/* A block that was outgrown, kept for the next one that needs its size. */
struct outgrown {
    struct outgrown *next;
};

static uint8_t *rest;
static size_t rest_bytes;
static struct outgrown *outgrown[SMALL / UNIT + 1];

void tcpstate_memory_start(void)
{
    rest = NULL;
    rest_bytes = 0;
    memset(outgrown, 0, sizeof outgrown);
}

static size_t rounded(size_t bytes)
{
    return (bytes + UNIT - 1) & ~(size_t)(UNIT - 1);
}

void *tcpstate_allocate(size_t bytes)
{
    void *block;

    bytes = rounded(bytes);
    if (bytes > SMALL) return wmem_alloc(wmem_file_scope(), bytes);
    if (bytes > rest_bytes) {
        rest = wmem_alloc(wmem_file_scope(), LARGE);
        rest_bytes = LARGE;
    }
    block = rest;
    rest += bytes;
    rest_bytes -= bytes;
    return block;
}

static void *allocate_resizable(size_t bytes)
{
    struct outgrown **reusable = bytes <= SMALL ? &outgrown[bytes / UNIT] : NULL;
    struct header *header;

    if (reusable && *reusable) {
        void *block = *reusable;

        *reusable = (*reusable)->next;
        return block;
    }
    header = tcpstate_allocate(sizeof *header + bytes);
    header->bytes = bytes;
    return header + 1;
}

static void keep_outgrown(void *block)
{
    size_t bytes = ((struct header *)block - 1)->bytes;
    struct outgrown *kept = block;

    if (bytes > SMALL) {
        /* With its header it was larger than SMALL, so it is a block of wmem's. */
        wmem_free(wmem_file_scope(), (struct header *)block - 1);
        return;
    }
    kept->next = outgrown[bytes / UNIT];
    outgrown[bytes / UNIT] = kept;
}

/* tcps_memory.resize */
static void *resize(void *context _U_, void *old, size_t bytes)
{
    void *block = allocate_resizable(rounded(bytes));

    if (old) {
        memcpy(block, old, MIN(((struct header *)old - 1)->bytes, bytes));
        keep_outgrown(old);
    }
    return block;
}

const struct tcps_memory tcpstate_memory = {.resize = resize};
