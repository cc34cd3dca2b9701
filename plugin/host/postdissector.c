/* After all dissectors of a frame. See postdissector.h.
 *
 * Runs for every frame of every pass, so it first asks whether anybody wants to know, or anything happened.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "postdissector.h"

#include <epan/tap.h>

#include "compat.h"
#include "core/explain.h"
#include "expert.h"
#include "fields.h"
#include "report/tap_payload.h"
#include "segment_source.h"
#include "streams.h"

static int tap;

/* Did something happen at the layer's position? In the first pass it is the last thing that happened. */
static bool is_eventful(const struct tcpstate_layer *layer, const struct tcps_conn *conn)
{
    const struct tcps_log *log = &conn->log;

    if (layer->conn) return log->count && log->entries[log->count - 1].frame == layer->segment.at.frame;
    return tcps_log_until(log, layer->segment.at) > tcps_log_before(log, layer->segment.at);
}

/* Appends " [server→CLOSE_WAIT, server→LAST_ACK]". */
static void append_transitions(packet_info *pinfo, const struct tcpstate_shown *shown)
{
    struct tcps_event event;
    char text[64];
    bool any = false;

    for (unsigned i = 0; tcps_event_at(shown->conn, &shown->view, shown->layer->segment.from, i, &event); i++) {
        if (!tcps_event_is_transition(&event)) continue;
        tcps_event_text(shown->conn, &shown->view, &event, text, sizeof text);
        col_append_str(pinfo->cinfo, COL_INFO, any ? ", " : " [");
        col_append_str(pinfo->cinfo, COL_INFO, text);
        any = true;
    }
    if (any) col_append_str(pinfo->cinfo, COL_INFO, "]");
}

static void tell_taps(packet_info *pinfo, const struct tcpstate_shown *shown, struct tcps_conn *conn)
{
    struct tcpstate_tap *payload = wmem_new0(pinfo->pool, struct tcpstate_tap);

    payload->segment = shown->layer->segment;
    payload->view = shown->view;
    payload->flow = shown->layer->flow;
    payload->conn = conn;
    payload->quoted = shown->layer->quoted;
    copy_address_shallow(&payload->address[0], &shown->layer->address[0]);
    copy_address_shallow(&payload->address[1], &shown->layer->address[1]);
    tap_queue_packet(tap, pinfo, payload);
}

static void show_layer(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct tcpstate_layer *layer)
{
    struct tcpstate_shown shown = {.layer = layer};
    struct tcps_conn *conn = tcpstate_conn_of(layer);
    bool eventful, tapped = have_tap_listener(tap);
    proto_item *item = NULL;

    if (!conn) return;
    if (!pinfo->fd->visited) tcpstate_find_stream_number(layer);
    eventful = is_eventful(layer, conn);
    if (layer->quoted && !eventful) return; /* the quote was of something else */
    if (!eventful && !tapped && !tree) return;
    tcps_conn_view(conn, layer->segment.at, &shown.view);
    shown.conn = conn;
    if (tree) item = tcpstate_fields_add(tree, tvb, pinfo, &shown);
    if (eventful) {
        if (tcpstate_preferences()->info_column) append_transitions(pinfo, &shown);
        tcpstate_expert_add(pinfo, item, &shown);
    }
    if (tapped) tell_taps(pinfo, &shown, conn);
}

static int show_frame(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data _U_)
{
    unsigned count;
    const struct tcpstate_layer *layers = tcpstate_source_layers(pinfo, &count);

    if (count) {
        if (!tcpstate_fields_wanted(tree)) tree = NULL;
        for (unsigned i = 0; i < count; i++) show_layer(tvb, pinfo, tree, &layers[i]);
        tcpstate_source_done();
    }
    return (int)tvb_captured_length(tvb);
}

void tcpstate_postdissector_register(int proto)
{
    tap = register_tap(TCPSTATE_TAP);
    register_postdissector(create_dissector_handle(show_frame, proto));
}
