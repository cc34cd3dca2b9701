/* How often each state was entered, and each verdict given, as a stats tree. See tree.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <wireshark.h>

#include "tree.h"

#include <epan/packet.h>
#include <epan/stats_tree.h>

#include "core/explain.h"
#include "report/tap_payload.h"

/* Names are ASCII: tshark pads by octets. */
enum group { CLIENT_ENTERS, SERVER_ENTERS, CORRECTIONS, VERDICTS, GROUPS };

static const char *const group_names[GROUPS] = {"Client enters", "Server enters", "Corrections", "Verdicts"};

static void begin(stats_tree *tree)
{
    for (unsigned group = 0; group < GROUPS; group++)
        stats_tree_create_node(tree, group_names[group], 0, STAT_DT_INT, TRUE);
}

static void count(stats_tree *tree, enum group group, const char *name)
{
    tick_stat_node(tree, group_names[group], 0, TRUE);
    tick_stat_node(tree, name, stats_tree_parent_id_by_name(tree, group_names[group]), FALSE);
}

static void count_event(stats_tree *tree, const struct tcps_event *event, unsigned client_end)
{
    enum tcps_reason_kind kind = tcps_reason_kind(event->why);

    if (tcps_event_is_transition(event))
        count(tree, event->end == client_end ? CLIENT_ENTERS : SERVER_ENTERS, tcps_state_name(event->to));
    if (kind == TCPS_CORRECTION) count(tree, CORRECTIONS, tcps_reason_name(event->why));
    if (kind == TCPS_VERDICT) count(tree, VERDICTS, tcps_reason_name(event->why));
}

static tap_packet_status count_packet(stats_tree *tree, packet_info *pinfo, epan_dissect_t *edt, const void *payload,
                                      tap_flags_t flags)
{
    const struct tcpstate_tap *tap = payload;
    struct tcps_view view;
    struct tcps_event event;

    (void)pinfo;
    (void)edt;
    (void)flags;
    if (!tap->conn || tap->view.entries == 0) return TAP_PACKET_DONT_REDRAW;
    tcps_conn_view(tap->conn, tap->segment.at, &view);
    for (unsigned i = 0; tcps_event_at(tap->conn, &view, tap->segment.from & 1, i, &event); i++)
        count_event(tree, &event, view.client_end);
    return TAP_PACKET_REDRAW;
}

void tcpstate_register_tree(void)
{
    stats_tree_register_plugin(TCPSTATE_TAP, "tcp_state", "TCP State Transitions", 0, count_packet, begin, NULL);
}
