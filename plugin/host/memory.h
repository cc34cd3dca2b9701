/* Memory for flows, connections and logs: small blocks cut from large ones of Wireshark's file scope.
 * Why not wmem_alloc() for each: its sixteen octets of book-keeping per block are a tenth of what a connection needs.
 * Look next: core/log.h, for who asks to resize.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPSTATE_MEMORY_H
#define TCPSTATE_MEMORY_H

#include <stddef.h>

#include "core/log.h"

/* What the core is given. Everything lives until the file is closed or dissected anew. */
extern const struct tcps_memory tcpstate_memory;

/* Forgets the blocks of the file before: to be called before the first frame of a file. */
void tcpstate_memory_start(void);

/* A block that is never resized, not zeroed. Never NULL: GLib's policy is to abort. */
void *tcpstate_allocate(size_t bytes);

#endif
