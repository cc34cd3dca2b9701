/* What a segment proves, put into facts (README.md, rules 1 to 4, 6, 7, 12). Private to the core.
 * Four rooms: numbers.c (one endpoint's numbers), handshake.c (SYN and SYN,ACK), fin.c (FIN), ordinary.c (all the rest,
 * which calls the others). All know one connection and one segment; RST is judged in reset.c, states are computed in
 * endpoint.c and logged by conn.c. `me` sent the segment, `peer` is addressed by it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPS_EVIDENCE_H
#define TCPS_EVIDENCE_H

#include "step.h"

/* ---- numbers.c ---- */

/* Does the control segment of `me`, which has come before, tell nothing new (rule 12)? It is the very packet captured
 * again - a stack gives a retransmission a new IP identification or a later time stamp -, or the first one, overtaken
 * by its repetition. */
bool tcps_is_stale(const struct tcps_step *step);

/* The same, and if so, says it: TCPS_WHY_COPY, or `again` of the one that was overtaken. */
bool tcps_dismisses_stale(struct tcps_step *step, enum tcps_reason again);

/* Remembers that numbers beyond `number` wait for a witness: `end` was seen to send up to it, or to begin there. */
void tcps_doubt(struct tcps_step *step, unsigned end, uint32_t number);

/* The number that tcps_doubt() remembered; means nothing without TCPS_HAS_DOUBT, TCPS_ALT_ISS or doubts. */
uint32_t tcps_doubt_of(const struct tcps_step *step, unsigned end);

/* Are octets that `end` sent missing in the capture, and not acknowledged by the other end either, so that what stands
 * behind them cannot be presumed to be received in order? */
bool tcps_has_open_hole(const struct tcps_conn *conn, unsigned end);

/* Which octets of `me` were not captured? One hole is kept track of: the oldest, grown to the newest. */
void tcps_take_hole(struct tcps_step *step);

/* Sets SND.UNA = ISS = `iss` and SND.NXT = `next` of `me`, which may be either end. */
void tcps_start_numbers(const struct tcps_step *step, struct tcps_endpoint *me, uint32_t iss, uint32_t next);

/* Is what `me` acknowledged so far more than `peer` was seen to send? */
bool tcps_is_unconfirmed(const struct tcps_endpoint *me, const struct tcps_endpoint *peer);

/* SEG.ACK and SEG.WND tell what `me` has received and will accept. */
void tcps_take_rcv(struct tcps_endpoint *me, const struct tcps_endpoint *peer, const struct tcps_segment *seg);

/* TS.Recent as `peer` would keep it (RFC 7323 4.3). */
void tcps_take_timestamp(struct tcps_endpoint *peer, const struct tcps_segment *seg);

/* The window scale option of a SYN, or that there is none (RFC 7323 2.2). */
void tcps_take_wscale(struct tcps_endpoint *me, const struct tcps_segment *seg);

/* ---- handshake.c ---- */

/* A SYN without ACK, and a SYN with ACK: facts, states and verdicts. */
void tcps_take_syn(struct tcps_step *step);
void tcps_take_synack(struct tcps_step *step);

/* Is `ack` one that acknowledges the SYN of `peer`, and no more than it sent? */
bool tcps_covers_syn(const struct tcps_endpoint *peer, uint32_t ack);

/* The first segment of `me` answers the peer's SYN without a SYN. Returns whether it is to be believed. */
bool tcps_answers_syn(struct tcps_step *step);

/* `me` has sent a SYN only, and now an ACK. Returns whether it answers the peer's SYN. */
bool tcps_takes_synack(struct tcps_step *step);

/* ---- fin.c ---- */

/* Why the FIN's receiver would drop it (RFC 9293 3.10.7.4, RFC 7323 5.3), or TCPS_WHY_NONE. `ack_ahead`: its ACK is
 * ahead of what the peer was seen to send. */
enum tcps_reason tcps_fin_defect(const struct tcps_step *step, bool ack_ahead);

/* Takes the FIN of `me`. Returns false if `defect` says that its receiver drops it. */
bool tcps_take_fin(struct tcps_step *step, enum tcps_reason defect);

/* The FIN that was known came again: a copy, a retransmission, or one that takes back what was presumed (rule 3). */
void tcps_repeat_fin(struct tcps_step *step);

/* The FIN may be good or not: the peer's ACK will show. */
void tcps_doubt_fin(struct tcps_endpoint *me, const struct tcps_segment *seg);
bool tcps_has_doubted_fin(const struct tcps_endpoint *endpoint);
void tcps_believe_doubted_fin(struct tcps_endpoint *peer);

/* The SYN,ACK of `me` follows a FIN that overtook it, as a Fast Open server may send one: the FIN is good. The peer, in
 * SYN_SENT, has not taken it: it is as if it had not been captured in order. Returns whether there was one. */
bool tcps_believe_early_fin(struct tcps_step *step);

/* The segment acknowledges data beyond the peer's FIN, which the peer was seen to send: that FIN was forged or corrupt,
 * and is forgotten. Returns whether it was. */
bool tcps_disproves_fin(struct tcps_step *step);

/* Another FIN of `me`, at a lower number: the first may be the forgery. */
void tcps_doubt_first_fin(struct tcps_step *step);

/* Does the segment acknowledge just the lower of the peer's two FINs? Then that is the one. */
void tcps_choose_lower_fin(struct tcps_step *step);

/* The peer's ACK may be that of a FIN which was not captured; it is believed once `me` has sent its own FIN as well. */
void tcps_guess_fin(struct tcps_step *step);

/* So may the octet that is missing right before a bare segment of `me`. Called before SND.NXT takes it in. */
void tcps_guess_own_fin(struct tcps_endpoint *me, const struct tcps_segment *seg);
void tcps_believe_guessed_fin(struct tcps_step *step);

/* What was assumed of a FIN that was not captured yields to what `me` sends now. */
void tcps_forget_unseen_fin(struct tcps_step *step);

/* Does a later segment of `me` prove that the ACK of its FIN did arrive? */
bool tcps_fin_ack_is_proven(const struct tcps_endpoint *me, const struct tcps_endpoint *peer);

/* ---- ordinary.c ---- */

/* A segment without SYN and RST. */
void tcps_take_ordinary(struct tcps_step *step);

#endif
