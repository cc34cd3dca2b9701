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

/* The same connection inside and outside of a tunnel is two flows; so deep ones share a table. */
enum { DEPTHS = 16, VERSIONS = 3 };

/* A flow with its key: first.ports, and the addresses that follow in memory: of end 0, then of end 1. End 0 is the one
 * with the lower address as this machine compares words, or the lower port if the addresses are equal. Key and flow are
 * one block, since there may be millions of them. */
struct stream {
    struct tcps_flow flow;
    uint32_t address[8]; /* of these only address_words are allocated */
};

static const unsigned address_words[VERSIONS] = {0, 2, 8};

/* What to look for. */
struct key {
    unsigned version;     /* 0: no IP address at hand; 1: IPv4; 2: IPv6 */
    unsigned depth;       /* IP headers around */
    struct stream stream; /* of which only the key counts */
};

static GHashTable *tables[VERSIONS][DEPTHS];

/* The flows of the last packets, asked before any table: most packets belong to a few hundred connections. By hash. */
enum { RECENT = 1 << 10 };
static struct recent {
    struct stream *stream; /* or NULL */
    unsigned version, depth;
} recent[RECENT];

static int proto_tcp, proto_ip, proto_ipv6, proto_llc;

/* ---- tables ---- */

static guint mix(const struct stream *stream, unsigned words)
{
    uint64_t hash = (uint64_t)stream->flow.first.ports[0] << 16 | stream->flow.first.ports[1];

    for (unsigned i = 0; i < words; i += 2)
        hash = (hash ^ ((uint64_t)stream->address[i] << 32 | stream->address[i + 1])) * UINT64_C(0x9e3779b97f4a7c15);
    return (guint)(hash * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

static bool same_ports(const struct stream *left, const struct stream *right)
{
    return memcmp(left->flow.first.ports, right->flow.first.ports, sizeof left->flow.first.ports) == 0;
}

static guint hash_none(gconstpointer key)
{
    return mix(key, 0);
}

static gboolean equal_none(gconstpointer a, gconstpointer b)
{
    return same_ports(a, b);
}

static guint hash_ipv4(gconstpointer key)
{
    return mix(key, 2);
}

static gboolean equal_ipv4(gconstpointer a, gconstpointer b)
{
    const struct stream *left = a, *right = b;

    return same_ports(left, right) && memcmp(left->address, right->address, 8) == 0;
}

static guint hash_ipv6(gconstpointer key)
{
    return mix(key, 8);
}

static gboolean equal_ipv6(gconstpointer a, gconstpointer b)
{
    const struct stream *left = a, *right = b;

    return same_ports(left, right) && memcmp(left->address, right->address, 32) == 0;
}

static struct stream *add_stream(GHashTable *table, const struct key *key)
{
    size_t address_bytes = address_words[key->version] * sizeof(uint32_t);
    struct stream *stream = tcpstate_allocate(offsetof(struct stream, address) + address_bytes);

    stream->flow = (struct tcps_flow){.first = {.stream = TCPSTATE_NO_STREAM}};
    memcpy(stream->flow.first.ports, key->stream.flow.first.ports, sizeof stream->flow.first.ports);
    memcpy(stream->address, key->stream.address, address_bytes);
    g_hash_table_add(table, stream);
    return stream;
}

static const struct {
    GHashFunc hash;
    GEqualFunc equal;
} of_version[VERSIONS] = {{hash_none, equal_none}, {hash_ipv4, equal_ipv4}, {hash_ipv6, equal_ipv6}};

static struct stream *find_or_add(const struct key *key, bool make)
{
    GHashTable **table = &tables[key->version][key->depth];
    struct stream *stream = *table ? g_hash_table_lookup(*table, &key->stream) : NULL;

    if (stream || !make) return stream;
    if (!*table) *table = g_hash_table_new(of_version[key->version].hash, of_version[key->version].equal);
    return add_stream(*table, key);
}

static bool is_of(const struct recent *entry, const struct key *key)
{
    if (!entry->stream || entry->version != key->version || entry->depth != key->depth) return false;
    return key->version == 1 ? equal_ipv4(entry->stream, &key->stream)
                             : of_version[key->version].equal(entry->stream, &key->stream);
}

static struct stream *stream_of(const struct key *key, bool make)
{
    guint hash = key->version == 1 ? hash_ipv4(&key->stream) : of_version[key->version].hash(&key->stream);
    struct recent *entry = &recent[hash % RECENT];

    if (!is_of(entry, key))
        *entry = (struct recent){.stream = find_or_add(key, make), .version = key->version, .depth = key->depth};
    return entry->stream;
}

void tcpstate_streams_stop(void)
{
    memset(recent, 0, sizeof recent);
    for (unsigned version = 0; version < VERSIONS; version++)
        for (unsigned depth = 0; depth < DEPTHS; depth++)
            g_clear_pointer(&tables[version][depth], g_hash_table_destroy);
}

void tcpstate_streams_start(void)
{
    tcpstate_streams_stop();
    tcpstate_memory_start();
}

void tcpstate_streams_register(void)
{
    proto_tcp = proto_get_id_by_filter_name("tcp");
    proto_ip = proto_get_id_by_filter_name("ip");
    proto_ipv6 = proto_get_id_by_filter_name("ipv6");
    proto_llc = proto_get_id_by_filter_name("llc");
}

/* ---- key ---- */

/* IP headers since the TCP layer before this one, or since the last LLC header: the subframes of an A-MSDU are
 * siblings, a tunnel is nested. The lowest two layers ("frame" and a link layer) are no IP headers. A quote stands one
 * deeper than the segment that it quotes: below the IP header of the ICMP error. */
static unsigned tunnel_depth(const packet_info *pinfo)
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
    return depth;
}

/* Version, addresses and ports of the packet in canonical order. Returns the end that sent it: 1 if its (address, port)
 * is the higher. With both equal it is end 0 that talks to itself. Fixed sizes, since this is done for every packet. */
static uint8_t fill_key(struct key *key, const packet_info *pinfo, uint16_t source_port, uint16_t destination_port)
{
    struct stream *stream = &key->stream;
    bool higher = source_port > destination_port;
    uint8_t from;

    if (pinfo->src.type == AT_IPv4 && pinfo->dst.type == AT_IPv4) {
        uint32_t source, destination;

        memcpy(&source, pinfo->src.data, sizeof source);
        memcpy(&destination, pinfo->dst.data, sizeof destination);
        from = source > destination || (source == destination && higher);
        stream->address[from] = source;
        stream->address[!from] = destination;
        key->version = 1;
    } else if (pinfo->src.type == AT_IPv6 && pinfo->dst.type == AT_IPv6) {
        int order = memcmp(pinfo->src.data, pinfo->dst.data, 16);

        from = order > 0 || (order == 0 && higher);
        memcpy(&stream->address[4 * from], pinfo->src.data, 16);
        memcpy(&stream->address[4 * !from], pinfo->dst.data, 16);
        key->version = 2;
    } else {
        from = higher;
        key->version = 0;
    }
    stream->flow.first.ports[from] = source_port;
    stream->flow.first.ports[!from] = destination_port;
    return from;
}

bool tcpstate_find_flow(struct tcpstate_layer *layer, const packet_info *pinfo, uint16_t source_port,
                        uint16_t destination_port, bool make)
{
    struct key key;
    struct stream *stream;
    uint8_t from = fill_key(&key, pinfo, source_port, destination_port);

    key.depth = tunnel_depth(pinfo) - layer->quoted;
    if (key.depth >= DEPTHS) key.depth = DEPTHS - 1;
    stream = stream_of(&key, make);
    if (!stream) return false;
    layer->flow = &stream->flow;
    layer->segment.from = from;
    layer->address[from] = pinfo->src; /* shallow copies, for the time of this frame */
    layer->address[!from] = pinfo->dst;
    return true;
}

/* ---- connections ---- */

/* `newest` was the flow's newest connection, with `entries` in its log, before the layer was fed to its connection. */
static void note_entries(struct tcpstate_layer *layer, const struct tcps_conn *newest, uint32_t entries)
{
    layer->first_entry = layer->conn == newest ? entries : 0;
    layer->entries = layer->conn ? layer->conn->log.count - layer->first_entry : 0;
}

void tcpstate_feed(struct tcpstate_layer *layer)
{
    const struct tcps_conn *newest = tcps_newest(layer->flow);
    uint32_t entries = newest->log.count;

    layer->conn = tcps_flow_feed(layer->flow, &tcpstate_memory, &layer->segment);
    note_entries(layer, newest, entries);
    if (layer->conn != newest && layer->conn) layer->conn->stream = TCPSTATE_NO_STREAM;
}

void tcpstate_feed_quote(struct tcpstate_layer *layer)
{
    const struct tcps_conn *newest = tcps_newest(layer->flow);
    uint32_t entries = newest->log.count;

    layer->conn = tcps_flow_unreachable(layer->flow, &tcpstate_memory, &layer->segment);
    note_entries(layer, newest, entries);
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
                                     layer->flow->first.ports[0], layer->flow->first.ports[1], 0);
    analysis = conversation ? conversation_get_proto_data(conversation, proto_tcp) : NULL;
    if (analysis) conn->stream = analysis->stream;
}
