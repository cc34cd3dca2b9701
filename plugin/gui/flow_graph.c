/* The flow graph "TCP states": an arrow per segment, and on it, at the lifeline's side, the state that an end enters.
 * The one file that knows what Wireshark does not tell plugins: epan/sequence_analysis.h is not installed, though its
 * functions are exported. Look next: report/ladder_picture.h, the same picture as text.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <wireshark.h>

#include "flow_graph.h"

#include <string.h>

#include <epan/packet.h>
#include <epan/tap.h>

#include "core/explain.h"
#include "host/compat.h"
#include "report/document.h"
#include "report/steps.h"
#include "report/tap_payload.h"

/* As in epan/sequence_analysis.h of 4.0 and of 4.4, and as the code of 4.6 reads and writes them (which has one member
 * more behind those here). What is behind the members that are used is left out: the library itself allocates. Nobody
 * has looked at 4.2, and later versions are not known: there the flow type is not offered. */
#if TCPSTATE_WIRESHARK_FROM(4, 4) && !TCPSTATE_WIRESHARK_FROM(4, 7)
#define FLOW_GRAPH_IS_KNOWN 1
typedef bool flow_bool;
#elif TCPSTATE_WIRESHARK_FROM(4, 0) && !TCPSTATE_WIRESHARK_FROM(4, 1)
#define FLOW_GRAPH_IS_KNOWN 1
typedef gboolean flow_bool;
#else
#define FLOW_GRAPH_IS_KNOWN 0
#endif

#if FLOW_GRAPH_IS_KNOWN

typedef struct _seq_analysis_item {
    uint32_t frame_number;
    address src_addr;
    uint16_t port_src;
    address dst_addr;
    uint16_t port_dst;
    char *frame_label; /* on the arrow */
    char *time_str;
    char *comment; /* to the right of the graph */
    uint16_t conv_num;
    unsigned fg_color, bg_color;
    flow_bool has_color_filter;
    flow_bool display;
    unsigned src_node, dst_node;
    uint16_t line_style;
} seq_analysis_item_t;

typedef struct _seq_analysis_info {
    const char *name;
    flow_bool any_addr;
    int nconv;
    GQueue *items;
} seq_analysis_info_t;

WS_DLL_PUBLIC void register_seq_analysis(const char *name, const char *ui_name, const int proto_id,
                                         const char *tap_listener, unsigned tap_flags, tap_packet_cb tap_func);
WS_DLL_PUBLIC seq_analysis_item_t *sequence_analysis_create_sai_with_addresses(packet_info *pinfo,
                                                                               seq_analysis_info_t *sainfo);
WS_DLL_PUBLIC void sequence_analysis_use_color_filter(packet_info *pinfo, seq_analysis_item_t *sai);

/* ---- which end is on the left --------------------------------------------------------------------------------- */

/* The program draws a lifeline per address, in the order in which addresses come up. It decides so after all packets
 * were seen; labels are written before. So the order is counted here too, for the graph that is being filled. */
enum { LIFELINES = 40 /* more the program does not draw */ };

static struct {
    const seq_analysis_info_t *graph;
    address lifeline[LIFELINES]; /* their data are the graph's items' */
    unsigned count;
} order;

static void start_order(const seq_analysis_info_t *graph)
{
    order.count = 0;
    order.graph = graph;
}

static unsigned lifeline_of(const address *of)
{
    unsigned i = 0;

    while (i < order.count && !addresses_equal(&order.lifeline[i], of)) i++;
    if (i == order.count && i < LIFELINES) copy_address_shallow(&order.lifeline[order.count++], of);
    return i;
}

/* Both ends on one address (127.0.0.1) would be one lifeline: then the ends are told apart by port, and by role, for
 * those that connect to themselves. */
static void set_end(address *to, const struct tcpstate_tap *tap, unsigned end)
{
    char text[80];
    char *lifeline;

    free_address(to);
    if (addresses_equal(&tap->address[0], &tap->address[1])) {
        tcpstate_endpoint_text(&tap->address[end], tap->conn->ports[end], text, sizeof text);
        lifeline = g_strdup_printf("%s %s", text, tcps_role_name(end, tap->view.client_end));
        alloc_address_wmem(NULL, to, AT_STRINGZ, (int)strlen(lifeline) + 1, lifeline);
        g_free(lifeline);
    } else {
        copy_address(to, &tap->address[end]);
    }
}

/* ---- words ---------------------------------------------------------------------------------------------------- */

/* Is the state of `end` news? It is when it changed, and when it is the first to be told. */
static bool is_news(const struct tcps_view *view, unsigned end)
{
    return view->entries && (view->first_entry == 0 || view->before[end] != view->state[end]);
}

/* "[FIN_WAIT_1]  FIN,ACK", "PSH,ACK len 80", "[FIN_WAIT_2]  FIN,ACK  [LAST_ACK]": the left end's state to the left. */
static char *label_of(const struct tcpstate_tap *tap, const struct tcps_view *view, unsigned left)
{
    GString *label = g_string_new(NULL);
    char flags[32];

    tcpstate_flags_text(tap->segment.flags, flags, sizeof flags);
    if (is_news(view, left)) g_string_append_printf(label, "[%s]  ", tcps_state_name(view->state[left]));
    g_string_append(label, tap->quoted ? "ICMP error" : flags);
    if (tap->segment.len) g_string_append_printf(label, " len %u", tap->segment.len);
    if (is_news(view, !left)) g_string_append_printf(label, "  [%s]", tcps_state_name(view->state[!left]));
    return g_string_free(label, FALSE);
}

/* "FIN_WAIT_2 : LAST_ACK, server→CLOSE_WAIT, …": client and server, then what the packet did to them. */
static char *comment_of(const struct tcpstate_tap *tap, const struct tcps_view *view)
{
    unsigned client = view->client_end;
    char transitions[256];
    size_t length = tcps_transitions_text(tap->conn, view, tap->segment.from, transitions, sizeof transitions);

    return g_strdup_printf("%s : %s%s%s", tcps_state_name(view->state[client]), tcps_state_name(view->state[!client]),
                           length ? ", " : "", length ? transitions : "");
}

/* ---- the tap -------------------------------------------------------------------------------------------------- */

static tap_packet_status take_packet(void *data, packet_info *pinfo, epan_dissect_t *edt, const void *payload,
                                     tap_flags_t flags)
{
    seq_analysis_info_t *graph = data;
    const struct tcpstate_tap *tap = payload;
    unsigned from = tap->segment.from & 1, source, destination;
    seq_analysis_item_t *item;
    struct tcps_view view;

    (void)edt;
    (void)flags;
    item = tap->conn ? sequence_analysis_create_sai_with_addresses(pinfo, graph) : NULL;
    if (!item) return TAP_PACKET_DONT_REDRAW;
    if (order.graph != graph || g_queue_is_empty(graph->items)) start_order(graph);
    tcps_conn_view(tap->conn, tap->segment.at, &view);
    /* The frame's addresses are those of its innermost layer. */
    set_end(&item->src_addr, tap, from);
    set_end(&item->dst_addr, tap, !from);
    source = lifeline_of(&item->src_addr);
    destination = lifeline_of(&item->dst_addr);
    item->frame_number = pinfo->num;
    item->port_src = tap->conn->ports[from];
    item->port_dst = tap->conn->ports[!from];
    item->frame_label = label_of(tap, &view, source <= destination ? from : !from);
    item->comment = comment_of(tap, &view);
    item->conv_num = (uint16_t)tap->conn->stream;
    item->line_style = 1;
    item->display = true;
    sequence_analysis_use_color_filter(pinfo, item);
    g_queue_push_tail(graph->items, item);
    return TAP_PACKET_REDRAW;
}

void tcpstate_register_flow_graph(int proto)
{
    register_seq_analysis("tcpstate", "TCP states", proto, TCPSTATE_TAP, 0, take_packet);
}

#else

void tcpstate_register_flow_graph(int proto)
{
    (void)proto;
}

#endif
