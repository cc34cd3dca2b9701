/* The alternative that Wireshark's manual offers: a post-dissector that has TCP's fields made for every packet and
 * reads them from the tree. The inference is the plugin's own core; what differs is how a segment comes to it.
 * Reduced: connections are Wireshark's streams, directions are ports, nothing is shown but the Info column's
 * transitions, and only a first pass is right. Look next: plugin/host/segment_source.c, the way that was chosen
 * instead.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <wireshark.h>

#include <stdio.h>
#include <string.h>

#include <epan/column-utils.h>
#include <epan/packet.h>
#include <epan/proto.h>

#include "core/explain.h"
#include "core/flow.h"
#include "host/compat.h"

WS_DLL_PUBLIC_DEF const gchar plugin_version[] = "0";
WS_DLL_PUBLIC_DEF const int plugin_want_major = WIRESHARK_VERSION_MAJOR;
WS_DLL_PUBLIC_DEF const int plugin_want_minor = WIRESHARK_VERSION_MINOR;

WS_DLL_PUBLIC void plugin_register(void);
WS_DLL_PUBLIC uint32_t plugin_describe(void);

/* X(id, filter name): the fields that a segment is read from. */
#define WANTED(X)                                                                                                      \
    X(STREAM, "tcp.stream")                                                                                            \
    X(SOURCE, "tcp.srcport")                                                                                           \
    X(DESTINATION, "tcp.dstport")                                                                                      \
    X(SEQ, "tcp.seq_raw")                                                                                              \
    X(ACK, "tcp.ack_raw")                                                                                              \
    X(LENGTH, "tcp.len")                                                                                               \
    X(FLAGS, "tcp.flags")                                                                                              \
    X(WINDOW, "tcp.window_size_value")                                                                                 \
    X(CHECKSUM, "tcp.checksum")                                                                                        \
    X(WSCALE, "tcp.options.wscale.shift")                                                                              \
    X(TSVAL, "tcp.options.timestamp.tsval")                                                                            \
    X(IP_ID, "ip.id")

enum wanted {
#define X(id, name) id,
    WANTED(X)
#undef X
        WANTED_COUNT
};

static int wanted[WANTED_COUNT];
static dissector_handle_t handle;
static GHashTable *flows; /* tcp.stream: struct tcps_flow */

static void *resize(void *context _U_, void *old, size_t old_bytes _U_, size_t bytes)
{
    return wmem_realloc(wmem_file_scope(), old, bytes);
}

static const struct tcps_memory memory = {.resize = resize};

/* Reads the field's first occurrence. Returns whether there is one. */
static bool number_of(proto_tree *tree, enum wanted id, uint32_t *number)
{
    const GPtrArray *found = proto_get_finfo_ptr_array(tree, wanted[id]);

    if (!found || !found->len) return false;
    *number = fvalue_get_uinteger(TCPSTATE_VALUE_OF((field_info *)g_ptr_array_index(found, 0)));
    return true;
}

static uint32_t number_or(proto_tree *tree, enum wanted id, uint32_t otherwise)
{
    uint32_t number = otherwise;

    number_of(tree, id, &number);
    return number;
}

/* Fills in the segment. Returns false if the frame has no whole TCP header: one quoted by ICMP has no tcp.len. */
static bool read_segment(const packet_info *pinfo, proto_tree *tree, struct tcps_segment *segment)
{
    uint32_t length;

    if (!number_of(tree, LENGTH, &length)) return false;
    memset(segment, 0, sizeof *segment);
    segment->at.frame = pinfo->num;
    segment->time = pinfo->abs_ts.secs * INT64_C(1000000000) + pinfo->abs_ts.nsecs;
    segment->len = length;
    segment->seq = number_or(tree, SEQ, 0);
    segment->ack = number_or(tree, ACK, 0);
    segment->flags = (uint16_t)number_or(tree, FLAGS, 0);
    segment->wnd = (uint16_t)number_or(tree, WINDOW, 0);
    segment->checksum = (uint16_t)number_or(tree, CHECKSUM, 0);
    segment->wscale = (uint8_t)number_or(tree, WSCALE, TCPS_NO_WSCALE);
    segment->has_ts = number_of(tree, TSVAL, &segment->tsval);
    if (segment->flags & (TCPS_SYN | TCPS_FIN | TCPS_RST)) segment->ip_id = (uint16_t)number_or(tree, IP_ID, 0);
    return true;
}

static struct tcps_flow *flow_of(proto_tree *tree, struct tcps_segment *segment)
{
    gpointer key = GUINT_TO_POINTER(number_or(tree, STREAM, 0) + 1);
    uint16_t source = (uint16_t)number_or(tree, SOURCE, 0), destination = (uint16_t)number_or(tree, DESTINATION, 0);
    struct tcps_flow *flow = g_hash_table_lookup(flows, key);

    if (!flow) {
        flow = wmem_new0(wmem_file_scope(), struct tcps_flow);
        flow->first.ports[0] = MIN(source, destination);
        flow->first.ports[1] = MAX(source, destination);
        g_hash_table_insert(flows, key, flow);
    }
    segment->from = source > destination;
    return flow;
}

static void append_transitions(packet_info *pinfo, const struct tcps_conn *conn, const struct tcps_segment *segment)
{
    struct tcps_view view;
    char text[256];

    tcps_conn_view(conn, segment->at, &view);
    if (tcps_transitions_text(conn, &view, segment->from, text, sizeof text))
        col_append_fstr(pinfo->cinfo, COL_INFO, " [%s]", text);
}

static int show(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data _U_)
{
    struct tcps_segment segment;
    struct tcps_conn *conn;

    if (tree && !pinfo->fd->visited && read_segment(pinfo, tree, &segment)) {
        conn = tcps_flow_feed(flow_of(tree, &segment), &memory, &segment);
        if (conn) append_transitions(pinfo, conn, &segment);
    }
    return (int)tvb_captured_length(tvb);
}

static void stop(void)
{
    if (flows) g_hash_table_destroy(flows);
    flows = NULL;
}

static void start(void)
{
    stop();
    flows = g_hash_table_new(NULL, NULL);
}

static void register_protocol(void)
{
    handle = create_dissector_handle(show, proto_register_protocol("Wanted fields", "Wanted", "wanted"));
    register_postdissector(handle);
    register_init_routine(start);
    register_cleanup_routine(stop);
}

static void hand_off(void)
{
    static const char *const names[] = {
#define X(id, name) name,
        WANTED(X)
#undef X
    };
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(int));

    for (unsigned i = 0; i < WANTED_COUNT; i++) {
        wanted[i] = proto_registrar_get_id_byname(names[i]);
        g_array_append_val(ids, wanted[i]);
    }
    set_postdissector_wanted_hfids(handle, ids);
}

void plugin_register(void)
{
    static proto_plugin plugin = {.register_protoinfo = register_protocol, .register_handoff = hand_off};

    proto_register_plugin(&plugin);
}

uint32_t plugin_describe(void)
{
    return 1;
}
