/* Tells a story's packets one after the other: from relative numbers to the segments that a capture would hold.
 * Knows the notation's packets (story_file.h); neither the core's answers nor what the story expects.
 * Look next: story.c, which compares, and hostile.h, which puts segments in between.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPS_TEST_STORY_TELLER_H
#define TCPS_TEST_STORY_TELLER_H

#include "story_file.h"

enum { STORY_FRAMES_APART = 10 }; /* frames of other connections lie between ours */

struct story_teller {
    const struct story *story;
    uint32_t iss[2]; /* of C and S */
    uint8_t c_end;   /* the end of the flow that C is */
    int64_t time, begin;
    uint32_t packets;    /* captured so far */
    uint16_t next_id[2]; /* by side */
    GArray *sent;        /* struct tcps_segment, as captured, for copies */
};

void story_teller_open(struct story_teller *teller, const struct story *story, const uint32_t iss[2], uint8_t c_end);
void story_teller_close(struct story_teller *teller);

/* The next line that is not an expectation, as a segment (for STORY_UNREACHABLE: what the ICMP error quotes). Returns
 * false if the capture missed it. */
bool story_teller_next(struct story_teller *teller, const struct story_line *line, struct tcps_segment *seg);

#endif
