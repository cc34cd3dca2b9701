/* The floor: what any plugin costs that looks at every TCP header, before it infers anything.
 * A post-dissector that does nothing (floor_post); and a dissector in TCP's place that calls TCP (floor_wrapper); and
 * in it reading the header and finding its connection in a table of its own, by addresses and ports (floor_table).
 * Knows no states, shows nothing. Look next: plugin/host/segment_source.c, which does it in earnest.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <wireshark.h>

#include <string.h>

#include <epan/ipproto.h>
#include <epan/packet.h>
#include <epan/proto.h>

#include "host/compat.h"

WS_DLL_PUBLIC_DEF const gchar plugin_version[] = "0";
WS_DLL_PUBLIC_DEF const int plugin_want_major = WIRESHARK_VERSION_MAJOR;
WS_DLL_PUBLIC_DEF const int plugin_want_minor = WIRESHARK_VERSION_MINOR;

WS_DLL_PUBLIC void plugin_register(void);
WS_DLL_PUBLIC uint32_t plugin_describe(void);

static int do_nothing(tvbuff_t *tvb, packet_info *pinfo _U_, proto_tree *tree _U_, void *data _U_)
{
    return (int)tvb_captured_length(tvb);
}

#ifdef FLOOR_TABLE
/* The least that a connection must keep, and its key: addresses (IPv4 alone) and ports, the lower end first. */
struct connection {
    uint32_t address[2];
    uint32_t ports;
    uint32_t segments, highest[2];
};

static GHashTable *connections;

static guint connection_hash(gconstpointer key)
{
    const struct connection *connection = key;
    uint64_t hash = (uint64_t)connection->address[0] << 32 | connection->address[1];

    return (guint)(((hash ^ connection->ports) * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static gboolean connection_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, offsetof(struct connection, segments)) == 0;
}

static void take_header(tvbuff_t *tvb, const packet_info *pinfo)
{
    struct connection key = {.segments = 0}, *found;
    const guint8 *header;
    uint32_t ports, seq;
    unsigned from;

    if (tvb_captured_length(tvb) < 14 || pinfo->fragmented || pinfo->flags.in_error_pkt) return;
    if (pinfo->src.type != AT_IPv4 || pinfo->dst.type != AT_IPv4) return;
    header = tvb_get_ptr(tvb, 0, 14);
    from = memcmp(pinfo->src.data, pinfo->dst.data, 4) > 0;
    memcpy(&key.address[from], pinfo->src.data, 4);
    memcpy(&key.address[!from], pinfo->dst.data, 4);
    memcpy(&ports, header, sizeof ports);
    memcpy(&seq, header + 4, sizeof seq);
    key.ports = from ? ports << 16 | ports >> 16 : ports;
    found = g_hash_table_lookup(connections, &key);
    if (!found) {
        found = wmem_memdup(wmem_file_scope(), &key, sizeof key);
        g_hash_table_add(connections, found);
    }
    found->segments++;
    found->highest[from] = g_ntohl(seq);
}

static void stop(void)
{
    if (connections) g_hash_table_destroy(connections);
    connections = NULL;
}

static void start(void)
{
    stop();
    connections = g_hash_table_new(connection_hash, connection_equal);
}
#endif

#ifdef FLOOR_WRAPPER
static dissector_table_t inner;

static int pass_on(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
#ifdef FLOOR_TABLE
    take_header(tvb, pinfo);
#endif
    return tcpstate_try_uint(inner, IP_PROTO_TCP, tvb, pinfo, tree, FALSE, data);
}
#endif

static void hand_off(void)
{
#ifdef FLOOR_WRAPPER
    dissector_handle_t tcp = dissector_get_uint_handle(find_dissector_table("ip.proto"), IP_PROTO_TCP);

    dissector_add_uint("floor.inner", IP_PROTO_TCP, tcp);
    dissector_add_uint("ip.proto", IP_PROTO_TCP,
                       create_dissector_handle_with_name_and_description(pass_on, proto_get_id_by_filter_name("tcp"),
                                                                         "floor_tcp", "TCP (floor)"));
#endif
}

static void register_protocol(void)
{
    int proto = proto_register_protocol("Floor", "Floor", "floor");

    (void)proto;
    register_postdissector(create_dissector_handle(do_nothing, -1));
#ifdef FLOOR_WRAPPER
    inner = register_dissector_table("floor.inner", "TCP below the floor", proto, FT_UINT8, BASE_DEC);
#endif
#ifdef FLOOR_TABLE
    register_init_routine(start);
    register_cleanup_routine(stop);
#endif
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
