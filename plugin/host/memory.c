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

/* A block of rounded size: an outgrown one, if there is. */
static void *reuse_or_allocate(size_t bytes)
{
    struct outgrown **reusable = bytes <= SMALL ? &outgrown[bytes / UNIT] : NULL;

    if (reusable && *reusable) {
        void *block = *reusable;

        *reusable = (*reusable)->next;
        return block;
    }
    return tcpstate_allocate(bytes);
}

static void keep_outgrown(void *block, size_t bytes)
{
    struct outgrown *kept = block;

    if (bytes > SMALL) {
        wmem_free(wmem_file_scope(), block);
        return;
    }
    kept->next = outgrown[bytes / UNIT];
    outgrown[bytes / UNIT] = kept;
}

/* tcps_memory.resize */
static void *resize(void *context _U_, void *old, size_t old_bytes, size_t bytes)
{
    void *block = reuse_or_allocate(rounded(bytes));

    if (old) {
        memcpy(block, old, MIN(old_bytes, bytes));
        keep_outgrown(old, rounded(old_bytes));
    }
    return block;
}

const struct tcps_memory tcpstate_memory = {.resize = resize};
