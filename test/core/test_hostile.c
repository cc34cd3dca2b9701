/* What an attacker can put between the segments of a conversation: flags that no TCP sends, numbers at every edge,
 * forged segments. The stories are the conversations: each is told again with one segment more, at each place, from
 * each end. What proves nothing must change nothing, neither there nor in what follows; and no end may leave a state
 * but by an arrow of RFC 9293 figure 5. Knows the core's interface and the stories, not how the core decides. Look
 * next: story_teller.h, and test/plugin/test_hostile.py for the same by way of captures.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/explain.h"
#include "core/seq.h"
#include "rig.h"
#include "story_teller.h"

enum {
    CONTROL = TCPS_FIN | TCPS_SYN | TCPS_RST | TCPS_ACK,
    ALL_FLAGS = 1 << 12, /* with the reserved bits; Wireshark hands over all of them */
    MOST_PACKETS = 64,
};

/* The first is plain, in the others numbers pass 2^31 and 2^32 at the first segments, in one direction or in both. */
static const uint32_t iss_pairs[][2] = {
    {1000, 5000}, {0x7ffffff0, 0xfffffff0}, {0xffffffff, 0x7fffffff}, {0x7ffffffe, 0xfffffff8}};

/* ---- one telling ---- */

/* What an observer knows of an end without any inference. */
struct end {
    bool seen, acked, closed; /* it sent something, an ACK, a FIN */
    uint16_t wnd;
    uint32_t first, next; /* number of its first segment; one past its last octet */
    uint32_t ack, edge;   /* its last ACK, and the highest right edge of its windows */
};

struct telling {
    const struct story *story;
    struct story_teller teller;
    struct rig_heap heap;
    struct tcps_memory memory;
    struct tcps_flow flow;
    const struct tcps_conn *conn; /* of the last packet */
    struct tcps_view view;        /* of the last packet */
    struct end end[2];            /* by end */
    bool in_order;                /* from the first SYN on: nothing lost, repeated, out of order or forged so far */
    bool has_gone_astray;         /* from a state to one to which no arrow leads: `astray` */
    struct tcps_event astray;
    unsigned count;
    uint8_t shown[MOST_PACKETS][2]; /* after each packet of the story itself: state of client and server */
};

/* The arrows of RFC 9293 figure 5: to which states a state leads. A RST leads to CLOSED from anywhere. */
static const uint16_t arrows[TCPS_STATE_COUNT] = {
    [TCPS_UNKNOWN] = 0xffff,                                     /* where a capture begins */
    [TCPS_CLOSED] = 1 << TCPS_SYN_RECEIVED | 1 << TCPS_SYN_SENT, /* by way of LISTEN, which no segment shows */
    [TCPS_LISTEN] = 1 << TCPS_SYN_RECEIVED | 1 << TCPS_SYN_SENT,
    [TCPS_SYN_SENT] = 1 << TCPS_SYN_RECEIVED | 1 << TCPS_ESTABLISHED,
    [TCPS_SYN_RECEIVED] = 1 << TCPS_ESTABLISHED | 1 << TCPS_FIN_WAIT_1 | 1 << TCPS_LISTEN,
    [TCPS_ESTABLISHED] = 1 << TCPS_FIN_WAIT_1 | 1 << TCPS_CLOSE_WAIT,
    [TCPS_FIN_WAIT_1] = 1 << TCPS_FIN_WAIT_2 | 1 << TCPS_CLOSING,
    [TCPS_FIN_WAIT_2] = 1 << TCPS_TIME_WAIT,
    [TCPS_CLOSE_WAIT] = 1 << TCPS_LAST_ACK,
    [TCPS_CLOSING] = 1 << TCPS_TIME_WAIT,
    [TCPS_LAST_ACK] = 0,
    [TCPS_TIME_WAIT] = 0,
};

/* Remembers the first transition for which there is no arrow. Corrections go back, that is what they are for. */
static void look_for_arrows(struct telling *telling, const struct tcps_segment *seg)
{
    struct tcps_event event;

    for (unsigned i = 0; tcps_event_at(telling->conn, &telling->view, seg->from, i, &event); i++) {
        if (!tcps_event_is_transition(&event) || tcps_reason_kind(event.why) == TCPS_CORRECTION) continue;
        if (event.to == TCPS_CLOSED || (arrows[event.from] & 1 << event.to)) continue;
        /* The addressee of a SYN that replaces a connection had not noticed that it was over. */
        if (tcps_older(telling->conn) && (event.to == TCPS_SYN_RECEIVED || event.why == TCPS_WHY_IMPLIED)) continue;
        if (telling->has_gone_astray) continue;
        telling->has_gone_astray = true;
        telling->astray = event;
    }
}

static void take(struct telling *telling, const struct tcps_segment *seg)
{
    telling->conn = tcps_flow_feed(&telling->flow, &telling->memory, seg);
    tcps_conn_view(telling->conn, seg->at, &telling->view);
    look_for_arrows(telling, seg);
}

/* Is the segment the next one of a conversation of which nothing is missing, and such as any stack sends it? */
static bool continues(const struct telling *telling, const struct tcps_segment *seg)
{
    const struct end *me = &telling->end[seg->from], *peer = &telling->end[!seg->from];
    unsigned control = seg->flags & CONTROL;

    if (seg->malformed || seg->has_ts || seg->fast_open || seg->wscale != TCPS_NO_WSCALE) return false;
    if (!me->seen)
        return control == (peer->seen ? TCPS_SYN | TCPS_ACK : TCPS_SYN) && seg->len == 0 &&
               (!peer->seen || seg->ack == peer->next);
    return (control & ~(unsigned)TCPS_FIN) == TCPS_ACK && seg->seq == me->next && !me->closed && peer->seen &&
           seq_leq(seg->seq + seg->len, peer->edge) && seq_leq(seg->ack, peer->next) &&
           (!me->acked || seq_geq(seg->ack, me->ack));
}

static void take_note_of(struct telling *telling, const struct tcps_segment *seg)
{
    struct end *me = &telling->end[seg->from];

    if (!continues(telling, seg)) telling->in_order = false;
    if (seg->flags & TCPS_RST) return; /* its number may be that of another connection */
    if (!me->seen) me->first = seg->seq;
    me->seen = true;
    me->closed = seg->flags & TCPS_FIN;
    me->next = seg->seq + tcps_segment_space(seg);
    me->wnd = seg->wnd;
    if (!(seg->flags & TCPS_ACK)) return;
    if (!me->acked || seq_gt(seg->ack + seg->wnd, me->edge)) me->edge = seg->ack + seg->wnd;
    me->acked = true;
    me->ack = seg->ack;
}

static void tell(struct telling *telling, const struct story_line *line)
{
    struct tcps_segment seg;

    if (line->kind == STORY_EXPECT) return;
    if (!story_teller_next(&telling->teller, line, &seg)) {
        telling->in_order = false;
        return;
    }
    if (line->kind == STORY_UNREACHABLE) {
        tcps_flow_unreachable(&telling->flow, &telling->memory, &seg);
        return;
    }
    take(telling, &seg);
    take_note_of(telling, &seg);
    g_assert_cmpuint(telling->count, <, MOST_PACKETS);
    telling->shown[telling->count][0] = telling->view.state[telling->view.client_end];
    telling->shown[telling->count++][1] = telling->view.state[!telling->view.client_end];
}

static void tell_lines(struct telling *telling, guint from, guint to)
{
    for (guint i = from; i < to; i++) tell(telling, g_ptr_array_index(telling->story->lines, i));
}

/* Tells the story up to and without line `place`. */
static void open_telling(struct telling *telling, const struct story *story, const uint32_t iss[2], guint place)
{
    *telling = (struct telling){.story = story, .in_order = true};
    story_teller_open(&telling->teller, story, iss, 0);
    rig_heap_open(&telling->heap);
    telling->memory = rig_heap_memory(&telling->heap);
    for (unsigned side = 0; side < 2; side++) telling->flow.first.ports[side] = story->ports[side];
    tell_lines(telling, 0, place);
}

static void close_telling(struct telling *telling)
{
    story_teller_close(&telling->teller);
    rig_heap_close(&telling->heap);
}

/* ---- something put in ---- */

/* A place in a story, and the same story without anything put in. */
struct place {
    const struct telling *plain, *here;
    guint line;
};

/* What `from` might send next, to be changed. */
static struct tcps_segment next_segment(const struct place *place, unsigned from, unsigned flags)
{
    const struct telling *here = place->here;
    const struct end *me = &here->end[from], *peer = &here->end[!from];

    return (struct tcps_segment){.time = here->teller.time + 1000000,
                                 .at = {.frame = here->teller.packets * STORY_FRAMES_APART + STORY_FRAMES_APART / 2},
                                 .seq = me->next,
                                 .ack = me->acked ? me->ack : peer->next,
                                 .wnd = me->wnd,
                                 .flags = (uint16_t)flags,
                                 .ip_id = 7777,
                                 .checksum = 7777,
                                 .from = from & 1,
                                 .wscale = TCPS_NO_WSCALE};
}

G_GNUC_PRINTF(4, 5)
static void complain(const struct place *place, const struct tcps_segment *seg, const char *what, const char *format,
                     ...)
{
    const struct story_line *line = g_ptr_array_index(place->plain->story->lines, MAX(place->line, 1) - 1);
    const struct story_teller *teller = &place->plain->teller;
    va_list args;

    fprintf(stderr, "%s:%u: behind this, %s (%c, flags %#x, seq %d, ack %d, ISS %#x and %#x): ", teller->story->file,
            line->number, what, seg->from ? 'S' : 'C', seg->flags, (int32_t)(seg->seq - teller->iss[seg->from]),
            (int32_t)(seg->ack - teller->iss[!seg->from]), teller->iss[0], teller->iss[1]);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    g_test_fail();
}

static bool is_changed(const struct tcps_view *view, unsigned end)
{
    /* UNKNOWN comes before the first segment of any connection, this one perhaps. */
    return view->before[end] != TCPS_UNKNOWN && view->before[end] != view->state[end];
}

/* Does the rest of the story show what it shows without the segment? */
static void check_rest(const struct place *place, const struct tcps_segment *seg, const char *what,
                       struct telling *with)
{
    const struct telling *without = place->plain;

    tell_lines(with, place->line, with->story->lines->len);
    g_assert_cmpuint(with->count, ==, without->count);
    for (unsigned i = 0; i < with->count; i++) {
        if (memcmp(with->shown[i], without->shown[i], sizeof with->shown[i]) == 0) continue;
        complain(place, seg, what, "packet %u then shows %s and %s, without it %s and %s", i + 1,
                 tcps_state_name(with->shown[i][0]), tcps_state_name(with->shown[i][1]),
                 tcps_state_name(without->shown[i][0]), tcps_state_name(without->shown[i][1]));
        return;
    }
}

/* Closes a telling in which `seg` was put in. */
static void conclude(const struct place *place, const struct tcps_segment *seg, const char *what,
                     struct telling *telling)
{
    const struct tcps_event *astray = &telling->astray;

    if (telling->has_gone_astray)
        complain(place, seg, what, "no arrow leads from %s to %s (%s)", tcps_state_name(astray->from),
                 tcps_state_name(astray->to), tcps_reason_name(astray->why));
    close_telling(telling);
}

/* The segment changes no state; `forever`: nor does the rest of the story take another course. Where packets are
 * missing later on, the segment might stand for one of them. */
static void must_be_ignored(const struct place *place, const char *what, struct tcps_segment seg, bool forever)
{
    struct telling telling;

    open_telling(&telling, place->plain->story, place->plain->teller.iss, place->line);
    take(&telling, &seg);
    for (unsigned end = 0; end < 2; end++)
        if (is_changed(&telling.view, end))
            complain(place, &seg, what, "%s becomes %s", tcps_state_name(telling.view.before[end]),
                     tcps_state_name(telling.view.state[end]));
    if (forever) check_rest(place, &seg, what, &telling);
    conclude(place, &seg, what, &telling);
}

static void must_change_nothing(const struct place *place, const char *what, struct tcps_segment seg)
{
    must_be_ignored(place, what, seg, true);
}

/* Calls `test` for each place of the story and each end as the sender. */
static void at_each_place(const struct story *story, const uint32_t iss[2],
                          void (*test)(const struct place *place, unsigned from))
{
    struct telling plain, here;

    open_telling(&plain, story, iss, story->lines->len);
    if (plain.has_gone_astray) {
        fprintf(stderr, "%s:%u: no arrow leads from %s to %s (%s)\n", story->file, story->number,
                tcps_state_name(plain.astray.from), tcps_state_name(plain.astray.to),
                tcps_reason_name(plain.astray.why));
        g_test_fail();
    }
    for (guint line = 1; line <= story->lines->len; line++) {
        const struct story_line *before = g_ptr_array_index(story->lines, line - 1);
        struct place place = {&plain, &here, line};

        if (before->kind == STORY_EXPECT) continue;
        open_telling(&here, story, iss, line);
        for (unsigned from = 0; from < 2 && here.conn; from++) test(&place, from);
        close_telling(&here);
    }
    close_telling(&plain);
}

/* ---- forged segments ---- */

static bool proves_nothing(unsigned flags)
{
    unsigned control = flags & (TCPS_SYN | TCPS_FIN | TCPS_RST);

    return (control & (control - 1)) != 0 || (flags & (TCPS_SYN | TCPS_RST | TCPS_ACK)) == 0;
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
    struct tcps_segment seg = next_segment(place, from, flags), far = seg;
    bool lived = tcps_has(&conn->end[0], TCPS_HAS_FIN) && tcps_has(&conn->end[1], TCPS_HAS_FIN);

    /* The story's own last segment was far off. */
    if (lived && !seq_between(conn->end[from].fin - 1000, seg.seq, conn->end[from].fin + 1000)) return;
    seg.len = far.len = flags & TCPS_PSH ? 100 : 0;
    far.seq += distance;
    far.ack = place->here->end[!from].next + distance;
    if (!(flags & TCPS_RST)) {
        seg.ack = far.ack;
        must_change_nothing(place, "SEG.ACK far off", seg);
        seg = far;
        seg.ack = next_segment(place, from, flags).ack;
        must_change_nothing(place, "SEG.SEQ far off", seg);
        if (lived) return; /* the first segment of another connection */
    }
    /* Of a RST the number decides, but in SYN_SENT its ACK (RFC 9293 3.10.7.3). */
    must_change_nothing(place, "both numbers far off", far);
}

static void forge(const struct place *place, unsigned from)
{
    static const uint32_t far[] = {0x48000000, 0x7fffffff, 0x80000000, 0x80000001, 0xb8000000};
    static const unsigned kinds[] = {TCPS_ACK, TCPS_ACK | TCPS_PSH, TCPS_ACK | TCPS_FIN, TCPS_RST, TCPS_RST | TCPS_ACK};

    for (unsigned flags = 0; flags <= (CONTROL | TCPS_PSH); flags++)
        if (proves_nothing(flags)) must_change_nothing(place, "no TCP's flags", next_segment(place, from, flags));
    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
        struct tcps_segment broken = next_segment(place, from, kinds[i]);

        broken.malformed = true;
        must_change_nothing(place, "a malformed header", broken);
        for (unsigned n = 0; n < G_N_ELEMENTS(far) && numbers_are_known(place->here); n++)
            forge_far_numbers(place, from, kinds[i], far[n]);
    }
}

static void test_forged(gconstpointer story)
{
    for (unsigned i = 0; i < 2; i++) at_each_place(story, iss_pairs[i], forge);
}

/* ---- flags ---- */

static unsigned met[2]
                   [TCPS_STATE_COUNT]; /* how often all flags were tried on a sender, and on a receiver, in the state */

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
    open_telling(&telling, place->plain->story, place->plain->teller.iss, place->line);
    take(&telling, &with);
    if (!are_same_facts(&telling.conn->end[0], &end[0]) || !are_same_facts(&telling.conn->end[1], &end[1]))
        complain(place, &with, "more than the control flags", "the outcome is not that of the control flags alone");
    close_telling(&telling);
}

static void try_flags(const struct place *place, unsigned from)
{
    bool all = strstr(place->plain->story->file, "rfc9293-figures") != NULL;

    met[0][place->here->view.state[from]]++;
    met[1][place->here->view.state[!from]]++;
    for (unsigned control = 0; control <= CONTROL; control++) {
        struct tcps_segment seg = next_segment(place, from, control);
        struct tcps_endpoint end[2];
        struct telling telling;

        if (control & ~(unsigned)CONTROL) continue;
        open_telling(&telling, place->plain->story, place->plain->teller.iss, place->line);
        take(&telling, &seg);
        memcpy(end, telling.conn->end, sizeof end);
        if (place->plain->in_order) tell_lines(&telling, place->line, telling.story->lines->len);
        /* Where packets are missing, two FINs that contradict each other may lead anywhere. */
        if (!place->plain->in_order && (control & TCPS_FIN)) telling.has_gone_astray = false;
        conclude(place, &seg, "these flags", &telling);
        if (!all) compare_flags(place, &seg, end, (ALL_FLAGS - 1) & ~(unsigned)CONTROL);
        for (unsigned others = 1; others < ALL_FLAGS && all; others++)
            if (!(others & CONTROL)) compare_flags(place, &seg, end, others);
    }
}

static void test_flags(gconstpointer story)
{
    at_each_place(story, iss_pairs[0], try_flags);
}

static void test_every_state_was_met(void)
{
    for (unsigned role = 0; role < 2; role++)
        for (unsigned state = 0; state < TCPS_STATE_COUNT; state++)
            if (!met[role][state])
                g_error("no story tries all flags on a %s in %s", role ? "receiver" : "sender", tcps_state_name(state));
}

/* ---- edges ---- */

static bool is_synchronized(unsigned state)
{
    return state >= TCPS_ESTABLISHED; /* TIME_WAIT among them; SYN_RECEIVED is judged in another way */
}

static bool is_between_syn_and_end(unsigned state)
{
    return is_synchronized(state) && state != TCPS_TIME_WAIT;
}

/* A segment at a number where something is decided, and what RFC 9293 3.10.7.4 and RFC 5961 make of it. */
struct
try {
    const struct place *place;
    unsigned from;
    unsigned mine, peers; /* states */
    uint32_t low, high;   /* the receiver's RCV.NXT is not below, and not above: data may be on its way */
    uint32_t edge;        /* of the receiver's window */
};

static void try_rst(const struct try *try, uint32_t seq, unsigned flags)
{
    struct tcps_segment seg = next_segment(try->place, try->from, flags);
    const struct tcps_endpoint *me = &try->place->here->conn->end[try->from];
    bool exact = seq_between(try->low, seq, try->high);
    struct telling telling;

    /* Linux takes the number of a FIN that it has received as well; where data crossed it, that is right. */
    if (tcps_has(me, TCPS_HAS_FIN) && seq == me->fin) return;
    seg.seq = seq;
    if (!exact) {
        must_be_ignored(try->place, "a RST that is not exact", seg, try->place->plain->in_order);
        return;
    }
    open_telling(&telling, try->place->plain->story, try->place->plain->teller.iss, try->place->line);
    take(&telling, &seg);
    if (telling.view.state[!try->from] != TCPS_CLOSED)
        complain(try->place, &seg, "an exact RST", "its receiver is in %s",
                 tcps_state_name(telling.view.state[!try->from]));
    close_telling(&telling);
}

/* In the window it may be a FIN behind octets that were not captured: its sender is believed, its receiver has not got
 * it. */
static void try_fin(const struct try *try, uint32_t seq)
{
    struct tcps_segment seg = next_segment(try->place, try->from, TCPS_FIN | TCPS_ACK);
    unsigned sent = try->mine == TCPS_ESTABLISHED ? TCPS_FIN_WAIT_1 : TCPS_LAST_ACK;
    struct telling telling;

    if (try->mine != TCPS_ESTABLISHED && try->mine != TCPS_CLOSE_WAIT) return;
    seg.seq = seq;
    if (seq == try->edge) return; /* an empty window's right edge: stacks differ */
    if (!seq_between(try->high, seq, try->edge)) {
        must_be_ignored(try->place, "a FIN outside", seg, try->place->plain->in_order);
        return;
    }
    open_telling(&telling, try->place->plain->story, try->place->plain->teller.iss, try->place->line);
    take(&telling, &seg);
    if (telling.view.state[try->from] != sent || is_changed(&telling.view, !try->from))
        complain(try->place, &seg, "a FIN in the window", "%s and its peer %s",
                 tcps_state_name(telling.view.state[try->from]), tcps_state_name(telling.view.state[!try->from]));
    close_telling(&telling);
}

/* Octets of data change no state, wherever they are; outside the window they change nothing later either. */
static void try_data(const struct try *try, uint32_t seq)
{
    struct tcps_segment seg = next_segment(try->place, try->from, TCPS_ACK | TCPS_PSH);
    struct telling telling;

    seg.len = 10;
    seg.seq = seq;
    if (seq == try->edge) return;
    if (!seq_between(try->low - 10, seq, try->edge)) {
        must_be_ignored(try->place, "data outside the window", seg, try->place->plain->in_order);
        return;
    }
    open_telling(&telling, try->place->plain->story, try->place->plain->teller.iss, try->place->line);
    take(&telling, &seg);
    if (is_changed(&telling.view, try->from) || is_changed(&telling.view, !try->from))
        complain(try->place, &seg, "data in the window", "a state changes");
    close_telling(&telling);
}

static void try_syn(const struct try *try, uint32_t seq, unsigned flags)
{
    struct tcps_segment seg = next_segment(try->place, try->from, flags);

    if ((flags & TCPS_ACK) && seq == try->place->here->end[try->from].first) return; /* sent again: rule 3 */
    if (!is_between_syn_and_end(try->mine) || !is_between_syn_and_end(try->peers)) return;
    seg.seq = seq;
    must_be_ignored(try->place, "a SYN inside", seg, try->place->plain->in_order);
}

static void try_ack(const struct try *try, uint32_t ack)
{
    struct tcps_segment seg = next_segment(try->place, try->from, TCPS_ACK);

    if (seq_between(try->place->here->end[try->from].ack + 1, ack, try->place->here->end[!try->from].next + 1)) return;
    seg.ack = ack;
    must_be_ignored(try->place, "an ACK of what was not sent, or of nothing new", seg, try->place->plain->in_order);
}

/* In SYN_SENT the ACK of a RST decides (RFC 9293 3.10.7.3) - or its number, if the SYN,ACK was on its way before it. In
 * SYN_RECEIVED it must be in the window; where in it, stacks differ (RFC 5961 3.2, REAL-STACKS.md 11). */
static void try_rst_in_opening(const struct try *try, uint32_t seq, uint32_t ack, unsigned flags)
{
    struct tcps_segment seg = next_segment(try->place, try->from, flags);
    const struct end *me = &try->place->here->end[try->from], *peer = &try->place->here->end[!try->from];
    bool ends, ended;
    struct telling telling;

    if (try->peers == TCPS_SYN_SENT)
        ends = flags & TCPS_ACK ? ack == peer->next : me->acked && seq == me->next;
    else
        ends = seq == peer->ack && (!(flags & TCPS_ACK) || ack == peer->next);
    if (try->peers == TCPS_SYN_RECEIVED && !ends && seq_between(peer->ack, seq, peer->edge)) return;
    seg.seq = seq;
    seg.ack = ack;
    open_telling(&telling, try->place->plain->story, try->place->plain->teller.iss, try->place->line);
    take(&telling, &seg);
    ended = is_changed(&telling.view, !try->from);
    if (ended != ends)
        complain(try->place, &seg, "a RST", ends ? "%s, and was not ended" : "%s",
                 tcps_state_name(telling.view.state[!try->from]));
    conclude(try->place, &seg, "a RST", &telling);
}

static void try_edges(const struct place *place, unsigned from)
{
    const struct telling *here = place->here;
    const struct end *me = &here->end[from], *peer = &here->end[!from];
    const struct try try = {.place = place,
                            .from = from,
                            .mine = here->view.state[from],
                            .peers = here->view.state[!from],
                            .low = peer->ack,
                            .high = me->next,
                            .edge = peer->edge};
    const uint32_t bases[] = {me->first, peer->ack, me->next, peer->edge};
    const uint32_t acks[] = {peer->first, me->ack, peer->next};
    static const uint32_t steps[] = {-2u, -1u, 0, 1, 2, 0x7fffffff, 0x80000000, 0x80000001};

    if (here->in_order && (try.peers == TCPS_SYN_SENT || try.peers == TCPS_SYN_RECEIVED))
        for (unsigned n = 0; n < G_N_ELEMENTS(steps); n++)
            for (unsigned i = 0; i < G_N_ELEMENTS(bases); i++) {
                try_rst_in_opening(&try, bases[i] + steps[n], peer->next, TCPS_RST);
                try_rst_in_opening(&try, bases[i] + steps[n], peer->next, TCPS_RST | TCPS_ACK);
                try_rst_in_opening(&try, me->next, peer->next + steps[n], TCPS_RST | TCPS_ACK);
            }
    if (!here->in_order || !me->acked || !peer->acked || !is_synchronized(try.mine) || !is_synchronized(try.peers))
        return;
    for (unsigned n = 0; n < G_N_ELEMENTS(steps); n++) {
        for (unsigned i = 0; i < G_N_ELEMENTS(bases); i++) {
            uint32_t seq = bases[i] + steps[n];

            try_rst(&try, seq, TCPS_RST);
            try_rst(&try, seq, TCPS_RST | TCPS_ACK);
            try_fin(&try, seq);
            try_data(&try, seq);
            try_syn(&try, seq, TCPS_SYN);
            try_syn(&try, seq, TCPS_SYN | TCPS_ACK);
        }
        for (unsigned i = 0; i < G_N_ELEMENTS(acks); i++) try_ack(&try, acks[i] + steps[n]);
    }
}

static void test_edges(gconstpointer story)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(iss_pairs); i++) at_each_place(story, iss_pairs[i], try_edges);
}

/* ---- running ---- */

static void add(const char *what, const struct story *story, GTestDataFunc test)
{
    char *base = g_path_get_basename(story->file), *name;

    base[strcspn(base, ".")] = '\0';
    name = g_strdup_printf("/hostile/%s/%s/%u", what, base, story->number);
    g_test_add_data_func(name, story, test);
    g_free(name);
    g_free(base);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    if (argc < 2) {
        g_printerr("usage: %s [GLib test options] STORIES...\n", argv[0]);
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        GPtrArray *stories = story_file_read(argv[i]);

        for (guint j = 0; j < stories->len; j++) {
            const struct story *story = g_ptr_array_index(stories, j);

            add("forged", story, test_forged);
            add("flags", story, test_flags);
            add("edges", story, test_edges);
        }
    }
    g_test_add_func("/hostile/states/every-one-was-met", test_every_state_was_met);
    return g_test_run();
}
