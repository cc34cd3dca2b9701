/* Which connection does a segment belong to? See flow.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "flow.h"

#include "seq.h"
#include "step.h"

enum choice {
    SAME,            /* part of the newest connection */
    NEW,             /* the first segment of another */
    NEW_OVER,        /* a SYN that opens anew while its addressee still is in the newest connection */
    WAITING_IS_REAL, /* proves the SYN that waits to be real */
};

/* A segment that near to the numbers of a life that is over is a stray or a forgery; new initial numbers lie farther
 * off. */
#define STRAY_WITHIN UINT32_C(65535)

/* How many lives back a late segment is looked for. */
enum { FORMER_LIVES = 4 };

/* How many octets of a Fast Open SYN are looked for: what fits into a segment of Ethernet. */
#define SYN_DATA_MOST UINT32_C(1460)

static bool is_over(const struct tcps_conn *conn, unsigned end)
{
    unsigned state = conn->end[end].state;

    return state == TCPS_CLOSED || state == TCPS_TIME_WAIT || state == TCPS_LISTEN || state == TCPS_UNKNOWN;
}

/* Would an addressee in TIME_WAIT take the SYN for a new connection (RFC 9293 3.10.7.4, RFC 6191)? */
static bool recycles_time_wait(const struct tcps_endpoint *addressee, const struct tcps_segment *syn)
{
    if (syn->has_ts && tcps_has(addressee, TCPS_HAS_TS) && syn->tsval != addressee->ts_recent)
        return seq_gt(syn->tsval, addressee->ts_recent);
    return tcps_has(addressee, TCPS_HAS_RCV) && seq_gt(syn->seq, addressee->rcv_nxt);
}

static enum choice over_or_new(const struct tcps_conn *conn, unsigned addressee, const struct tcps_segment *syn)
{
    switch (conn->end[addressee].state) {
    case TCPS_CLOSED:
    case TCPS_LISTEN:
    case TCPS_UNKNOWN: return NEW;
    case TCPS_TIME_WAIT: return recycles_time_wait(&conn->end[addressee], syn) ? NEW : NEW_OVER;
    default: return NEW_OVER;
    }
}

static enum choice place_syn(const struct tcps_conn *conn, const struct tcps_segment *seg)
{
    unsigned me = seg->from & 1;
    const struct tcps_endpoint *sender = &conn->end[me];

    if (!tcps_has(sender, TCPS_HAS_NUMBERS) && conn->end[me].state == TCPS_LISTEN &&
        tcps_only_syn_sent(&conn->end[!me]))
        return SAME; /* simultaneous open, or a split handshake */
    if (tcps_has(sender, TCPS_HAS_NUMBERS) && sender->iss == seg->seq) {
        /* The same number again, after a whole life: a new connection all the same, unless it is an old copy. */
        bool lived = tcps_is_open(sender) && is_over(conn, me);

        if (tcps_is_overtaken(seg, &conn->end[!me])) return SAME;
        return lived && sender->mark != tcps_mark_of(seg) &&
                       (tcps_has(sender, TCPS_HAS_FIN) || conn->end[!me].state == TCPS_CLOSED)
                   ? over_or_new(conn, !me, seg)
                   : SAME;
    }
    /* In SYN_SENT: it gave up and tries anew, unless the peer already answered the SYN before. */
    if (is_over(conn, me) || (conn->end[me].state == TCPS_SYN_SENT && conn->end[!me].state != TCPS_SYN_RECEIVED))
        return over_or_new(conn, !me, seg);
    return SAME; /* it waits for proof */
}

/* After the end its listener takes a late copy of the SYN for a new one, and answers with another ISS. */
static bool answers_late_copy(const struct tcps_conn *conn, const struct tcps_segment *synack)
{
    const struct tcps_endpoint *me = &conn->end[synack->from & 1], *peer = &conn->end[!(synack->from & 1)];
    uint32_t data = tcps_has(peer, TCPS_ASKS_FAST_OPEN) ? SYN_DATA_MOST : 0;

    return me->state == TCPS_CLOSED && tcps_has(me, TCPS_HAS_ISS) && tcps_has(peer, TCPS_HAS_ISS) &&
           seq_between(peer->iss + 1, synack->ack, peer->iss + 1 + data);
}

static enum choice place_synack(const struct tcps_conn *conn, const struct tcps_segment *seg)
{
    unsigned me = seg->from & 1;
    const struct tcps_endpoint *peer = &conn->end[!me];

    if (conn->candidate_waits && (conn->rarities->waiting->syn.from & 1u) != me &&
        seq_gt(seg->ack, conn->rarities->waiting->syn.seq) &&
        seq_leq(seg->ack, conn->rarities->waiting->syn.seq + 1 + conn->rarities->waiting->syn.len))
        return WAITING_IS_REAL;
    if (!is_over(conn, 0) || !is_over(conn, 1) || conn->end[me].state == TCPS_LISTEN) return SAME;
    if (tcps_has(&conn->end[me], TCPS_HAS_NUMBERS) && conn->end[me].iss == seg->seq) return SAME;
    if (tcps_only_syn_sent(peer) && seg->ack == peer->iss + 1) return SAME;
    if (answers_late_copy(conn, seg)) return NEW;
    if (tcps_has(peer, TCPS_HAS_NUMBERS) &&
        seq_between(peer->iss - STRAY_WITHIN, seg->ack, peer->snd_nxt + STRAY_WITHIN))
        return SAME;
    return NEW;
}

/* Do the numbers fit what both ends sent in that connection? */
static bool is_of(const struct tcps_conn *conn, const struct tcps_segment *seg)
{
    const struct tcps_endpoint *me = &conn->end[seg->from & 1], *peer = &conn->end[!(seg->from & 1)];

    return tcps_has(me, TCPS_HAS_NUMBERS) && tcps_has(peer, TCPS_HAS_NUMBERS) &&
           seq_between(me->iss, seg->seq, me->snd_nxt) && seq_between(peer->iss, seg->ack, peer->snd_nxt);
}

/* Is it a late segment of one of the last lives before this one? */
static TCPS_RARE bool is_of_former_life(const struct tcps_conn *conn, const struct tcps_segment *seg)
{
    for (unsigned i = 0; i < FORMER_LIVES && (conn = tcps_older(conn)); i++)
        if (is_of(conn, seg)) return true;
    return false;
}

/* After both FINs, numbers far from both lives: a connection whose handshake was not captured. */
static bool is_of_another_life(const struct tcps_conn *conn, const struct tcps_segment *seg)
{
    const struct tcps_endpoint *me = &conn->end[seg->from & 1], *peer = &conn->end[!(seg->from & 1)];

    if (!tcps_has(me, TCPS_HAS_FIN) || !tcps_has(peer, TCPS_HAS_FIN) || !is_over(conn, 0) || !is_over(conn, 1))
        return false;
    return !seq_between(me->iss - STRAY_WITHIN, seg->seq, me->fin + STRAY_WITHIN) &&
           !seq_between(peer->iss - STRAY_WITHIN, seg->ack, peer->fin + STRAY_WITHIN) && !is_of_former_life(conn, seg);
}

/* A bare RST is an answer: the sender of the SYN that waits rejects the challenge ACK, by the number that it asked for
 * (RFC 9293 3.5.3). Not a RST sent again by an end whose old connection is over. */
static TCPS_RARE bool rejects_challenge(const struct tcps_conn *conn, const struct tcps_segment *seg)
{
    const struct tcps_waiting_syn *waiting = conn->rarities->waiting;
    const struct tcps_endpoint *peer = &conn->end[!(seg->from & 1)];

    return waiting->challenged && (waiting->syn.from & 1) == (seg->from & 1) && !is_over(conn, seg->from & 1) &&
           (!tcps_has(peer, TCPS_HAS_RCV) || seg->seq == peer->rcv_nxt);
}

static enum choice place(const struct tcps_conn *conn, const struct tcps_segment *seg)
{
    unsigned control = seg->flags & (TCPS_SYN | TCPS_RST | TCPS_FIN | TCPS_ACK);

    if (seg->malformed) return SAME;
    if (control == TCPS_SYN) return place_syn(conn, seg);
    if (control == (TCPS_SYN | TCPS_ACK)) return place_synack(conn, seg);
    if (control == TCPS_RST && conn->candidate_waits && rejects_challenge(conn, seg)) return WAITING_IS_REAL;
    if ((control & (TCPS_ACK | TCPS_RST | TCPS_SYN)) == TCPS_ACK && is_of_another_life(conn, seg)) return NEW;
    return SAME;
}

/* ---- the SYN that waits ---- */

static TCPS_RARE void let_wait(struct tcps_conn *conn, const struct tcps_memory *memory, const struct tcps_segment *syn)
{
    struct tcps_rarities *rare = tcps_rarities_of(conn, memory);

    if (!rare) return;
    if (!rare->waiting) rare->waiting = memory->resize(memory->context, NULL, 0, sizeof *rare->waiting);
    if (!rare->waiting) return;
    *rare->waiting = (struct tcps_waiting_syn){.syn = *syn};
    conn->candidate_waits = 1;
}

/* What the segment says about the SYN that waits: the old client lives on, or the old peer challenges it. */
static TCPS_RARE void watch_waiting(struct tcps_conn *conn, const struct tcps_segment *seg)
{
    unsigned from = seg->from & 1;
    const struct tcps_endpoint *me = &conn->end[from], *peer = &conn->end[!from];

    if ((seg->flags & (TCPS_SYN | TCPS_RST)) || !(seg->flags & TCPS_ACK) || seg->malformed) return;
    if (from != (conn->rarities->waiting->syn.from & 1u)) {
        if (seg->len == 0) conn->rarities->waiting->challenged = true;
    } else if (seq_near(seg->seq, me->snd_nxt) && seq_near(seg->ack, peer->snd_nxt)) {
        conn->candidate_waits = 0;
    }
}

static bool should_wait(const struct tcps_conn *conn, const struct tcps_segment *seg)
{
    const struct tcps_endpoint *me = &conn->end[seg->from & 1];

    if (seg->malformed || (seg->flags & (TCPS_SYN | TCPS_RST | TCPS_ACK)) != TCPS_SYN) return false;
    if ((seg->flags & TCPS_FIN) && conn->end[!(seg->from & 1)].state != TCPS_SYN_RECEIVED) return false;
    return tcps_has(me, TCPS_HAS_NUMBERS) && me->iss != seg->seq;
}

/* ---- connections ---- */

/* Nothing valid was seen of it: it is no incarnation. */
static bool is_blank(const struct tcps_conn *conn)
{
    return conn->end[0].known == 0 && conn->end[1].known == 0;
}

static bool has_begun(const struct tcps_conn *conn)
{
    return conn->log.count > 0;
}

/* A connection behind the newest. */
static struct tcps_conn *add_conn(struct tcps_flow *flow, const struct tcps_memory *memory)
{
    struct tcps_conn *newest = tcps_newest(flow), *conn;
    struct tcps_rarities *first = tcps_rarities_of(&flow->first, memory), *older = tcps_rarities_of(newest, memory),
                         *rare;

    if (!first || !older) return NULL;
    conn = memory->resize(memory->context, NULL, 0, sizeof *conn);
    if (!conn) return NULL;
    *conn = (struct tcps_conn){.ports = {flow->first.ports[0], flow->first.ports[1]}};
    rare = tcps_rarities_of(conn, memory);
    if (!rare) return NULL;
    rare->older = newest;
    rare->incarnation = tcps_incarnation(newest) + (is_blank(newest) ? 0 : 1);
    older->newer = first->newest = first->found = conn;
    return conn;
}

static TCPS_RARE struct tcps_conn *begin(struct tcps_flow *flow, const struct tcps_memory *memory, enum choice choice,
                                         const struct tcps_segment *seg)
{
    struct tcps_conn *old = tcps_newest(flow);
    struct tcps_conn *conn = add_conn(flow, memory);

    if (!conn) return NULL;
    if (choice == NEW) {
        tcps_conn_begin(conn, memory, seg);
        if ((seg->flags & TCPS_SYN) && (seg->flags & TCPS_ACK) && answers_late_copy(old, seg) &&
            seg->ack != old->end[!(seg->from & 1)].iss + 1)
            conn->end[seg->from & 1].known |= TCPS_FAST_OPEN; /* that SYN had data */
    } else {
        old->candidate_waits = 0;
        tcps_conn_begin_over(conn, memory, old, choice == NEW_OVER ? seg : &old->rarities->waiting->syn, seg);
    }
    return conn;
}

/* A segment that may change something, or begin something. `conn` is the flow's newest connection. */
static TCPS_APART struct tcps_conn *feed_with_care(struct tcps_flow *flow, struct tcps_conn *conn,
                                                   const struct tcps_memory *memory, const struct tcps_segment *seg)
{
    enum choice choice;

    if (!has_begun(conn)) {
        tcps_conn_begin(conn, memory, seg);
        return conn;
    }
    if (is_blank(conn))
        choice = tcps_proves_something(seg) ? NEW : SAME;
    else
        choice = place(conn, seg);
    if (choice != SAME) {
        tcps_log_give_up(&conn->log, seg->at);
        return begin(flow, memory, choice, seg);
    }
    if (conn->candidate_waits) watch_waiting(conn, seg);
    if (should_wait(conn, seg)) let_wait(conn, memory, seg);
    tcps_conn_feed(conn, memory, seg);
    return conn;
}

struct tcps_conn *tcps_flow_feed(struct tcps_flow *flow, const struct tcps_memory *memory,
                                 const struct tcps_segment *seg)
{
    struct tcps_conn *conn = tcps_newest(flow);

    return tcps_conn_feed_quiet(conn, seg) ? conn : feed_with_care(flow, conn, memory, seg);
}

static bool begins_by(const struct tcps_conn *conn, struct tcps_position at)
{
    return tcps_log_until(&conn->log, at) > 0;
}

struct tcps_conn *tcps_flow_at(struct tcps_flow *flow, struct tcps_position at)
{
    struct tcps_rarities *first = flow->first.rarities;
    struct tcps_conn *conn = first && first->found ? first->found : &flow->first;

    while (tcps_newer(conn) && begins_by(tcps_newer(conn), at)) conn = conn->rarities->newer;
    while (conn && !begins_by(conn, at)) conn = conn->rarities ? conn->rarities->older : NULL;
    if (conn && first && first->found) first->found = conn;
    return conn;
}

TCPS_RARE struct tcps_conn *tcps_flow_unreachable(struct tcps_flow *flow, const struct tcps_memory *memory,
                                                  const struct tcps_segment *seg)
{
    struct tcps_conn *conn = tcps_newest(flow);
    const struct tcps_endpoint *me = &conn->end[seg->from & 1];

    if (!tcps_has(me, TCPS_HAS_NUMBERS) || !seq_between(me->iss, seg->seq, me->snd_nxt)) return NULL;
    tcps_log_give_up(&conn->log, seg->at);
    tcps_conn_note(conn, memory, seg, seg->from & 1, TCPS_WHY_UNREACHABLE);
    return conn;
}
