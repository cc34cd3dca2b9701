/* The textbook picture of one connection, for people: two lifelines, the state of each end where it changes, arrows
 * with flags and relative numbers, frame and time. What happens to an end before it sends stands above its arrow, what
 * happens after it receives below. Knows steps and lines of text, not who shows them, and nothing of the table for
 * programs. Look next: steps.h, for which segments are drawn; ladder.c, the same steps as a table.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPSTATE_LADDER_PICTURE_H
#define TCPSTATE_LADDER_PICTURE_H

#include "kinds.h"
#include "writer.h"

/* Draws the steps of `input` as wide as the writer allows. */
void tcpstate_draw_ladder(struct tcpstate_writer *writer, const struct tcpstate_report_input *input);

#endif
