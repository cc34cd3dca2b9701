/* All connections between the same two addresses and ports, one after the other (rule 10).
 * Decides at each segment whether it belongs to the connection at hand or begins a new one; the host's own numbering of
 * streams has no say. The host keeps one flow per pair of (address, port), in a table of its own.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPS_FLOW_H
#define TCPS_FLOW_H

#include "conn.h"

/* Zeroed by the host before the first segment, but for first.ports. */
struct tcps_flow {
    struct tcps_conn first; /* without log entries before the first segment */
};

/* The connection that the next segment most likely belongs to; never NULL. */
static inline struct tcps_conn *tcps_newest(struct tcps_flow *flow)
{
    struct tcps_conn *first = &flow->first;

    return first->rarities && first->rarities->newest ? first->rarities->newest : first;
}

/* Feeds the next segment of the capture. Returns the connection it belongs to, or NULL when there is no memory.
 * Segments come in rising order of position; a position fed again replaces what was known of it (read filters give a
 * rejected frame's number to the next frame). */
struct tcps_conn *tcps_flow_feed(struct tcps_flow *flow, const struct tcps_memory *memory,
                                 const struct tcps_segment *seg);

/* The connection that position `at` belongs to: the newest that begins at or before it; NULL if none does. */
struct tcps_conn *tcps_flow_at(struct tcps_flow *flow, struct tcps_position at);

/* An ICMP error at position `seg->at` quotes a segment that end `seg->from` sent (seq as quoted): notes it if the
 * connection at hand knows the number. Returns the connection, or NULL if there is none. */
struct tcps_conn *tcps_flow_unreachable(struct tcps_flow *flow, const struct tcps_memory *memory,
                                        const struct tcps_segment *seg);

#endif
