/* Expert infos: what is worth a word at this packet, once per connection and kind, never above Warn.
 * Reads the log, so that every pass says the same. Look next: expert.c for the list; core/reason.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPSTATE_EXPERT_H
#define TCPSTATE_EXPERT_H

#include "fields.h"

void tcpstate_expert_register(int proto);

/* Does anybody listen who needs no tree: the expert tap, the column of severities? */
bool tcpstate_expert_wanted(const packet_info *pinfo);

/* Adds what there is to say of a packet. `item` may be NULL: the expert tap still hears. */
void tcpstate_expert_add(packet_info *pinfo, proto_item *item, const struct tcpstate_shown *shown);

#endif
