/* One connection: feeding it, logging it, looking it up. See conn.h.
 * The evidence itself is weighed behind evidence.h and in reset.c, what it comes to in settle.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "conn.h"

#include "evidence.h"
#include "seq.h"

const char *tcps_role_basis_name(unsigned basis)
{
    static const char *const names[] = {
#define X(name, meaning) #name,
        TCPS_ROLE_BASES(X)
#undef X
    };

    return names[basis < sizeof names / sizeof names[0] ? basis : TCPS_ROLE_first];
}

TCPS_RARE struct tcps_rarities *tcps_rarities_of(struct tcps_conn *conn, const struct tcps_memory *memory)
{
    if (conn->rarities) return conn->rarities;
    conn->rarities = memory->resize(memory->context, NULL, 0, sizeof *conn->rarities);
    if (conn->rarities) *conn->rarities = (struct tcps_rarities){.rst_seq = 0};
    return conn->rarities;
}

/* ---- the log ---- */

/* Once, so that the last entry says it. */
static TCPS_RARE void write_log_full(struct tcps_conn *conn, struct tcps_entry *entry)
{
    unsigned hop = tcps_hop(TCPS_UNKNOWN, TCPS_BASIS_none, TCPS_WHY_LOG_FULL);

    conn->full = 1;
    entry->hops = tcps_both_hops(hop, hop) & TCPS_HOPS;
    for (int end = 0; end < 2; end++) {
        conn->end[end].state = TCPS_UNKNOWN;
        conn->end[end].basis = TCPS_BASIS_none;
    }
}

struct tcps_entry *tcps_append_entry(struct tcps_conn *conn, const struct tcps_memory *memory,
                                     const struct tcps_segment *seg)
{
    unsigned hop0 = tcps_hop(conn->end[0].state, conn->end[0].basis, TCPS_WHY_NONE);
    unsigned hop1 = tcps_hop(conn->end[1].state, conn->end[1].basis, TCPS_WHY_NONE);
    struct tcps_entry *entry;

    if (conn->full) return NULL;
    entry = tcps_log_append(&conn->log, memory);
    if (!entry) return NULL;
    *entry = (struct tcps_entry){.time = seg->time,
                                 .frame = seg->at.frame,
                                 .layer = (seg->at.layer < 126 ? seg->at.layer : 126u) & 127u,
                                 .client_end = conn->client_end,
                                 .hops = tcps_both_hops(hop0, hop1) & TCPS_HOPS};
    if (conn->log.count < TCPS_LOG_LIMIT) return entry;
    write_log_full(conn, entry);
    return NULL;
}

/* An entry that says something of both ends without changing their states. */
static void note_both(struct tcps_conn *conn, const struct tcps_memory *memory, const struct tcps_segment *seg,
                      unsigned why0, unsigned why1)
{
    struct tcps_entry *entry = tcps_append_entry(conn, memory, seg);

    if (entry) entry->hops |= tcps_both_hops(tcps_hop(0, 0, why0), tcps_hop(0, 0, why1)) & TCPS_HOPS;
}

static void set_initial(struct tcps_conn *conn, unsigned end, enum tcps_state state)
{
    conn->end[end].state = (unsigned)state & 255u;
    conn->end[end].basis = state == TCPS_UNKNOWN ? TCPS_BASIS_none : TCPS_BASIS_assumed;
}

static void start_step(struct tcps_step *step, struct tcps_conn *conn, const struct tcps_memory *memory,
                       const struct tcps_segment *seg)
{
    step->conn = conn;
    step->memory = memory;
    step->seg = seg;
    step->my_end = seg->from & 1;
    step->peer_end = !step->my_end;
    step->me = &conn->end[step->my_end];
    step->peer = &conn->end[step->peer_end];
    step->implied = false;
    step->first_entry = conn->log.count;
    step->hops[0] = step->hops[1] = 0;
}

static bool flags_are_valid(const struct tcps_segment *seg)
{
    unsigned control = seg->flags & (TCPS_SYN | TCPS_FIN | TCPS_RST);

    /* At most one of the three, and something at all (rule 7). */
    return (control & (control - 1)) == 0 && (seg->flags & (TCPS_SYN | TCPS_FIN | TCPS_RST | TCPS_ACK)) != 0;
}

bool tcps_proves_something(const struct tcps_segment *seg)
{
    return !seg->malformed && flags_are_valid(seg) && (seg->flags & (TCPS_SYN | TCPS_ACK | TCPS_RST)) != 0;
}

/* ---- the short way ---- */

enum {
    SETTLED = TCPS_SEEN | TCPS_HAS_NUMBERS | TCPS_HAS_RCV,
    UNSETTLED = TCPS_HAS_FIN | TCPS_FIN_DOUBTED | TCPS_FIN_GUESSED | TCPS_RST_GOT | TCPS_RST_MADE | TCPS_OLD_LIFE |
                TCPS_ALT_ISS | TCPS_HAS_HOLE | TCPS_NXT_IS_BARE | TCPS_CHALLENGE_DUE,
};

static bool is_settled(const struct tcps_conn *conn, unsigned end)
{
    const struct tcps_endpoint *endpoint = &conn->end[end];

    if (seq_gt(endpoint->rcv_nxt, conn->end[!end].snd_nxt)) return false; /* of more than was sent */
    return endpoint->state == TCPS_ESTABLISHED && (endpoint->known & (SETTLED | UNSETTLED)) == SETTLED &&
           (endpoint->known & (TCPS_SYN_ACKED | TCPS_PRESUMED_OPEN)) && endpoint->doubts == 0;
}

/* Its own segment proves what was only presumed: that is logged, and not by the short way. */
static bool is_proven(const struct tcps_endpoint *endpoint)
{
    return tcps_has(endpoint, TCPS_SYNCHRONIZED) &&
           (endpoint->basis == TCPS_BASIS_observed || tcps_has(endpoint, TCPS_PRESUMED_OPEN));
}

static void note_quiet(struct tcps_conn *conn)
{
    bool quiet = is_settled(conn, 0) && is_settled(conn, 1) && !conn->candidate_waits && !conn->full && conn->log.count;

    conn->quiet = 0;
    if (!quiet) return;
    conn->quiet = (is_proven(&conn->end[0]) ? 1u : 0u) | (is_proven(&conn->end[1]) ? 2u : 0u);
    conn->shifts =
        (tcps_window_shift(&conn->end[0], &conn->end[1]) | tcps_window_shift(&conn->end[1], &conn->end[0]) << 4) & 255u;
}

bool tcps_conn_feed_quiet(struct tcps_conn *conn, const struct tcps_segment *seg)
{
    unsigned from = seg->from & 1u;
    struct tcps_endpoint *me = &conn->end[from], *peer = &conn->end[!from];
    uint32_t snd_nxt = me->snd_nxt, rcv_nxt = me->rcv_nxt, end = seg->seq + seg->len, edge;

    if (!((unsigned)conn->quiet >> from & 1u)) return false;
    if ((seg->flags & (TCPS_SYN | TCPS_FIN | TCPS_RST | TCPS_ACK)) != TCPS_ACK || seg->malformed) return false;
    if (seg->seq != snd_nxt || seq_gt(seg->seq, peer->rcv_edge)) return false;
    if (seg->ack - rcv_nxt > peer->snd_nxt - rcv_nxt) return false;
    if (conn->log.entries[conn->log.count - 1].frame >= seg->at.frame) return false;
    if (seg->len) {
        if (!me->first_data) me->first_data = seg->at.frame;
    } else if (!me->first_ack) {
        me->first_ack = seg->at.frame;
    }
    edge = seg->ack + ((uint32_t)seg->wnd << ((unsigned)conn->shifts >> 4 * from & 15u));
    me->snd_nxt = end;
    me->rcv_nxt = seg->ack;
    me->rcv_edge = seq_max(me->rcv_edge, edge);
    peer->snd_una = seq_max(peer->snd_una, seg->ack);
    if (seg->has_ts && seq_gt(seg->tsval, peer->ts_recent) && seq_leq(seg->seq, peer->rcv_nxt) &&
        tcps_has(peer, TCPS_HAS_TS))
        peer->ts_recent = seg->tsval;
    return true;
}

/* ---- feeding ---- */

static void take_by_flags(struct tcps_step *step)
{
    if (step->seg->flags & TCPS_RST)
        tcps_take_reset(step);
    else if (!(step->seg->flags & TCPS_SYN))
        tcps_take_ordinary(step);
    else if (step->seg->flags & TCPS_ACK)
        tcps_take_synack(step);
    else
        tcps_take_syn(step);
}

/* Which flags must one leave out of a combination that no TCP sends, to have what kernels take it for? 0: they take it
 * for nothing. RFC 9293 3.10.7 looks at RST before SYN and FIN, and in SYN_SENT and SYN_RECEIVED at SYN before FIN. */
static unsigned ignored_flags(const struct tcps_step *step)
{
    unsigned flags = step->seg->flags, receiver = step->peer->state;

    if (step->seg->malformed) return 0;
    if (flags & TCPS_RST) return step->me->known | step->peer->known ? TCPS_SYN | TCPS_FIN : 0;
    if ((flags & (TCPS_SYN | TCPS_FIN)) != (TCPS_SYN | TCPS_FIN)) return 0;
    return receiver == TCPS_SYN_SENT || (receiver == TCPS_SYN_RECEIVED && !(flags & TCPS_ACK)) ? TCPS_FIN : 0;
}

/* Flags or header that no TCP sends (rule 7). */
static TCPS_RARE void take_oddity(struct tcps_step *step)
{
    const struct tcps_segment *seg = step->seg;
    struct tcps_segment taken = *seg;
    unsigned ignored = ignored_flags(step);

    if (ignored) {
        if (seg->flags & TCPS_RST) taken.len = tcps_segment_space(seg); /* the window is judged with their octets */
        taken.flags &= (uint16_t)~ignored;
        step->seg = &taken;
        take_by_flags(step);
        step->seg = seg;
    }
    /* With the receiver, where it stands behind what became of a RST. */
    tcps_verdict(step, ignored ? step->peer_end : step->my_end, TCPS_WHY_MALFORMED);
}

static void take(struct tcps_conn *conn, const struct tcps_memory *memory, const struct tcps_segment *seg)
{
    struct tcps_step step;

    start_step(&step, conn, memory, seg);
    if (seg->malformed || !flags_are_valid(seg))
        take_oddity(&step);
    else
        take_by_flags(&step);
    note_quiet(conn);
}

void tcps_conn_feed(struct tcps_conn *conn, const struct tcps_memory *memory, const struct tcps_segment *seg)
{
    const struct tcps_log *log = &conn->log;

    if (log->count && log->entries[log->count - 1].frame >= seg->at.frame) tcps_log_give_up(&conn->log, seg->at);
    if (!conn->full) take(conn, memory, seg);
}

/* ---- beginnings ---- */

static void guess_roles(struct tcps_conn *conn, const struct tcps_segment *seg)
{
    if (conn->ports[0] == conn->ports[1]) {
        conn->client_end = seg->from & 1u;
        conn->role_basis = TCPS_ROLE_first;
    } else {
        conn->client_end = conn->ports[0] > conn->ports[1] ? 0 : 1;
        conn->role_basis = TCPS_ROLE_ports;
    }
    conn->guess_basis = conn->role_basis;
}

static void set_roles(struct tcps_conn *conn, unsigned client_end, enum tcps_role_basis basis)
{
    conn->client_end = client_end & 1u;
    conn->role_basis = conn->guess_basis = (unsigned)basis & 3u;
}

/* A handshake begins: `client` has sent or must have sent a SYN, the other is addressed by it. If this is the SYN there
 * is nothing to log before it: who sends a SYN was CLOSED. */
static void begin_handshake(struct tcps_conn *conn, const struct tcps_memory *memory, const struct tcps_segment *seg,
                            unsigned client)
{
    set_initial(conn, client, TCPS_CLOSED);
    set_initial(conn, !client, TCPS_LISTEN);
    conn->end[!client].known |= TCPS_LISTENS;
    if (!(seg->flags & TCPS_ACK)) return;
    note_both(conn, memory, seg, client ? TCPS_WHY_ADDRESSED : TCPS_WHY_NOT_OPEN_YET,
              client ? TCPS_WHY_NOT_OPEN_YET : TCPS_WHY_ADDRESSED);
}

static TCPS_RARE void begin_midstream(struct tcps_conn *conn, const struct tcps_memory *memory,
                                      const struct tcps_segment *seg)
{
    for (unsigned end = 0; end < 2; end++) {
        set_initial(conn, end, TCPS_ESTABLISHED);
        conn->end[end].known |= TCPS_PRESUMED_OPEN;
    }
    note_both(conn, memory, seg, TCPS_WHY_MIDSTREAM, TCPS_WHY_MIDSTREAM);
}

void tcps_conn_begin(struct tcps_conn *conn, const struct tcps_memory *memory, const struct tcps_segment *seg)
{
    unsigned from = seg->from & 1;

    guess_roles(conn, seg);
    if (!tcps_proves_something(seg)) {
        /* It stays blank. */
    } else if (seg->flags & TCPS_SYN) {
        bool answer = seg->flags & TCPS_ACK;
        unsigned client = answer ? !from : from;

        set_roles(conn, client, answer ? TCPS_ROLE_synack : TCPS_ROLE_syn);
        begin_handshake(conn, memory, seg, client);
    } else {
        begin_midstream(conn, memory, seg);
    }
    take(conn, memory, seg);
}

TCPS_RARE void tcps_conn_begin_over(struct tcps_conn *conn, const struct tcps_memory *memory,
                                    const struct tcps_conn *old, const struct tcps_segment *syn,
                                    const struct tcps_segment *proof)
{
    unsigned client = syn->from & 1, server = !client;
    struct tcps_step step;

    set_roles(conn, client, TCPS_ROLE_syn);
    set_initial(conn, client, TCPS_CLOSED);
    conn->end[server] = old->end[server];
    conn->end[server].known |= TCPS_OLD_LIFE;
    conn->end[server].known &= ~(uint32_t)(TCPS_HAS_HOLE | TCPS_HAS_DOUBT | TCPS_ALT_ISS | TCPS_CHALLENGE_DUE);
    conn->end[server].doubts = 0;
    conn->end[server].first_data = conn->end[server].first_ack = 0;
    note_both(conn, memory, proof, client ? TCPS_WHY_CARRIED_OVER : TCPS_WHY_NOT_OPEN_YET,
              client ? TCPS_WHY_NOT_OPEN_YET : TCPS_WHY_CARRIED_OVER);
    if (proof != syn) {
        start_step(&step, conn, memory, proof);
        step.me = &conn->end[client];
        step.peer = &conn->end[server];
        tcps_take_first_syn(&step, syn);
        tcps_settle(&step, client, TCPS_WHY_SYN_PROVEN);
    }
    take(conn, memory, proof);
}

TCPS_RARE void tcps_conn_note(struct tcps_conn *conn, const struct tcps_memory *memory, const struct tcps_segment *seg,
                              unsigned end, enum tcps_reason why)
{
    note_both(conn, memory, seg, end ? TCPS_WHY_NONE : why, end ? why : TCPS_WHY_NONE);
}

/* ---- looking up ---- */

/* The entry at which `end` entered the state it has in entry `last`; NULL if it began in it, unannounced. */
static const struct tcps_entry *entered(const struct tcps_log *log, uint32_t last, unsigned end)
{
    unsigned state = tcps_entry_state(&log->entries[last], end);

    for (uint32_t i = last + 1; i-- > 0;) {
        const struct tcps_entry *entry = &log->entries[i];

        if (tcps_reason_kind(tcps_entry_why(entry, end)) == TCPS_INITIAL) return NULL;
        if (i == 0 || tcps_entry_state(&log->entries[i - 1], end) != state) return entry;
    }
    return NULL;
}

unsigned tcps_state_before(const struct tcps_conn *conn, uint32_t index, unsigned end)
{
    const struct tcps_entry *entry = &conn->log.entries[index];

    if (index > 0) return tcps_entry_state(entry - 1, end);
    return tcps_entry_why(entry, end) == TCPS_WHY_SYN_SENT ? TCPS_CLOSED : tcps_entry_state(entry, end);
}

static unsigned basis_before(const struct tcps_conn *conn, uint32_t index, unsigned end)
{
    const struct tcps_entry *entry = &conn->log.entries[index];

    if (index > 0) return tcps_entry_basis(entry - 1, end);
    return tcps_entry_why(entry, end) == TCPS_WHY_SYN_SENT ? TCPS_BASIS_assumed : tcps_entry_basis(entry, end);
}

/* The entry that opens a connection with what was before its first segment, and nothing else. */
static bool is_initial(const struct tcps_entry *entry)
{
    return tcps_reason_kind(tcps_entry_why(entry, 0)) == TCPS_INITIAL &&
           tcps_reason_kind(tcps_entry_why(entry, 1)) == TCPS_INITIAL;
}

void tcps_conn_view(const struct tcps_conn *conn, struct tcps_position at, struct tcps_view *view)
{
    const struct tcps_log *log = &conn->log;
    uint32_t until = tcps_log_until(log, at), before = tcps_log_before(log, at);

    *view = (struct tcps_view){.first_entry = before,
                               .entries = until - before,
                               .role_basis = conn->role_basis,
                               .client_end = conn->client_end};
    if (until == 0) return;
    view->client_end = log->entries[until - 1].client_end;
    if (view->client_end != conn->client_end) view->role_basis = conn->guess_basis;
    if (before == 0 && is_initial(&log->entries[0])) before = 1;
    for (unsigned end = 0; end < 2; end++) {
        const struct tcps_entry *last = &log->entries[until - 1];
        const struct tcps_entry *entry = entered(log, until - 1, end);

        view->state[end] = (uint8_t)tcps_entry_state(last, end);
        view->basis[end] = (uint8_t)tcps_entry_basis(last, end);
        view->since[end] = entry ? entry->frame : 0;
        view->since_time[end] = entry ? entry->time : 0;
        view->before[end] = (uint8_t)tcps_state_before(conn, before, end);
        view->before_basis[end] = (uint8_t)basis_before(conn, before, end);
    }
}
