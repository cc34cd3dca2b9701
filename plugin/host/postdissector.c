/* After all dissectors of a frame. See postdissector.h.
 *
 * Runs for every frame of every pass, so it first asks whether anybody wants to know, or anything happened.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "postdissector.h"

#include <string.h>

#include <epan/column-info.h>
#include <epan/column-utils.h>
#include <epan/tap.h>

#include "compat.h"
#include "core/explain.h"
#include "core/rare.h"
#include "expert.h"
#include "fields.h"
#include "notables.h"
#include "report/tap_payload.h"
#include "segment_source.h"
#include "streams.h"

enum { MOST_TRANSITIONS = 256 }; /* octets, of one packet, in the Info column */

static int tap, connections_tap;
static uint32_t looked_at = TCPSTATE_NO_STREAM;

/* Finds the log entries of the layer's position. Fills in as much of the view as transitions need; who wants more asks
 * the core for all of it. */
static bool find_entries(const struct tcpstate_layer *layer, const struct tcps_conn *conn, struct tcps_view *view)
{
    const struct tcps_log *log = &conn->log;

    if (layer->conn) {
        view->first_entry = layer->first_entry;
        view->entries = layer->entries;
    } else {
        view->first_entry = tcps_log_before(log, layer->segment.at);
        view->entries = tcps_log_until(log, layer->segment.at) - view->first_entry;
    }
    view->client_end = view->first_entry + view->entries
                           ? log->entries[view->first_entry + view->entries - 1].client_end
                           : conn->client_end;
    return view->entries > 0;
}

/* Appends " [server→CLOSE_WAIT, server→LAST_ACK]" as col_append_str() does, which goes octet by octet: that was a tenth
 * of all that the plugin costs. Left out where there is no room. */
static void append_transitions(col_item_t *column, const struct tcpstate_shown *shown)
{
    size_t used = strlen(column->col_data), length;
    char *text = column->col_buf + used;

    if (used + MOST_TRANSITIONS > COL_MAX_INFO_LEN) return;
    if (column->col_data != column->col_buf) memcpy(column->col_buf, column->col_data, used + 1);
    column->col_data = column->col_buf;
    length = tcps_transitions_text(shown->conn, &shown->view, shown->layer->segment.from, text + 2,
                                   MOST_TRANSITIONS - sizeof " []");
    if (!length) return;
    memcpy(text, " [", 2);
    memcpy(text + 2 + length, "]", 2);
}

static void append_to_info(column_info *columns, const struct tcpstate_shown *shown)
{
    if (!col_get_writable(columns, COL_INFO) || columns->col_first[COL_INFO] < 0) return;
    for (int i = columns->col_first[COL_INFO]; i <= columns->col_last[COL_INFO]; i++)
        if (columns->columns[i].fmt_matx[COL_INFO]) append_transitions(&columns->columns[i], shown);
}

/* Must those who want to meet every connection be told? In the first pass at its first packet, and on until its stream
 * is known. Later a read filter may have rejected just that packet: then at each. */
static bool introduces(const struct tcpstate_shown *shown)
{
    return shown->view.first_entry == 0 || shown->conn->stream == TCPSTATE_NO_STREAM || !shown->layer->conn;
}

static void tell_taps(packet_info *pinfo, const struct tcpstate_shown *shown, struct tcps_conn *conn)
{
    const struct tcpstate_layer *layer = shown->layer;
    bool of_packets = have_tap_listener(tap), of_connections = have_tap_listener(connections_tap) && introduces(shown);
    struct tcpstate_tap *payload;

    if (!of_packets && !of_connections) return;
    payload = wmem_new(pinfo->pool, struct tcpstate_tap);
    tcpstate_find_stream_number(layer, conn);
    payload->segment = layer->segment;
    payload->view.first_entry = shown->view.first_entry;
    payload->view.entries = shown->view.entries;
    payload->view.client_end = shown->view.client_end;
    payload->conn = conn;
    payload->quoted = layer->quoted;
    copy_address_shallow(&payload->address[0], &layer->address[0]);
    copy_address_shallow(&payload->address[1], &layer->address[1]);
    if (of_packets) tap_queue_packet(tap, pinfo, payload);
    if (of_connections) tap_queue_packet(connections_tap, pinfo, payload);
}

/* In the tree, and to those who collect expert infos. */
static TCPS_APART void show_fully(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, struct tcpstate_shown *shown)
{
    proto_item *item = NULL;

    tcps_conn_view(shown->conn, shown->layer->segment.at, &shown->view);
    if (tree) item = tcpstate_fields_add(tree, tvb, pinfo, shown);
    tcpstate_expert_add(pinfo, item, shown);
}

uint32_t tcpstate_stream_looked_at(void)
{
    return looked_at;
}

static void show_layer(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct tcpstate_layer *layer)
{
    struct tcps_conn *conn = tcpstate_conn_of(layer);
    struct tcpstate_shown shown;
    bool eventful;

    if (!conn) return;
    if (layer->conn && !layer->quoted) tcpstate_notables_look(layer);
    shown.layer = layer;
    shown.conn = conn;
    eventful = find_entries(layer, conn, &shown.view);
    if (layer->quoted && !eventful) return; /* the quote was of something else */
    if (eventful && pinfo->cinfo && tcpstate_preferences()->info_column) append_to_info(pinfo->cinfo, &shown);
    shown.notables = layer->quoted ? NULL : tcpstate_notables_at(conn, layer->segment.at);
    if (tree || ((eventful || shown.notables) && tcpstate_expert_wanted(pinfo))) show_fully(tvb, pinfo, tree, &shown);
    tell_taps(pinfo, &shown, conn);
    if (tree && PTREE_DATA(tree)->visible) {
        tcpstate_find_stream_number(layer, conn);
        looked_at = conn->stream;
    }
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

/* The handle belongs to no protocol: that spares Wireshark a layer in each frame. While the plugin is disabled there
 * are no TCP layers to show. */
void tcpstate_postdissector_register(void)
{
    tap = register_tap(TCPSTATE_TAP);
    connections_tap = register_tap(TCPSTATE_CONNECTIONS_TAP);
    register_postdissector(create_dissector_handle(show_frame, -1));
}
