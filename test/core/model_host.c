/* A small TCP endpoint after RFC 9293 3.10. See model_host.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "model_host.h"

#include <string.h>

enum { MSS = 500, MAX_RESENDS = 9 };

static const int64_t FIRST_RESEND = 200000000;

/* Its own arithmetic, on purpose: the core's is under test. */
static bool after(uint32_t a, uint32_t b)
{
    return a != b && a - b < UINT32_C(0x80000000);
}

static void enter(struct host *host, enum tcps_state state, enum host_cause cause, uint32_t number, int64_t now)
{
    host->state = state;
    if (host->steps == HOST_STEPS) return;
    host->path[host->steps++] = (struct host_step){.state = state, .cause = cause, .number = number, .time = now};
}

/* ---- sending ---- */

static void send(struct host *host, uint16_t flags, uint32_t seq, uint32_t ack, uint32_t len)
{
    if (host->out == HOST_OUTBOX) return;
    if (len) flags |= TCPS_PSH;
    host->outbox[host->out++] = (struct tcps_segment){.seq = seq,
                                                      .ack = flags & TCPS_ACK ? ack : 0,
                                                      .len = len,
                                                      .flags = flags,
                                                      .wnd = 65535,
                                                      .wscale = TCPS_NO_WSCALE,
                                                      .from = host->side};
    if (!(flags & TCPS_ACK)) return;
    host->ack_at = 0;
    host->last_ack_sent = ack;
}

static void send_ack(struct host *host)
{
    send(host, TCPS_ACK, host->snd_nxt, host->rcv_nxt, 0);
}

static void start_resend_timer(struct host *host, int64_t now)
{
    if (host->resend_at) return;
    host->resend_after = FIRST_RESEND;
    host->resend_at = now + host->resend_after;
    host->resends = 0;
}

static bool sends_data(enum tcps_state state)
{
    return state == TCPS_ESTABLISHED || state == TCPS_CLOSE_WAIT || state == TCPS_FIN_WAIT_1 || state == TCPS_CLOSING ||
           state == TCPS_LAST_ACK;
}

/* Sends data from `seq` on, and the FIN if it is due; `limit` segments at most. */
static void send_from(struct host *host, uint32_t seq, unsigned limit, int64_t now)
{
    uint32_t end = host->iss + 1 + host->queued;

    while (limit-- > 0 && (after(end, seq) || (host->fin_sent && seq == end))) {
        uint32_t len = end - seq < MSS ? end - seq : MSS;
        bool fin = host->fin_sent && seq + len == end;

        send(host, (uint16_t)(TCPS_ACK | (fin ? TCPS_FIN : 0)), seq, host->rcv_nxt, len);
        seq += len + fin;
        if (after(seq, host->snd_nxt)) host->snd_nxt = seq;
        start_resend_timer(host, now);
        if (fin) return;
    }
}

static void push(struct host *host, int64_t now)
{
    uint32_t from = host->snd_nxt;

    if (host->state != TCPS_ESTABLISHED && host->state != TCPS_CLOSE_WAIT) return;
    if (host->close_called) {
        host->fin_sent = true;
        host->fin = host->iss + 1 + host->queued;
        enter(host, host->state == TCPS_ESTABLISHED ? TCPS_FIN_WAIT_1 : TCPS_LAST_ACK, HOST_SENT, 0, now);
        host->path[host->steps - 1].flags = TCPS_FIN;
    }
    send_from(host, from, HOST_OUTBOX, now);
}

/* ---- the application ---- */

void host_open(struct host *host, uint8_t side, uint32_t iss, bool active, int64_t now)
{
    memset(host, 0, sizeof *host);
    host->side = side;
    host->iss = host->snd_una = iss;
    host->snd_nxt = iss + 1;
    host->initial = host->state = active ? TCPS_CLOSED : TCPS_LISTEN;
    host->listened = !active;
    if (!active) return;
    enter(host, TCPS_SYN_SENT, HOST_SENT, 0, now);
    host->path[host->steps - 1].flags = TCPS_SYN;
    send(host, TCPS_SYN, iss, 0, 0);
    start_resend_timer(host, now);
}

void host_refuse(struct host *host, uint8_t side)
{
    memset(host, 0, sizeof *host);
    host->side = side;
    host->initial = host->state = TCPS_CLOSED;
}

void host_write(struct host *host, uint32_t octets, int64_t now)
{
    if (host->close_called || host->queued + octets >= HOST_OCTETS - 2) return;
    host->queued += octets;
    push(host, now);
}

void host_close(struct host *host, int64_t now)
{
    if (host->close_called) return;
    host->close_called = true;
    push(host, now);
}

/* RFC 9293 3.10.5. In SYN_SENT nothing is sent. */
void host_abort(struct host *host, int64_t now)
{
    if (host->state == TCPS_CLOSED || host->state == TCPS_LISTEN || host->state == TCPS_TIME_WAIT) return;
    host->resend_at = host->ack_at = 0;
    if (host->state == TCPS_SYN_SENT || host->state == TCPS_CLOSING || host->state == TCPS_LAST_ACK) {
        enter(host, TCPS_CLOSED, HOST_SILENT, 0, now);
        return;
    }
    enter(host, TCPS_CLOSED, HOST_SENT_RST, 0, now);
    send(host, TCPS_RST | TCPS_ACK, host->snd_nxt, host->rcv_nxt, 0);
}

/* ---- receiving: CLOSED, LISTEN, SYN_SENT (RFC 9293 3.10.7.1 to 3.10.7.3) ---- */

static void answer_by_reset(struct host *host, const struct tcps_segment *seg)
{
    if (seg->flags & TCPS_RST) return;
    if (seg->flags & TCPS_ACK)
        send(host, TCPS_RST, seg->ack, 0, 0);
    else
        send(host, TCPS_RST | TCPS_ACK, 0, seg->seq + tcps_segment_space(seg), 0);
}

/* What was addressed to the connection that ended is answered by RST; a late copy of its SYN finds a listener whose
 * queue is full, so that there is only one connection to watch. */
static void receive_closed(struct host *host, const struct tcps_segment *seg)
{
    if (host->steps > 0 && (seg->flags & TCPS_SYN)) return;
    answer_by_reset(host, seg);
}

static void take_syn(struct host *host, const struct tcps_segment *seg)
{
    host->ts_recent = seg->tsval;
    host->stamp_known = seg->has_ts;
    host->irs = seg->seq;
    host->rcv_nxt = seg->seq + 1;
}

static void answer_syn(struct host *host, int64_t now)
{
    enter(host, TCPS_SYN_RECEIVED, HOST_SENT, 0, now);
    host->path[host->steps - 1].flags = TCPS_SYN | TCPS_ACK;
    send(host, TCPS_SYN | TCPS_ACK, host->iss, host->rcv_nxt, 0);
    start_resend_timer(host, now);
}

static void receive_listen(struct host *host, const struct tcps_segment *seg, int64_t now)
{
    if (host->steps > 0 || (seg->flags & TCPS_RST)) return; /* it listens again, but not for this test */
    if (seg->flags & TCPS_ACK) {
        answer_by_reset(host, seg);
    } else if (seg->flags & TCPS_SYN) {
        take_syn(host, seg);
        answer_syn(host, now);
    }
}

static void receive_syn_sent(struct host *host, const struct tcps_segment *seg, uint32_t packet, int64_t now)
{
    bool ack = seg->flags & TCPS_ACK;

    if (ack && (!after(seg->ack, host->iss) || after(seg->ack, host->snd_nxt))) {
        answer_by_reset(host, seg);
        return;
    }
    if (seg->flags & TCPS_RST) {
        if (!ack) return;
        host->resend_at = 0;
        enter(host, TCPS_CLOSED, HOST_GOT_RST, packet, now);
        return;
    }
    if (!(seg->flags & TCPS_SYN)) return;
    take_syn(host, seg);
    host->resend_at = 0;
    if (!ack) {
        answer_syn(host, now);
        return;
    }
    host->snd_una = seg->ack;
    enter(host, TCPS_ESTABLISHED, HOST_GOT, host->rcv_nxt, now);
    if (host->queued == 0 && !host->close_called) send_ack(host);
    push(host, now);
}

/* ---- receiving: the synchronized states and SYN_RECEIVED (RFC 9293 3.10.7.4) ---- */

/* First: sequence number. Anything in the window of 65,535 is looked at. */
static bool acceptable(const struct host *host, const struct tcps_segment *seg)
{
    uint32_t space = tcps_segment_space(seg), last = seg->seq + (space ? space - 1 : 0);

    return seg->seq - host->rcv_nxt < 65535 || (space && last - host->rcv_nxt < 65535);
}

/* PAWS: is the time stamp older than what was got? If not, it may be the one to remember (RFC 7323 4.3, 5.3). */
static bool is_old_stamp(struct host *host, const struct tcps_segment *seg)
{
    if (!host->stamps || !seg->has_ts || (seg->flags & TCPS_RST)) return false;
    if (host->stamp_known && after(host->ts_recent, seg->tsval)) return true;
    if (after(seg->seq, host->last_ack_sent)) return false;
    host->ts_recent = seg->tsval;
    host->stamp_known = true;
    return false;
}

/* Second: RST, as RFC 5961 tightens it. */
static void receive_rst(struct host *host, const struct tcps_segment *seg, uint32_t packet, int64_t now)
{
    if (seg->seq != host->rcv_nxt) {
        send_ack(host);
        return;
    }
    host->resend_at = host->ack_at = 0;
    enter(host, host->state == TCPS_SYN_RECEIVED && host->listened ? TCPS_LISTEN : TCPS_CLOSED, HOST_GOT_RST, packet,
          now);
}

/* Fifth: ACK. Returns false when the segment is dropped. */
static bool take_ack(struct host *host, const struct tcps_segment *seg, bool past_fin, int64_t now)
{
    if (!(seg->flags & TCPS_ACK)) return false;
    if (host->state == TCPS_SYN_RECEIVED) {
        if (!after(seg->ack, host->iss) || after(seg->ack, host->snd_nxt)) {
            answer_by_reset(host, seg);
            return false;
        }
        enter(host, TCPS_ESTABLISHED, HOST_ACKED, host->iss + 1, now);
    } else if (after(seg->ack, host->snd_nxt)) {
        send_ack(host);
        return false;
    }
    if (!after(seg->ack, host->snd_una)) return true;
    host->snd_una = seg->ack;
    host->resend_at = 0;
    if (host->snd_una != host->snd_nxt) start_resend_timer(host, now);
    if (!host->fin_sent || seg->ack != host->fin + 1) return true;
    if (host->state == TCPS_FIN_WAIT_1)
        enter(host, TCPS_FIN_WAIT_2, HOST_ACKED, host->fin + 1, now);
    else if (host->state == TCPS_CLOSING)
        enter(host, TCPS_TIME_WAIT, HOST_ACKED, host->fin + 1, now);
    else if (host->state == TCPS_LAST_ACK)
        enter(host, TCPS_CLOSED, HOST_ACKED, host->fin + 1, now);
    host->path[host->steps - 1].past_fin = past_fin;
    return host->state != TCPS_CLOSED;
}

/* Eighth: FIN, once everything before it is there. */
static void take_fin(struct host *host, int64_t now)
{
    uint32_t number = host->rcv_nxt;

    if (host->state == TCPS_ESTABLISHED)
        enter(host, TCPS_CLOSE_WAIT, HOST_GOT, number, now);
    else if (host->state == TCPS_FIN_WAIT_1)
        enter(host, TCPS_CLOSING, HOST_GOT, number, now);
    else if (host->state == TCPS_FIN_WAIT_2)
        enter(host, TCPS_TIME_WAIT, HOST_GOT, number, now);
}

/* Seventh: the octets, those behind a hole too. */
static void take_octets(struct host *host, const struct tcps_segment *seg, int64_t now)
{
    uint32_t first = seg->seq - host->irs - 1;

    for (uint32_t i = 0; i < seg->len; i++)
        if (first + i < HOST_OCTETS) host->got[first + i] = 1;
    if (seg->flags & TCPS_FIN) {
        host->peer_fin_seen = true;
        host->peer_fin = seg->seq + seg->len;
    }
    while (host->rcv_nxt - host->irs - 1 < HOST_OCTETS && host->got[host->rcv_nxt - host->irs - 1]) host->rcv_nxt++;
    if (host->peer_fin_seen && host->rcv_nxt == host->peer_fin) {
        host->rcv_nxt++;
        take_fin(host, now);
    }
}

static void receive_synchronized(struct host *host, const struct tcps_segment *seg, uint32_t packet, int64_t now)
{
    uint32_t before = host->rcv_nxt;
    bool past_fin = host->peer_fin_seen ? after(seg->seq, host->peer_fin) : false;

    if (host->state == TCPS_SYN_RECEIVED && (seg->flags & TCPS_SYN) && !(seg->flags & TCPS_ACK) &&
        seg->seq == host->irs && host->resends_synack) {
        send(host, TCPS_SYN | TCPS_ACK, host->iss, host->rcv_nxt, 0);
        return;
    }
    /* The SYN,ACK of a simultaneous open has an old number, but its ACK counts (RFC 9293 figure 7). */
    if (host->state == TCPS_SYN_RECEIVED && (seg->flags & TCPS_SYN) && (seg->flags & TCPS_ACK) &&
        seg->seq == host->irs && seg->ack == host->snd_nxt) {
        take_ack(host, seg, false, now);
        send_ack(host);
        push(host, now);
        return;
    }
    if (is_old_stamp(host, seg) || !acceptable(host, seg)) {
        if (!(seg->flags & TCPS_RST)) send_ack(host);
        return;
    }
    if (seg->flags & TCPS_RST) {
        receive_rst(host, seg, packet, now);
        return;
    }
    if (seg->flags & TCPS_SYN) {
        send_ack(host);
        return;
    }
    if (!take_ack(host, seg, past_fin, now)) return;
    take_octets(host, seg, now);
    push(host, now);
    if (tcps_segment_space(seg) == 0) return;
    if (host->rcv_nxt == before || host->ack_delay == 0)
        send_ack(host); /* an old or an early segment is answered at once */
    else if (!host->ack_at && host->out == 0)
        host->ack_at = now + host->ack_delay;
}

void host_receive(struct host *host, const struct tcps_segment *seg, uint32_t packet, int64_t now)
{
    switch (host->state) {
    case TCPS_CLOSED: receive_closed(host, seg); break;
    case TCPS_LISTEN: receive_listen(host, seg, now); break;
    case TCPS_SYN_SENT: receive_syn_sent(host, seg, packet, now); break;
    default: receive_synchronized(host, seg, packet, now); break;
    }
}

/* ---- timers ---- */

int64_t host_next_timer(const struct host *host)
{
    int64_t next = INT64_MAX;

    if (host->resend_at) next = host->resend_at;
    if (host->ack_at && host->ack_at < next) next = host->ack_at;
    return next;
}

static void resend(struct host *host, int64_t now)
{
    if (++host->resends > MAX_RESENDS) {
        host->resend_at = host->ack_at = 0;
        enter(host, TCPS_CLOSED, HOST_SILENT, 0, now);
        return;
    }
    host->resend_after *= 2;
    host->resend_at = now + host->resend_after;
    if (host->state == TCPS_SYN_SENT)
        send(host, TCPS_SYN, host->iss, 0, 0);
    else if (host->state == TCPS_SYN_RECEIVED)
        send(host, TCPS_SYN | TCPS_ACK, host->iss, host->rcv_nxt, 0);
    else if (sends_data(host->state))
        send_from(host, host->snd_una, 2, now);
    else
        host->resend_at = 0;
}

void host_timer(struct host *host, int64_t now)
{
    if (host->ack_at && host->ack_at <= now) send_ack(host);
    if (host->resend_at && host->resend_at <= now) resend(host, now);
}
