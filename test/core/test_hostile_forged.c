/* What an attacker can forge: one segment with flags that no TCP sends, a broken header, or numbers far from all that
 * is known. Put in at each place of each story, it changes no state, neither there nor in what follows. Knows what
 * proves nothing, not how the core finds out. Look next: hostile.h; test/plugin/test_hostile.py for the same by way of
 * captures.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "core/seq.h"
#include "hostile.h"

/* Flags that no TCP sends, or without one that means something. A RST is one nevertheless where there is a connection,
 * and a SYN in SYN_SENT and SYN_RECEIVED, as kernels have it. */
static bool proves_nothing(const struct place *place, unsigned from, unsigned flags)
{
    const struct tcps_endpoint *end = place->here->conn->end;
    unsigned receiver = end[!from].state;

    if (flags & TCPS_RST) return (flags & (TCPS_SYN | TCPS_FIN)) && !(end[0].known | end[1].known);
    if ((flags & (TCPS_SYN | TCPS_FIN)) == (TCPS_SYN | TCPS_FIN))
        return receiver != TCPS_SYN_SENT && receiver != TCPS_SYN_RECEIVED;
    return (flags & (TCPS_SYN | TCPS_ACK)) == 0;
}

/* Are the numbers of both ends known, so that others can be far off? */
static bool numbers_are_known(const struct telling *here)
{
    const struct tcps_endpoint *end = here->conn->end;

    return here->end[0].seen && here->end[1].seen && tcps_has(&end[0], TCPS_HAS_NUMBERS) &&
           tcps_has(&end[1], TCPS_HAS_NUMBERS) && !((end[0].known | end[1].known) & TCPS_OLD_LIFE);
}

static void forge_far_numbers(const struct place *place, unsigned from, unsigned flags, uint32_t distance)
{
    const struct tcps_conn *conn = place->here->conn;
    struct tcps_segment seg = hostile_segment(place, from, flags), far = seg;
    bool lived = tcps_has(&conn->end[0], TCPS_HAS_FIN) && tcps_has(&conn->end[1], TCPS_HAS_FIN);

    /* The story's own last segment was far off. */
    if (lived && !seq_between(conn->end[from].fin - 1000, seg.seq, conn->end[from].fin + 1000)) return;
    seg.len = far.len = flags & TCPS_PSH ? 100 : 0;
    far.seq += distance;
    far.ack = place->here->end[!from].next + distance;
    if (!(flags & TCPS_RST)) {
        seg.ack = far.ack;
        hostile_must_change_nothing(place, "SEG.ACK far off", seg);
        seg = far;
        seg.ack = hostile_segment(place, from, flags).ack;
        hostile_must_change_nothing(place, "SEG.SEQ far off", seg);
        if (lived) return; /* the first segment of another connection */
    }
    /* Of a RST the number decides, but in SYN_SENT its ACK (RFC 9293 3.10.7.3). */
    hostile_must_change_nothing(place, "both numbers far off", far);
}

static void forge(const struct place *place, unsigned from)
{
    static const uint32_t far[] = {0x48000000, 0x7fffffff, 0x80000000, 0x80000001, 0xb8000000};
    static const unsigned kinds[] = {TCPS_ACK, TCPS_ACK | TCPS_PSH, TCPS_ACK | TCPS_FIN, TCPS_RST, TCPS_RST | TCPS_ACK};

    for (unsigned flags = 0; flags <= (HOSTILE_CONTROL | TCPS_PSH); flags++)
        if (proves_nothing(place, from, flags))
            hostile_must_change_nothing(place, "no TCP's flags", hostile_segment(place, from, flags));
    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
        struct tcps_segment broken = hostile_segment(place, from, kinds[i]);

        broken.malformed = true;
        hostile_must_change_nothing(place, "a malformed header", broken);
        for (unsigned n = 0; n < G_N_ELEMENTS(far) && numbers_are_known(place->here); n++)
            forge_far_numbers(place, from, kinds[i], far[n]);
    }
}

static void test_forged(gconstpointer story)
{
    for (unsigned i = 0; i < 2; i++) hostile_at_each_place(story, hostile_iss_pairs[i], forge);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    if (!hostile_add_stories(argc, argv, "forged", test_forged)) return 2;
    return g_test_run();
}
