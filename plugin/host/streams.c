/* All flows of the capture. See streams.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "streams.h"

#include <stddef.h>
#include <string.h>

#include <epan/conversation.h>
#include <epan/dissectors/packet-tcp.h>

#include "compat.h"
#include "memory.h"
#include "report/tap_payload.h"

/* A flow with its key. End 0 is the one with the lower address, or the lower port if the addresses are equal. */
struct stream {
    struct tcps_flow flow; /* flow.ports belongs to the key */
    uint8_t version;       /* 4, 6, or 0: no IP address at hand */
    uint8_t depth;         /* IP headers around: the same connection inside and outside of a tunnel is two flows */
    uint32_t address[8];   /* of end 0, then of end 1; those of IPv4 take two words, and no more is allocated */
};

static GHashTable *streams; /* struct stream, as key of itself */
static int proto_tcp, proto_ip, proto_ipv6, proto_llc;

static unsigned address_words(const struct stream *stream)
{
    return stream->version == 6 ? 8 : 2;
}

/* ---- table ---- */

static guint stream_hash(gconstpointer key)
{
    const struct stream *stream = key;
    uint64_t hash = (uint64_t)stream->flow.ports[0] << 32 | (uint64_t)stream->flow.ports[1] << 16 | stream->depth;

    for (unsigned i = 0; i < address_words(stream); i += 2)
        hash = (hash ^ ((uint64_t)stream->address[i] << 32 | stream->address[i + 1])) * UINT64_C(0x9e3779b97f4a7c15);
    return (guint)(hash >> 32);
}

static gboolean stream_equal(gconstpointer a, gconstpointer b)
{
    const struct stream *left = a, *right = b;

    if (left->flow.ports[0] != right->flow.ports[0] || left->flow.ports[1] != right->flow.ports[1]) return FALSE;
    if (left->version != right->version || left->depth != right->depth) return FALSE;
    if (left->version == 6) return memcmp(left->address, right->address, 32) == 0;
    return left->address[0] == right->address[0] && left->address[1] == right->address[1];
}

static struct stream *stream_of(const struct stream *key, bool make)
{
    struct stream *stream = g_hash_table_lookup(streams, key);
    size_t size;

    if (stream || !make) return stream;
    size = offsetof(struct stream, address) + address_words(key) * sizeof key->address[0];
    stream = tcpstate_allocate(size);
    memcpy(stream, key, size);
    g_hash_table_add(streams, stream);
    return stream;
}

void tcpstate_streams_stop(void)
{
    if (streams) g_hash_table_destroy(streams);
    streams = NULL;
}

void tcpstate_streams_start(void)
{
    tcpstate_streams_stop();
    tcpstate_memory_start();
    streams = g_hash_table_new(stream_hash, stream_equal);
}

void tcpstate_streams_register(void)
{
    proto_tcp = proto_get_id_by_filter_name("tcp");
    proto_ip = proto_get_id_by_filter_name("ip");
    proto_ipv6 = proto_get_id_by_filter_name("ipv6");
    proto_llc = proto_get_id_by_filter_name("llc");
}

/* ---- key ---- */

/* IP headers since the TCP layer before this one, or since the last LLC header: the subframes of an A-MSDU are siblings,
 * a tunnel is nested. The lowest two layers ("frame" and a link layer) are no IP headers. A quote stands one deeper than
 * the segment that it quotes: below the IP header of the ICMP error. */
static uint8_t tunnel_depth(const packet_info *pinfo)
{
    unsigned depth = 0, number = pinfo->curr_layer_num;
    wmem_list_frame_t *layer = wmem_list_tail(pinfo->layers); /* this TCP layer itself */

    while (layer && --number >= 3) {
        int proto;

        layer = wmem_list_frame_prev(layer);
        if (!layer) break;
        proto = GPOINTER_TO_INT(wmem_list_frame_data(layer));
        if (proto == proto_ip || proto == proto_ipv6)
            depth++;
        else if (proto == proto_tcp || proto == proto_llc)
            break;
    }
    return (uint8_t)MIN(depth, UINT8_MAX);
}

static int compare_words(const void *a, const void *b)
{
    uint32_t left, right;

    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    left = g_ntohl(left);
    right = g_ntohl(right);
    return (left > right) - (left < right);
}

/* Version, addresses and ports of the packet in canonical order. Returns the end that sent it: 1 if its (address, port)
 * is the higher. With both equal it is end 0 that talks to itself. Fixed sizes, since this is done for every packet. */
static uint8_t fill_key(struct stream *key, const packet_info *pinfo, uint16_t source_port, uint16_t destination_port)
{
    int order = 0;
    uint8_t from;

    key->flow.newest = key->flow.found = NULL;
    key->version = 0;
    key->address[0] = key->address[1] = 0;
    if (pinfo->src.type == AT_IPv4 && pinfo->dst.type == AT_IPv4) {
        key->version = 4;
        order = compare_words(pinfo->src.data, pinfo->dst.data);
    } else if (pinfo->src.type == AT_IPv6 && pinfo->dst.type == AT_IPv6) {
        key->version = 6;
        order = memcmp(pinfo->src.data, pinfo->dst.data, 16);
    }
    from = order > 0 || (order == 0 && source_port > destination_port);
    if (key->version == 4) {
        memcpy(&key->address[from], pinfo->src.data, 4);
        memcpy(&key->address[!from], pinfo->dst.data, 4);
    } else if (key->version == 6) {
        memcpy(&key->address[4 * from], pinfo->src.data, 16);
        memcpy(&key->address[4 * !from], pinfo->dst.data, 16);
    }
    key->flow.ports[from] = source_port;
    key->flow.ports[!from] = destination_port;
    return from;
}

bool tcpstate_find_flow(struct tcpstate_layer *layer, const packet_info *pinfo, uint16_t source_port,
                        uint16_t destination_port, bool make)
{
    struct stream key, *stream;
    uint8_t from = fill_key(&key, pinfo, source_port, destination_port);

    key.depth = (uint8_t)(tunnel_depth(pinfo) - layer->quoted);
    stream = stream_of(&key, make);
    if (!stream) return false;
    layer->flow = &stream->flow;
    layer->segment.from = from;
    copy_address_shallow(&layer->address[from], &pinfo->src);
    copy_address_shallow(&layer->address[!from], &pinfo->dst);
    return true;
}

/* ---- connections ---- */

void tcpstate_feed(struct tcpstate_layer *layer)
{
    const struct tcps_conn *newest = layer->flow->newest;

    layer->conn = tcps_flow_feed(layer->flow, &tcpstate_memory, &layer->segment);
    if (layer->flow->newest != newest) layer->flow->newest->stream = TCPSTATE_NO_STREAM;
}

void tcpstate_feed_quote(struct tcpstate_layer *layer)
{
    layer->conn = tcps_flow_unreachable(layer->flow, &tcpstate_memory, &layer->segment);
}

struct tcps_conn *tcpstate_conn_of(const struct tcpstate_layer *layer)
{
    return layer->conn ? layer->conn : tcps_flow_at(layer->flow, layer->segment.at);
}

void tcpstate_find_stream_number(const struct tcpstate_layer *layer, struct tcps_conn *conn)
{
    const struct tcp_analysis *analysis;
    const conversation_t *conversation;

    if (layer->quoted || conn->stream != TCPSTATE_NO_STREAM) return;
    conversation = find_conversation(layer->segment.at.frame, &layer->address[0], &layer->address[1], CONVERSATION_TCP,
                                     layer->flow->ports[0], layer->flow->ports[1], 0);
    analysis = conversation ? conversation_get_proto_data(conversation, proto_tcp) : NULL;
    if (analysis) conn->stream = analysis->stream;
}
