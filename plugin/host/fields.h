/* The fields tcpstate.*, and the subtree "TCP State" of a packet.
 * Shows what the core says; decides nothing. Look next: core/explain.h, core/exchange.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPSTATE_FIELDS_H
#define TCPSTATE_FIELDS_H

#include "core/notable.h"
#include "segment_source.h"

/* What there is to show of one TCP layer. */
struct tcpstate_shown {
    const struct tcpstate_layer *layer;
    const struct tcps_conn *conn;
    struct tcps_view view;
    const struct tcps_notables *notables; /* what was found at this packet that the log does not tell, or NULL */
};

void tcpstate_fields_register(int proto);

/* To be called before the first frame of a file. */
void tcpstate_fields_start(void);

/* Does anybody want to see a field of ours in this tree? */
bool tcpstate_fields_wanted(proto_tree *tree);

/* Adds the subtree of one TCP layer. Returns its top, to hang expert infos on. */
proto_item *tcpstate_fields_add(proto_tree *tree, tvbuff_t *tvb, const packet_info *pinfo,
                                const struct tcpstate_shown *shown);

#endif
