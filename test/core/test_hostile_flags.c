/* All flags that a header has room for, on an end in each state. No end leaves a state but by an arrow of RFC 9293
 * figure 5, and only SYN, FIN, RST and ACK decide anything; beside RST only ACK. Knows flags, not what the core makes
 * of them. Look next: hostile.h; test/plugin/test_hostile.py for the same by way of captures.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stddef.h>
#include <string.h>

#include "hostile.h"

enum { ALL_FLAGS = 1 << 12 /* with the reserved bits; Wireshark hands over all of them */ };

/* How often all flags were tried on a sender, and on a receiver, in the state. */
static unsigned met[2][TCPS_STATE_COUNT];

/* Field by field, since the octets have bits that belong to none. */
static bool are_same_facts(const struct tcps_endpoint *one, const struct tcps_endpoint *other)
{
    const size_t words = offsetof(struct tcps_endpoint, first_ack) + sizeof one->first_ack;

    return memcmp(one, other, words) == 0 && one->wscale == other->wscale && one->doubts == other->doubts &&
           one->retractions == other->retractions && one->numbers_at == other->numbers_at &&
           one->state == other->state && one->basis == other->basis;
}

/* PSH, URG, ECE, CWR, AE and the reserved bits decide nothing: both ends' facts are the same to the last bit. */
static void compare_flags(const struct place *place, const struct tcps_segment *seg, const struct tcps_endpoint end[2],
                          unsigned others)
{
    struct telling telling;
    struct tcps_segment with = *seg;

    with.flags = (uint16_t)(seg->flags | others);
    hostile_put_in(place, &with, &telling);
    if (!are_same_facts(&telling.conn->end[0], &end[0]) || !are_same_facts(&telling.conn->end[1], &end[1]))
        hostile_complain(place, &with, "more than the control flags",
                         "the outcome is not that of the control flags alone");
    telling_close(&telling);
}

/* Beside a RST neither SYN nor FIN decides anything; they are octets of its length. */
static void compare_resets(const struct place *place, const struct tcps_segment *seg, const struct tcps_endpoint end[2])
{
    const struct tcps_endpoint *before = place->here->conn->end;
    struct telling telling;
    struct tcps_segment bare = *seg;

    bare.flags &= (uint16_t) ~(TCPS_SYN | TCPS_FIN);
    bare.len = tcps_segment_space(seg);
    if (!(before[0].known | before[1].known)) bare.flags = 0; /* there it proves nothing */
    hostile_put_in(place, &bare, &telling);
    if (!are_same_facts(&telling.conn->end[0], &end[0]) || !are_same_facts(&telling.conn->end[1], &end[1]))
        hostile_complain(place, seg, "SYN or FIN beside RST", "the outcome is not that of the RST alone");
    telling_close(&telling);
}

static void try_flags(const struct place *place, unsigned from)
{
    bool all = strstr(place->plain->story->file, "rfc9293-figures") != NULL;

    met[0][place->here->view.state[from]]++;
    met[1][place->here->view.state[!from]]++;
    for (unsigned control = 0; control <= HOSTILE_CONTROL; control++) {
        struct tcps_segment seg = hostile_segment(place, from, control);
        struct tcps_endpoint end[2];
        struct telling telling;

        if (control & ~(unsigned)HOSTILE_CONTROL) continue;
        hostile_put_in(place, &seg, &telling);
        memcpy(end, telling.conn->end, sizeof end);
        if (place->plain->in_order) telling_go_on(&telling, place->line, telling.story->lines->len);
        /* Where packets are missing, two FINs that contradict each other may lead anywhere. */
        if (!place->plain->in_order && (control & TCPS_FIN)) telling.has_gone_astray = false;
        hostile_conclude(place, &seg, "these flags", &telling);
        if ((control & TCPS_RST) && (control & (TCPS_SYN | TCPS_FIN))) compare_resets(place, &seg, end);
        if (!all) compare_flags(place, &seg, end, (ALL_FLAGS - 1) & ~(unsigned)HOSTILE_CONTROL);
        for (unsigned others = 1; others < ALL_FLAGS && all; others++)
            if (!(others & HOSTILE_CONTROL)) compare_flags(place, &seg, end, others);
    }
}

static void test_flags(gconstpointer story)
{
    hostile_at_each_place(story, hostile_iss_pairs[0], try_flags);
}

static void test_every_state_was_met(void)
{
    for (unsigned role = 0; role < 2; role++)
        for (unsigned state = 0; state < TCPS_STATE_COUNT; state++)
            if (!met[role][state])
                g_error("no story tries all flags on a %s in %s", role ? "receiver" : "sender", tcps_state_name(state));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    if (!hostile_add_stories(argc, argv, "flags", test_flags)) return 2;
    g_test_add_func("/hostile/states/every-one-was-met", test_every_state_was_met);
    return g_test_run();
}
