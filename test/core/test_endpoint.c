/* From facts to states: every row of the table above tcps_state_of(), every edge of RFC 9293 figure 5, and that any set
 * of facts has a state.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <glib.h>

#include "core/endpoint.h"

/* Two endpoints whose numbers lie where arithmetic wraps. */
enum { MINE = 0xfffffff0u, THEIRS = 0x7ffffff8u };

#define MY_FIN (MINE + 100u)
#define PEERS_FIN (THEIRS + 200u)

/* What may be said of an endpoint, apart from the facts in `known`. */
enum {
    FIN_ACKED = 1 << 0,
    PASSIVE = 1 << 1, /* my FIN acknowledged the peer's */
    GOT_PEERS_FIN = 1 << 2,
    PEER_SENT_FIN = 1 << 3,
};

struct pair {
    struct tcps_endpoint me, peer;
};

static struct pair pair_with(uint32_t known, unsigned what)
{
    struct pair pair = {
        .me = {.known = known | TCPS_SEEN,
               .iss = MINE,
               .snd_una = what & FIN_ACKED ? MY_FIN + 1 : MY_FIN,
               .snd_nxt = known & TCPS_HAS_FIN ? MY_FIN + 1 : MY_FIN,
               .rcv_nxt = what & GOT_PEERS_FIN ? PEERS_FIN + 1 : PEERS_FIN,
               .rcv_edge = PEERS_FIN + 65535,
               .fin = MY_FIN,
               .fin_ack = what & PASSIVE ? PEERS_FIN + 1 : PEERS_FIN},
        .peer = {.known = TCPS_SEEN | TCPS_HAS_ISS | TCPS_HAS_NUMBERS | TCPS_HAS_RCV | TCPS_SYNCHRONIZED,
                 .iss = THEIRS,
                 .snd_una = THEIRS + 1,
                 .snd_nxt = PEERS_FIN,
                 .rcv_nxt = MY_FIN,
                 .rcv_edge = MY_FIN + 65535},
    };

    if (what & PEER_SENT_FIN) {
        pair.peer.known |= TCPS_HAS_FIN;
        pair.peer.fin = PEERS_FIN;
        pair.peer.fin_ack = MY_FIN;
        pair.peer.snd_nxt = PEERS_FIN + 1;
    }
    return pair;
}

#define ADDRESSED TCPS_LISTENS
#define SYN_OUT (TCPS_HAS_ISS | TCPS_HAS_NUMBERS)
#define ANSWERED (SYN_OUT | TCPS_HAS_RCV | TCPS_SENT_SYNACK)
#define OPEN (SYN_OUT | TCPS_HAS_RCV | TCPS_SYNCHRONIZED)
#define GOT_FIN (GOT_PEERS_FIN | PEER_SENT_FIN)

static const struct row {
    enum tcps_state state;
    uint32_t known;
    unsigned what;
} rows[] = {
    /* closed by RST */
    {TCPS_CLOSED, OPEN | TCPS_RST_GOT, 0},
    {TCPS_CLOSED, OPEN | TCPS_RST_MADE, 0},
    {TCPS_CLOSED, OPEN | TCPS_HAS_FIN | TCPS_RST_GOT, FIN_ACKED | GOT_FIN},
    {TCPS_CLOSED, OPEN | TCPS_HAS_FIN | TCPS_RST_MADE, GOT_FIN},
    {TCPS_CLOSED, SYN_OUT | TCPS_RST_GOT, 0},
    {TCPS_CLOSED, ADDRESSED | TCPS_RST_MADE, 0},
    {TCPS_CLOSED, ANSWERED | TCPS_RST_GOT, 0}, /* simultaneous open: not from LISTEN */
    {TCPS_CLOSED, ADDRESSED | ANSWERED | TCPS_SYN_ACKED | TCPS_RST_GOT, 0},
    /* half-open, from LISTEN, and the RST was the peer's */
    {TCPS_LISTEN, ADDRESSED | ANSWERED | TCPS_RST_GOT, 0},
    /* FIN sent */
    {TCPS_CLOSED, OPEN | TCPS_HAS_FIN, FIN_ACKED | PASSIVE | GOT_FIN},
    {TCPS_LAST_ACK, OPEN | TCPS_HAS_FIN, PASSIVE | GOT_FIN},
    {TCPS_TIME_WAIT, OPEN | TCPS_HAS_FIN, FIN_ACKED | GOT_FIN},
    {TCPS_TIME_WAIT, OPEN | TCPS_HAS_FIN | TCPS_FIN_CROSSED, FIN_ACKED | PEER_SENT_FIN},
    {TCPS_CLOSING, OPEN | TCPS_HAS_FIN, GOT_FIN},
    {TCPS_CLOSING, OPEN | TCPS_HAS_FIN | TCPS_FIN_CROSSED, PEER_SENT_FIN},
    {TCPS_FIN_WAIT_2, OPEN | TCPS_HAS_FIN, FIN_ACKED},
    {TCPS_FIN_WAIT_2, OPEN | TCPS_HAS_FIN, FIN_ACKED | PEER_SENT_FIN}, /* seen is not received */
    {TCPS_FIN_WAIT_1, OPEN | TCPS_HAS_FIN, 0},
    {TCPS_FIN_WAIT_1, OPEN | TCPS_HAS_FIN, PEER_SENT_FIN},
    {TCPS_FIN_WAIT_1, ADDRESSED | ANSWERED | TCPS_FAST_OPEN | TCPS_HAS_FIN, 0}, /* before the third ACK */
    /* the peer's FIN received */
    {TCPS_CLOSE_WAIT, OPEN, GOT_FIN},
    {TCPS_ESTABLISHED, OPEN, PEER_SENT_FIN},
    {TCPS_ESTABLISHED, OPEN, GOT_PEERS_FIN}, /* an octet, but no FIN was seen there */
    /* open */
    {TCPS_ESTABLISHED, OPEN, 0},
    {TCPS_ESTABLISHED, ADDRESSED | ANSWERED | TCPS_SYN_ACKED, 0},
    {TCPS_ESTABLISHED, TCPS_PRESUMED_OPEN, 0},
    /* opening */
    {TCPS_SYN_RECEIVED, ADDRESSED | ANSWERED, 0},
    {TCPS_SYN_RECEIVED, ANSWERED, 0},
    {TCPS_SYN_SENT, SYN_OUT, 0},
    {TCPS_SYN_SENT, SYN_OUT | TCPS_SYN_ACKED, 0}, /* its own answer is what counts */
    {TCPS_LISTEN, ADDRESSED, 0},
    {TCPS_UNKNOWN, 0, 0},
};

static void test_rows(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct pair pair = pair_with(rows[i].known, rows[i].what);
        enum tcps_state got = tcps_state_of(&pair.me, &pair.peer);

        if (got == rows[i].state) continue;
        g_test_message("row %u: expected %s, got %s", i, tcps_state_name(rows[i].state), tcps_state_name(got));
        g_test_fail();
    }
}

/* Figure 5, the edges that a segment shows. `known` and `what` are those of the endpoint at the edge's end. */
static const struct edge {
    enum tcps_state from, to;
    uint32_t known;
} edges[] = {
    {TCPS_CLOSED, TCPS_SYN_SENT, SYN_OUT},
    {TCPS_LISTEN, TCPS_SYN_RECEIVED, ADDRESSED | ANSWERED},
    {TCPS_SYN_SENT, TCPS_SYN_RECEIVED, ANSWERED},
    {TCPS_SYN_SENT, TCPS_ESTABLISHED, OPEN},
    {TCPS_SYN_RECEIVED, TCPS_ESTABLISHED, ADDRESSED | ANSWERED | TCPS_SYN_ACKED},
    {TCPS_SYN_RECEIVED, TCPS_ESTABLISHED, ANSWERED | TCPS_SYN_ACKED},
    {TCPS_SYN_RECEIVED, TCPS_FIN_WAIT_1, ADDRESSED | ANSWERED | TCPS_FAST_OPEN | TCPS_HAS_FIN},
    {TCPS_ESTABLISHED, TCPS_FIN_WAIT_1, OPEN | TCPS_HAS_FIN},
    {TCPS_ESTABLISHED, TCPS_CLOSE_WAIT, OPEN},
    {TCPS_FIN_WAIT_1, TCPS_FIN_WAIT_2, OPEN | TCPS_HAS_FIN},
    {TCPS_FIN_WAIT_1, TCPS_CLOSING, OPEN | TCPS_HAS_FIN},
    {TCPS_FIN_WAIT_2, TCPS_TIME_WAIT, OPEN | TCPS_HAS_FIN},
    {TCPS_CLOSING, TCPS_TIME_WAIT, OPEN | TCPS_HAS_FIN | TCPS_FIN_CROSSED},
    {TCPS_CLOSE_WAIT, TCPS_LAST_ACK, OPEN | TCPS_HAS_FIN},
    {TCPS_LAST_ACK, TCPS_CLOSED, OPEN | TCPS_HAS_FIN},
};

static void test_edges(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(edges); i++) {
        struct pair pair = pair_with(edges[i].known, 0);
        enum tcps_state got = tcps_state_on_the_way(&pair.me, edges[i].to);

        if (got == edges[i].from) continue;
        g_test_message("before %s: expected %s, got %s", tcps_state_name(edges[i].to), tcps_state_name(edges[i].from),
                       tcps_state_name(got));
        g_test_fail();
    }
}

static bool is_closing_state(enum tcps_state state)
{
    return state == TCPS_FIN_WAIT_1 || state == TCPS_FIN_WAIT_2 || state == TCPS_CLOSING || state == TCPS_TIME_WAIT ||
           state == TCPS_LAST_ACK || state == TCPS_CLOSED;
}

/* What holds of any set of facts, sensible or not. */
static void check_total(const struct tcps_endpoint *me, const struct tcps_endpoint *peer)
{
    enum tcps_state state = tcps_state_of(me, peer);

    g_assert_cmpuint(state, <, TCPS_STATE_COUNT);
    g_assert_cmpuint(tcps_state_on_the_way(me, state), <, TCPS_STATE_COUNT);
    if (tcps_has(me, TCPS_RST_MADE)) g_assert_cmpuint(state, ==, TCPS_CLOSED);
    if (me->known & (TCPS_RST_MADE | TCPS_RST_GOT)) g_assert_true(state == TCPS_CLOSED || state == TCPS_LISTEN);
    if (tcps_has(me, TCPS_HAS_FIN) && !tcps_has(me, TCPS_RST_GOT)) g_assert_true(is_closing_state(state));
    if (!tcps_has(peer, TCPS_HAS_FIN))
        g_assert_true(state != TCPS_CLOSE_WAIT && state != TCPS_CLOSING && state != TCPS_TIME_WAIT &&
                      state != TCPS_LAST_ACK);
}

/* All sets of the facts that are bits, with numbers on either side of what they are compared with. */
static void test_total(void)
{
    static const uint32_t bits[] = {TCPS_HAS_ISS,   TCPS_HAS_RCV,    TCPS_SENT_SYNACK, TCPS_SYNCHRONIZED,
                                    TCPS_SYN_ACKED, TCPS_HAS_FIN,    TCPS_FIN_CROSSED, TCPS_RST_GOT,
                                    TCPS_RST_MADE,  TCPS_LISTENS,    TCPS_OLD_LIFE,    TCPS_PRESUMED_OPEN,
                                    TCPS_FAST_OPEN, TCPS_FIN_DOUBTED};

    for (uint32_t set = 0; set < UINT32_C(1) << G_N_ELEMENTS(bits); set++) {
        uint32_t known = 0;

        for (unsigned i = 0; i < G_N_ELEMENTS(bits); i++)
            if (set & UINT32_C(1) << i) known |= bits[i];
        for (unsigned what = 0; what < 16; what++) {
            struct pair pair = pair_with(known, what);

            check_total(&pair.me, &pair.peer);
            check_total(&pair.peer, &pair.me);
        }
    }
}

/* Nonsense in every field. */
static void test_total_at_random(void)
{
    for (unsigned i = 0; i < 200000; i++) {
        struct tcps_endpoint ends[2];

        for (unsigned n = 0; n < sizeof ends; n++) ((uint8_t *)ends)[n] = (uint8_t)g_test_rand_int();
        check_total(&ends[0], &ends[1]);
    }
}

static void test_names(void)
{
    for (unsigned state = 0; state < TCPS_STATE_COUNT; state++) {
        g_assert_cmpstr(tcps_state_name(state), !=, "");
        g_assert_cmpstr(tcps_state_meaning(state), !=, "");
    }
    g_assert_cmpstr(tcps_state_name(TCPS_STATE_COUNT), ==, "UNKNOWN");
    g_assert_cmpstr(tcps_state_meaning(TCPS_STATE_COUNT), ==, tcps_state_meaning(TCPS_UNKNOWN));
    g_assert_cmpstr(tcps_basis_name(TCPS_BASIS_presumed), ==, "presumed");
    g_assert_cmpstr(tcps_basis_name(99), ==, "none");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/endpoint/rows", test_rows);
    g_test_add_func("/endpoint/edges", test_edges);
    g_test_add_func("/endpoint/total", test_total);
    g_test_add_func("/endpoint/total-at-random", test_total_at_random);
    g_test_add_func("/endpoint/names", test_names);
    return g_test_run();
}
