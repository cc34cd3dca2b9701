/* A story told with one segment more: at a given place, from either end; and what must not come of it. What an observer
 * without any inference knows is kept beside it, for the tests to judge by. Knows the core's interface, the stories and
 * the arrows of RFC 9293 figure 5, neither which segments are put in nor how the core decides.
 * Look next: test_hostile_forged.c, the shortest of those that put segments in; story_teller.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPS_TEST_HOSTILE_H
#define TCPS_TEST_HOSTILE_H

#include "core/explain.h"
#include "rig.h"
#include "story_teller.h"

enum {
    HOSTILE_CONTROL = TCPS_FIN | TCPS_SYN | TCPS_RST | TCPS_ACK,
    HOSTILE_MOST_PACKETS = 64, /* of a story */
};

/* The first is plain, in the others numbers pass 2^31 and 2^32 at the first segments, in one direction or in both. */
extern const uint32_t hostile_iss_pairs[4][2];

/* ---- one telling ---- */

/* What an observer knows of an end without any inference. */
struct end {
    bool seen, acked, closed; /* it sent something, an ACK, a FIN */
    uint16_t wnd;
    uint32_t first, next; /* number of its first segment; one past its last octet */
    uint32_t ack, edge;   /* its last ACK, and the highest right edge of its windows */
};

/* How far the story was told, and what the core said. */
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
    uint8_t shown[HOSTILE_MOST_PACKETS][2]; /* after each packet of the story itself: state of client and server */
};

/* Tells the lines `from` up to and without `to`. */
void telling_go_on(struct telling *telling, guint from, guint to);
void telling_close(struct telling *telling);

/* ---- something put in ---- */

/* A place in a story. */
struct place {
    const struct telling *plain; /* all of the story, without anything put in */
    const struct telling *here;  /* up to the place */
    guint line;                  /* so many lines were told */
};

/* Calls `test` for each place of the story and each end as the sender. */
void hostile_at_each_place(const struct story *story, const uint32_t iss[2],
                           void (*test)(const struct place *place, unsigned from));

/* What `from` might send next, to be changed. */
struct tcps_segment hostile_segment(const struct place *place, unsigned from, unsigned flags);

/* Opens a telling that goes up to the place, and then gets `seg`, which is not in the story. */
void hostile_put_in(const struct place *place, const struct tcps_segment *seg, struct telling *telling);

bool hostile_is_changed(const struct tcps_view *view, unsigned end);

/* The test fails, at this place and for this segment, which is `what`. */
G_GNUC_PRINTF(4, 5)
void hostile_complain(const struct place *place, const struct tcps_segment *seg, const char *what, const char *format,
                      ...);

/* The segment changes no state; `forever`: nor does the rest of the story take another course. Where packets are
 * missing later on, the segment might stand for one of them. */
void hostile_must_be_ignored(const struct place *place, const char *what, struct tcps_segment seg, bool forever);
void hostile_must_change_nothing(const struct place *place, const char *what, struct tcps_segment seg);

/* Closes a telling in which `seg` was put in. No end may have left a state but by an arrow. */
void hostile_conclude(const struct place *place, const struct tcps_segment *seg, const char *what,
                      struct telling *telling);

/* ---- running ---- */

/* Reads the command line, and adds `test` under the name of `what` for each story there. Returns false, having said
 * so, if there is no story. */
bool hostile_add_stories(int argc, char **argv, const char *what, GTestDataFunc test);

#endif
