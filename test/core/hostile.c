/* Tellings, places in them, and what is asked of whatever is put in. See hostile.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "hostile.h"

#include <stdio.h>
#include <string.h>

#include "core/seq.h"

const uint32_t hostile_iss_pairs[4][2] = {
    {1000, 5000}, {0x7ffffff0, 0xfffffff0}, {0xffffffff, 0x7fffffff}, {0x7ffffffe, 0xfffffff8}};

/* ---- one telling ---- */

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
    unsigned control = seg->flags & HOSTILE_CONTROL;

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
    g_assert_cmpuint(telling->count, <, HOSTILE_MOST_PACKETS);
    telling->shown[telling->count][0] = telling->view.state[telling->view.client_end];
    telling->shown[telling->count++][1] = telling->view.state[!telling->view.client_end];
}

void telling_go_on(struct telling *telling, guint from, guint to)
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
    telling_go_on(telling, 0, place);
}

void telling_close(struct telling *telling)
{
    story_teller_close(&telling->teller);
    rig_heap_close(&telling->heap);
}

/* ---- something put in ---- */

struct tcps_segment hostile_segment(const struct place *place, unsigned from, unsigned flags)
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

void hostile_put_in(const struct place *place, const struct tcps_segment *seg, struct telling *telling)
{
    open_telling(telling, place->plain->story, place->plain->teller.iss, place->line);
    take(telling, seg);
}

void hostile_complain(const struct place *place, const struct tcps_segment *seg, const char *what, const char *format,
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

bool hostile_is_changed(const struct tcps_view *view, unsigned end)
{
    /* UNKNOWN comes before the first segment of any connection, this one perhaps. */
    return view->before[end] != TCPS_UNKNOWN && view->before[end] != view->state[end];
}

/* Does the rest of the story show what it shows without the segment? */
static void check_rest(const struct place *place, const struct tcps_segment *seg, const char *what,
                       struct telling *with)
{
    const struct telling *without = place->plain;

    telling_go_on(with, place->line, with->story->lines->len);
    g_assert_cmpuint(with->count, ==, without->count);
    for (unsigned i = 0; i < with->count; i++) {
        if (memcmp(with->shown[i], without->shown[i], sizeof with->shown[i]) == 0) continue;
        hostile_complain(place, seg, what, "packet %u then shows %s and %s, without it %s and %s", i + 1,
                         tcps_state_name(with->shown[i][0]), tcps_state_name(with->shown[i][1]),
                         tcps_state_name(without->shown[i][0]), tcps_state_name(without->shown[i][1]));
        return;
    }
}

void hostile_conclude(const struct place *place, const struct tcps_segment *seg, const char *what,
                      struct telling *telling)
{
    const struct tcps_event *astray = &telling->astray;

    if (telling->has_gone_astray)
        hostile_complain(place, seg, what, "no arrow leads from %s to %s (%s)", tcps_state_name(astray->from),
                         tcps_state_name(astray->to), tcps_reason_name(astray->why));
    telling_close(telling);
}

void hostile_must_be_ignored(const struct place *place, const char *what, struct tcps_segment seg, bool forever)
{
    struct telling telling;

    hostile_put_in(place, &seg, &telling);
    for (unsigned end = 0; end < 2; end++)
        if (hostile_is_changed(&telling.view, end))
            hostile_complain(place, &seg, what, "%s becomes %s", tcps_state_name(telling.view.before[end]),
                             tcps_state_name(telling.view.state[end]));
    if (forever) check_rest(place, &seg, what, &telling);
    hostile_conclude(place, &seg, what, &telling);
}

void hostile_must_change_nothing(const struct place *place, const char *what, struct tcps_segment seg)
{
    hostile_must_be_ignored(place, what, seg, true);
}

void hostile_at_each_place(const struct story *story, const uint32_t iss[2],
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
        telling_close(&here);
    }
    telling_close(&plain);
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

bool hostile_add_stories(int argc, char **argv, const char *what, GTestDataFunc test)
{
    if (argc < 2) {
        g_printerr("usage: %s [GLib test options] STORIES...\n", argv[0]);
        return false;
    }
    for (int i = 1; i < argc; i++) {
        GPtrArray *stories = story_file_read(argv[i]);

        for (guint j = 0; j < stories->len; j++) add(what, g_ptr_array_index(stories, j), test);
    }
    return true;
}
