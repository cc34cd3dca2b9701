/* One segment on its way through one connection: what conn.c, settle.c, reset.c and the rooms of evidence.h share.
 * Private to the core. The rooms of evidence.h and reset.c put facts into the endpoints and have settle.c settle their
 * states; conn.c logs what settled.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPS_STEP_H
#define TCPS_STEP_H

#include "conn.h"

struct tcps_step {
    struct tcps_conn *conn;
    const struct tcps_memory *memory;
    const struct tcps_segment *seg;
    struct tcps_endpoint *me, *peer; /* the segment's sender, and the other */
    uint8_t my_end, peer_end;
    bool implied;         /* packets are missing: what the receiver is moved by was not seen */
    uint16_t first_entry; /* of the segment: how long the log was before it */
    uint16_t hops[2];     /* by end: how many entries, from first_entry on, are about it */
};

/* Appends an entry about neither end to the log: the states at this segment as they are. Returns it, or NULL when there
 * is no memory or the log is full. */
struct tcps_entry *tcps_append_entry(struct tcps_conn *conn, const struct tcps_memory *memory,
                                     const struct tcps_segment *seg);

/* Is the segment one that a TCP could send, so that a connection can be known by it (rule 7)? */
bool tcps_proves_something(const struct tcps_segment *seg);

/* Is the segment's time stamp older than one that `peer`, its addressee, was sent before (RFC 7323 5)? */
bool tcps_is_overtaken(const struct tcps_segment *seg, const struct tcps_endpoint *peer);

/* The fingerprint by which a copy of a SYN, FIN or RST is told from a retransmission (rule 12). */
uint32_t tcps_mark_of(const struct tcps_segment *seg);

/* Moves `end` to the state that its facts now imply, through the states on the way. `why` is the reason of the last
 * hop, or TCPS_WHY_NONE: the one that fits the state. */
void tcps_settle(struct tcps_step *step, unsigned end, enum tcps_reason why);

/* Adds a verdict about `end`: the state stays. */
void tcps_verdict(struct tcps_step *step, unsigned end, enum tcps_reason why);

/* Is the sender of a segment in SYN_SENT: its SYN seen, nothing of it that answers the peer? */
bool tcps_only_syn_sent(const struct tcps_endpoint *endpoint);

/* Takes a SYN without ACK as the start of `step->me`: its facts, no states. */
void tcps_take_first_syn(struct tcps_step *step, const struct tcps_segment *seg);

/* The doubted FIN of the peer acknowledged octets that nobody saw its sender send. A hole in the capture that ends
 * right there, at this segment, shows that they were sent: the FIN is a fact. Returns whether it is now. */
bool tcps_believe_fin_by_hole(struct tcps_step *step);

/* Judges a RST (rule 5) and takes its effect. */
void tcps_take_reset(struct tcps_step *step);

/* A segment of an end that a RST had closed: is it proof that the RST did not? Called before its evidence is taken. */
void tcps_judge_life_after_reset(struct tcps_step *step);

#endif
