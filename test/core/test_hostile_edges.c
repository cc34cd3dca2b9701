/* Numbers at which something is decided: both edges of the window, one and two beside them, and 2^31 away; of RST, FIN,
 * SYN, data and ACK, where they pass 2^31 and 2^32 too. What becomes of each is what RFC 9293 3.10.7 and RFC 5961 say,
 * judged by what an observer without inference knows; not how the core decides. Look next: hostile.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "core/seq.h"
#include "hostile.h"

static bool is_synchronized(unsigned state)
{
    return state >= TCPS_ESTABLISHED; /* TIME_WAIT among them; SYN_RECEIVED is judged in another way */
}

static bool is_between_syn_and_end(unsigned state)
{
    return is_synchronized(state) && state != TCPS_TIME_WAIT;
}

/* A segment at a number where something is decided, and what RFC 9293 3.10.7.4 and RFC 5961 make of it. */
struct trial {
    const struct place *place;
    unsigned from;
    unsigned mine, peers; /* states */
    uint32_t low, high;   /* the receiver's RCV.NXT is not below, and not above: data may be on its way */
    uint32_t edge;        /* of the receiver's window */
};

static void try_rst(const struct trial *trial, uint32_t seq, unsigned flags)
{
    struct tcps_segment seg = hostile_segment(trial->place, trial->from, flags);
    const struct tcps_endpoint *me = &trial->place->here->conn->end[trial->from];
    bool exact = seq_between(trial->low, seq, trial->high);
    struct telling telling;

    /* Linux takes the number of a FIN that it has received as well; where data crossed it, that is right. */
    if (tcps_has(me, TCPS_HAS_FIN) && seq == me->fin) return;
    seg.seq = seq;
    if (!exact) {
        hostile_must_be_ignored(trial->place, "a RST that is not exact", seg, trial->place->plain->in_order);
        return;
    }
    hostile_put_in(trial->place, &seg, &telling);
    if (telling.view.state[!trial->from] != TCPS_CLOSED)
        hostile_complain(trial->place, &seg, "an exact RST", "its receiver is in %s",
                         tcps_state_name(telling.view.state[!trial->from]));
    telling_close(&telling);
}

/* In the window it may be a FIN behind octets that were not captured: its sender is believed, its receiver has not got
 * it. */
static void try_fin(const struct trial *trial, uint32_t seq)
{
    struct tcps_segment seg = hostile_segment(trial->place, trial->from, TCPS_FIN | TCPS_ACK);
    unsigned sent = trial->mine == TCPS_ESTABLISHED ? TCPS_FIN_WAIT_1 : TCPS_LAST_ACK;
    struct telling telling;

    if (trial->mine != TCPS_ESTABLISHED && trial->mine != TCPS_CLOSE_WAIT) return;
    seg.seq = seq;
    if (seq == trial->edge) return; /* an empty window's right edge: stacks differ */
    if (!seq_between(trial->high, seq, trial->edge)) {
        hostile_must_be_ignored(trial->place, "a FIN outside", seg, trial->place->plain->in_order);
        return;
    }
    hostile_put_in(trial->place, &seg, &telling);
    if (telling.view.state[trial->from] != sent || hostile_is_changed(&telling.view, !trial->from))
        hostile_complain(trial->place, &seg, "a FIN in the window", "%s and its peer %s",
                         tcps_state_name(telling.view.state[trial->from]),
                         tcps_state_name(telling.view.state[!trial->from]));
    telling_close(&telling);
}

/* Octets of data change no state, wherever they are; outside the window they change nothing later either. */
static void try_data(const struct trial *trial, uint32_t seq)
{
    struct tcps_segment seg = hostile_segment(trial->place, trial->from, TCPS_ACK | TCPS_PSH);
    struct telling telling;

    seg.len = 10;
    seg.seq = seq;
    if (seq == trial->edge) return;
    if (!seq_between(trial->low - 10, seq, trial->edge)) {
        hostile_must_be_ignored(trial->place, "data outside the window", seg, trial->place->plain->in_order);
        return;
    }
    hostile_put_in(trial->place, &seg, &telling);
    if (hostile_is_changed(&telling.view, trial->from) || hostile_is_changed(&telling.view, !trial->from))
        hostile_complain(trial->place, &seg, "data in the window", "a state changes");
    telling_close(&telling);
}

static void try_syn(const struct trial *trial, uint32_t seq, unsigned flags)
{
    struct tcps_segment seg = hostile_segment(trial->place, trial->from, flags);

    if ((flags & TCPS_ACK) && seq == trial->place->here->end[trial->from].first) return; /* sent again: rule 3 */
    if (!is_between_syn_and_end(trial->mine) || !is_between_syn_and_end(trial->peers)) return;
    seg.seq = seq;
    hostile_must_be_ignored(trial->place, "a SYN inside", seg, trial->place->plain->in_order);
}

static void try_ack(const struct trial *trial, uint32_t ack)
{
    struct tcps_segment seg = hostile_segment(trial->place, trial->from, TCPS_ACK);

    if (seq_between(trial->place->here->end[trial->from].ack + 1, ack, trial->place->here->end[!trial->from].next + 1))
        return;
    seg.ack = ack;
    hostile_must_be_ignored(trial->place, "an ACK of what was not sent, or of nothing new", seg,
                            trial->place->plain->in_order);
}

/* In SYN_SENT the ACK of a RST decides (RFC 9293 3.10.7.3) - or its number, if the SYN,ACK was on its way before it. In
 * SYN_RECEIVED it must be in the window; where in it, stacks differ (RFC 5961 3.2, REAL-STACKS 11). */
static void try_rst_in_opening(const struct trial *trial, uint32_t seq, uint32_t ack, unsigned flags)
{
    struct tcps_segment seg = hostile_segment(trial->place, trial->from, flags);
    const struct end *me = &trial->place->here->end[trial->from], *peer = &trial->place->here->end[!trial->from];
    bool ends, ended;
    struct telling telling;

    if (trial->peers == TCPS_SYN_SENT)
        ends = flags & TCPS_ACK ? ack == peer->next : me->acked && seq == me->next;
    else
        ends = seq == peer->ack && (!(flags & TCPS_ACK) || ack == peer->next);
    if (trial->peers == TCPS_SYN_RECEIVED && !ends && seq_between(peer->ack, seq, peer->edge)) return;
    seg.seq = seq;
    seg.ack = ack;
    hostile_put_in(trial->place, &seg, &telling);
    ended = hostile_is_changed(&telling.view, !trial->from);
    if (ended != ends)
        hostile_complain(trial->place, &seg, "a RST", ends ? "%s, and was not ended" : "%s",
                         tcps_state_name(telling.view.state[!trial->from]));
    hostile_conclude(trial->place, &seg, "a RST", &telling);
}

static void try_edges(const struct place *place, unsigned from)
{
    const struct telling *here = place->here;
    const struct end *me = &here->end[from], *peer = &here->end[!from];
    const struct trial trial = {.place = place,
                                .from = from,
                                .mine = here->view.state[from],
                                .peers = here->view.state[!from],
                                .low = peer->ack,
                                .high = me->next,
                                .edge = peer->edge};
    const uint32_t bases[] = {me->first, peer->ack, me->next, peer->edge};
    const uint32_t acks[] = {peer->first, me->ack, peer->next};
    static const uint32_t steps[] = {-2u, -1u, 0, 1, 2, 0x7fffffff, 0x80000000, 0x80000001};

    if (here->in_order && (trial.peers == TCPS_SYN_SENT || trial.peers == TCPS_SYN_RECEIVED))
        for (unsigned n = 0; n < G_N_ELEMENTS(steps); n++)
            for (unsigned i = 0; i < G_N_ELEMENTS(bases); i++) {
                try_rst_in_opening(&trial, bases[i] + steps[n], peer->next, TCPS_RST);
                try_rst_in_opening(&trial, bases[i] + steps[n], peer->next, TCPS_RST | TCPS_ACK);
                try_rst_in_opening(&trial, me->next, peer->next + steps[n], TCPS_RST | TCPS_ACK);
            }
    if (!here->in_order || !me->acked || !peer->acked || !is_synchronized(trial.mine) || !is_synchronized(trial.peers))
        return;
    for (unsigned n = 0; n < G_N_ELEMENTS(steps); n++) {
        for (unsigned i = 0; i < G_N_ELEMENTS(bases); i++) {
            uint32_t seq = bases[i] + steps[n];

            try_rst(&trial, seq, TCPS_RST);
            try_rst(&trial, seq, TCPS_RST | TCPS_ACK);
            try_fin(&trial, seq);
            try_data(&trial, seq);
            try_syn(&trial, seq, TCPS_SYN);
            try_syn(&trial, seq, TCPS_SYN | TCPS_ACK);
        }
        for (unsigned i = 0; i < G_N_ELEMENTS(acks); i++) try_ack(&trial, acks[i] + steps[n]);
    }
}

static void test_edges(gconstpointer story)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(hostile_iss_pairs); i++)
        hostile_at_each_place(story, hostile_iss_pairs[i], try_edges);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    if (!hostile_add_stories(argc, argv, "edges", test_edges)) return 2;
    return g_test_run();
}
