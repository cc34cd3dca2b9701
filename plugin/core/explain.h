/* Words for what happened: a transition as text, a reason as a sentence.
 * Reads connection, view and segment; changes nothing. Look next: reason.h for the sentences.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPS_EXPLAIN_H
#define TCPS_EXPLAIN_H

#include "conn.h"

/* "client" or "server": the role of `end` when `client_end` is the client. Static. */
const char *tcps_role_name(unsigned end, unsigned client_end);

/* One thing that happened at a position: a transition, a correction or a verdict of one end. */
struct tcps_event {
    uint8_t end;         /* whom it concerns */
    uint8_t from, to;    /* states; the same for a verdict */
    uint8_t why;         /* enum tcps_reason */
    uint32_t taken_back; /* for a correction: the frame whose presumption was wrong; else 0 */
};

/* The i-th event of the position that `view` was filled in for, in causal order: the sender's first. `sender` is the
 * end that sent the segment. Returns false when there are no more. */
bool tcps_event_at(const struct tcps_conn *conn, const struct tcps_view *view, unsigned sender, unsigned i,
                   struct tcps_event *event);

/* Is the event a change that is announced ("client→FIN_WAIT_1")? Verdicts and initial states are not. */
bool tcps_event_is_transition(const struct tcps_event *event);

/* Writes "client→FIN_WAIT_1" (U+2192, UTF-8), always terminated, cut at `size`. */
void tcps_event_text(const struct tcps_conn *conn, const struct tcps_view *view, const struct tcps_event *event,
                     char *text, size_t size);

/* Writes all transitions of the position that `view` was filled in for, in causal order: "client→ESTABLISHED,
 * server→ESTABLISHED". Always terminated, cut between two at `size`. Returns the length, 0 if there are none. Only
 * first_entry, entries and client_end of the view are looked at. */
size_t tcps_transitions_text(const struct tcps_conn *conn, const struct tcps_view *view, unsigned sender, char *text,
                             size_t size);

/* Writes the sentence of the event's reason, always terminated, cut at `size` (160 is enough). Numbers are relative to
 * each end's ISS as tcps_relative_seq gives them. */
void tcps_event_reason(const struct tcps_conn *conn, const struct tcps_view *view, const struct tcps_event *event,
                       const struct tcps_segment *seg, char *text, size_t size);

/* A raw number of `end` relative to its ISS, or to its first known octet less one if the SYN was not captured; raw if
 * neither was known at position `at`, or if it lies less than 2^30 before: then it is of another connection. */
uint32_t tcps_relative_seq(const struct tcps_conn *conn, unsigned end, uint32_t raw, struct tcps_position at);

#endif
