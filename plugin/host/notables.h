/* What was found notable (core/notable.h), by connection: for the few that have something, as long as the file is open.
 * Knows memory and passes, not TCP. Look next: expert.c, which says it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPSTATE_NOTABLES_H
#define TCPSTATE_NOTABLES_H

#include "core/notable.h"
#include "segment_source.h"

/* Forgets everything: before the first frame of a file, and after the last. */
void tcpstate_notables_forget(void);

/* First pass: looks at a layer that was just fed. */
void tcpstate_notables_look(const struct tcpstate_layer *layer);

/* Any pass: what was found at this very position; NULL if nothing was. */
const struct tcps_notables *tcpstate_notables_at(const struct tcps_conn *conn, struct tcps_position at);

#endif
