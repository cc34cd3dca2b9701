/* Stories: conversations written down, with what the core must make of them. This is the notation and its reader.
 * Knows the notation, not how a story is run. Look next: story.c, which runs them.
 *
 *     # Third ACK lost: the server sends SYN,ACK again (RFC 9293 3.10.7.4)     a story begins: the first comment
 *     # Why the states are what they are, in a line or two.                    after an empty line is its title
 *     C> S 0                                     side> FLAGS seq [ack] [options]
 *     S> SA 0 1                                  numbers are relative to each side's ISS
 *     => client SYN_SENT server SYN_RECEIVED     what must be shown at the packet above
 *     ~ C> A 1 1                                 sent, but the capture missed it
 *     ! C 0                                      an ICMP error quotes C's segment 0
 *     ports 50000 80                             of C and S; these unless said otherwise
 *
 * Flags are letters: S A F R P U E W, or "-" for none. Options: len=100, win=1000, wscale=7, ts=123, id=7 (IPv4
 * identification; 0 as in IPv6), layer=1 (a further TCP layer of the same frame), tfo (the Fast Open option),
 * malformed, dup (the packet of the same numbers before, captured once more), @1.5 (seconds since the story began),
 * @+60 (since the packet before; 0.01 unless said otherwise).
 *
 * Expectations. "client" and "server" are the roles that the plugin shows; they must be C and S unless `roles` says
 * otherwise.
 *     => client STATE server STATE [basis BASIS BASIS]
 *     => before client STATE server STATE        before the packet
 *     => trans client→STATE ... | none           exactly the transitions of the packet, in causal order
 *     => why [client:|server:]REASON ... !REASON reasons of reason.h that the packet must (not) have
 *     => path client STATE ...                   the end's whole path in this incarnation, without what was taken back
 *     => corrects N ... | none                   packets (counted from 1 as captured) whose presumption this disproves
 *     => incarnation N
 *     => roles BASIS [C|S]                       from here on this side is shown as the client
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPS_TEST_STORY_FILE_H
#define TCPS_TEST_STORY_FILE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/segment.h"

enum story_line_kind { STORY_SEGMENT, STORY_UNREACHABLE, STORY_EXPECT };

struct story_line {
    enum story_line_kind kind;
    unsigned number; /* in the file */
    char *text;      /* as written, for messages */
    /* a segment: */
    struct tcps_segment seg; /* `from` is the side (0: C), seq and ack are relative, time is what @ says */
    bool captured, copy;
    bool time_is_set, time_is_absolute;
    bool id_is_set;
    /* an expectation: */
    char **words; /* after "=>" */
};

struct story {
    char *file, *title;
    unsigned number;   /* line of the title */
    uint16_t ports[2]; /* of C and S */
    GPtrArray *lines;  /* of struct story_line * */
};

/* Reads all stories of a file. Anything that is not in the notation ends the program with file, line and reason. */
GPtrArray *story_file_read(const char *path);

#endif
