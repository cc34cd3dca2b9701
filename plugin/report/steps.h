/* The segments of one stream, kept for the ladder: those that change something singly, long runs of data as one.
 * Bounded: a connection of any length keeps at most TCPSTATE_STEP_LIMIT steps.
 * Look next: ladder_picture.h, which draws them; ladder.c, which tells them to programs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPSTATE_STEPS_H
#define TCPSTATE_STEPS_H

#include <glib.h>

#include "tap_payload.h"

enum { TCPSTATE_STEP_LIMIT = 20000 };

struct tcpstate_step {
    struct tcps_segment segment; /* the first, of a run */
    const struct tcps_conn *conn;
    uint32_t segments;  /* 1; more: a run of segments that changed nothing */
    uint32_t again;     /* how many of them send what was sent before */
    uint32_t copies;    /* how many are the same packet as the one before, captured twice; not counted as again */
    uint64_t octets[2]; /* payload, by the end that sent it */
    bool keep_alive;    /* asks only whether the peer is alive */
    bool quoted;        /* an ICMP error that quotes a segment of segment.from */
};

struct tcpstate_steps {
    uint32_t stream;
    GArray *steps;     /* struct tcpstate_step */
    uint64_t left_out; /* segments beyond the limit */

    /* private */
    const struct tcps_conn *conn; /* the incarnation at hand */
    guint run;                    /* where the run of plain segments at hand begins */
    uint32_t next[2];             /* one past the highest sequence number seen of each end */
    bool has_next[2], has_synack[2];
    struct tcps_segment last[2]; /* the last segment of each end that had anything to acknowledge */
};

void tcpstate_steps_init(struct tcpstate_steps *steps, uint32_t stream);
void tcpstate_steps_clear(struct tcpstate_steps *steps);
void tcpstate_steps_add(struct tcpstate_steps *steps, const struct tcpstate_tap *tap);

/* SEG.SEQ and SEG.ACK relative to the ISS, as everywhere in the plugin. */
uint32_t tcpstate_step_seq(const struct tcpstate_step *step);
uint32_t tcpstate_step_ack(const struct tcpstate_step *step);

/* "again", "copy", "keep-alive", or "": what the segment is besides its flags. `view` is that of its position. Static.
 */
const char *tcpstate_step_remark(const struct tcpstate_step *step, const struct tcps_view *view);

/* "SYN,ACK": the control bits that the inference looks at; "no flags". Cut at `size`. */
void tcpstate_flags_text(unsigned flags, char *text, size_t size);

#endif
