/* TCP headers of the frame under dissection. See segment_source.h.
 *
 * Why a wrapper: taps are silent in half of the passes (the first of two, the packet list's columns, a click), fields
 * exist only where somebody asked for them, and asking always costs a third of the run time. The table "ip.proto" is
 * passed in every one of them, and the header it hands over is complete.
 *
 * This is the hot path: a packet passes here once per TCP header and pass, so nothing is allocated or stored per
 * packet.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "segment_source.h"

#include <string.h>

#include <epan/in_cksum.h>
#include <epan/ipproto.h>
#include <epan/prefs-int.h>
#include <epan/prefs.h>

#include "compat.h"
#include "icmp_quote.h"
#include "streams.h"

/* Offsets and lengths of RFC 9293 3.1. */
enum {
    HEADER = 20,
    UP_TO_FLAGS = 14, /* octets without which a header says nothing */
    MAX_HEADER = 60,
};

/* Option kinds, and the magic of the experimental Fast Open (RFC 7413 4.1.1, appendix A). */
enum { END_OF_OPTIONS = 0, NO_OPERATION = 1, WINDOW_SCALE = 3, TIMESTAMPS = 8, FAST_OPEN = 34, EXPERIMENT = 254 };
#define FAST_OPEN_MAGIC 0xF989

static const protocol_t *plugin;
static dissector_table_t inner; /* holds TCP alone: calling it through a table survives "Decode As" and disabling */

/* What the user wants, asked once per file: after a change it is dissected anew. */
static bool enabled, checksums_checked;

/* The layers of one frame. The room is kept from frame to frame: one frame is dissected at a time. */
static struct {
    const frame_data *frame;
    uint32_t number;
    unsigned count, room;
    struct tcpstate_layer *layers;
} now;

static inline uint32_t get32(const uint8_t *octets)
{
    return (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 | (uint32_t)octets[2] << 8 | octets[3];
}

static inline uint16_t get16(const uint8_t *octets)
{
    return (uint16_t)(octets[0] << 8 | octets[1]);
}

static struct tcpstate_layer *next_layer(const packet_info *pinfo)
{
    struct tcpstate_layer *layer;

    if (now.frame != pinfo->fd || now.number != pinfo->num) {
        now.frame = pinfo->fd;
        now.number = pinfo->num;
        now.count = 0;
    }
    if (now.count == now.room) {
        now.room = now.room ? 2 * now.room : 4;
        now.layers = g_renew(struct tcpstate_layer, now.layers, now.room);
    }
    layer = &now.layers[now.count];
    layer->conn = NULL;
    layer->segment.at.frame = pinfo->num;
    layer->segment.at.layer = (uint8_t)MIN(now.count, UINT8_MAX);
    layer->segment.time = pinfo->abs_ts.secs * TCPS_SECOND + pinfo->abs_ts.nsecs;
    return layer;
}

struct tcpstate_layer *tcpstate_source_layers(const packet_info *pinfo, unsigned *count)
{
    *count = now.frame == pinfo->fd && now.number == pinfo->num ? now.count : 0;
    return now.layers;
}

void tcpstate_source_done(void)
{
    now.count = 0;
}

/* ---- options ---- */

static void read_option(struct tcps_segment *segment, unsigned kind, const uint8_t *value, unsigned length)
{
    if (kind == WINDOW_SCALE && length == 1)
        segment->wscale = value[0] > 14 ? 14 : value[0]; /* RFC 7323 2.3: more than 14 means 14 */
    if (kind == TIMESTAMPS && length == 8) {
        segment->has_ts = true;
        segment->tsval = get32(value);
    }
    if (kind == FAST_OPEN || (kind == EXPERIMENT && length >= 2 && get16(value) == FAST_OPEN_MAGIC))
        segment->fast_open = true;
}

static void walk_options(struct tcps_segment *segment, const uint8_t *option, const uint8_t *end)
{
    while (option < end && option[0] != END_OF_OPTIONS) {
        unsigned length;

        if (option[0] == NO_OPERATION) {
            option++;
            continue;
        }
        if (end - option < 2) return;
        length = option[1];
        if (length < 2 || length > (size_t)(end - option)) return;
        read_option(segment, option[0], option + 2, length - 2);
        option += length;
    }
}

/* Nearly every segment has NOP, NOP, Timestamps as its first twelve octets (RFC 7323 appendix A): no walk for these.
 * Window scale and Fast Open mean something on a SYN only. */
static void read_options(struct tcps_segment *segment, const uint8_t *option, const uint8_t *end)
{
    if (!(segment->flags & TCPS_SYN) && end - option >= 12 && get32(option) == 0x0101080a) {
        segment->has_ts = true;
        segment->tsval = get32(option + 4);
        return;
    }
    walk_options(segment, option, end);
}

/* ---- checksum ---- */

/* Is the checksum wrong? A host that leaves the checksum to its network card is captured with the sum of the pseudo
 * header alone: that is not wrong, only early. */
static bool checksum_is_bad(tvbuff_t *tvb, const packet_info *pinfo, uint16_t checksum)
{
    guint length = tvb_reported_length(tvb);
    guint32 pseudo[2] = {g_htonl(length), g_htonl(IP_PROTO_TCP)};
    vec_t vec[4];

    if (tvb_captured_length(tvb) < length) return false; /* cannot be told */
    SET_CKSUM_VEC_PTR(vec[0], (const guint8 *)pinfo->src.data, pinfo->src.len);
    SET_CKSUM_VEC_PTR(vec[1], (const guint8 *)pinfo->dst.data, pinfo->dst.len);
    SET_CKSUM_VEC_PTR(vec[2], (const guint8 *)pseudo, (int)sizeof pseudo);
    SET_CKSUM_VEC_TVB(vec[3], tvb, 0, (int)length);
    if (in_cksum(vec, 4) == 0) return false;
    return g_ntohs((guint16)~in_cksum(vec, 3)) != checksum;
}

/* Does the user have Wireshark validate TCP checksums? */
static bool checksums_are_checked(void)
{
    module_t *module = prefs_find_module("tcp");
    pref_t *preference = module ? prefs_find_preference(module, "check_checksum") : NULL;

    return preference && prefs_get_bool_value(preference, pref_current);
}

/* ---- header ---- */

/* The identification of the IPv4 header right before the TCP header, 0 if there is none (IPv6, reassembled fragments).
 * Needed to tell a copy of a SYN, FIN or RST from a retransmission, and read for these only. */
static uint16_t ip_identification(tvbuff_t *tvb, const packet_info *pinfo)
{
    const uint8_t *header = pinfo->net_src.type == AT_IPv4 ? tcpstate_ip_header_before(tvb, pinfo) : NULL;

    return header ? get16(header + 4) : 0;
}

static void read_header(struct tcps_segment *segment, const uint8_t *octets, guint captured, tvbuff_t *tvb,
                        const packet_info *pinfo)
{
    guint reported = tvb_reported_length(tvb);
    guint header = (guint)(octets[12] >> 4) * 4;

    segment->seq = get32(octets + 4);
    segment->ack = get32(octets + 8);
    segment->flags = get16(octets + 12) & 0x0fff;
    segment->wnd = captured >= 16 ? get16(octets + 14) : 0;
    segment->checksum = captured >= 18 ? get16(octets + 16) : 0;
    segment->tsval = 0;
    segment->has_ts = segment->fast_open = false;
    segment->wscale = TCPS_NO_WSCALE;
    segment->ip_id = 0;
    segment->malformed = header < HEADER || header > reported;
    segment->len = segment->malformed ? 0 : reported - header;
    if (header > HEADER && captured > HEADER && !segment->malformed)
        read_options(segment, octets + HEADER, octets + MIN(header, captured));
    if (segment->flags & (TCPS_SYN | TCPS_FIN | TCPS_RST)) segment->ip_id = ip_identification(tvb, pinfo);
    if (checksums_checked && checksum_is_bad(tvb, pinfo, segment->checksum)) segment->malformed = true;
}

static void take_segment(tvbuff_t *tvb, const packet_info *pinfo)
{
    guint captured = tvb_captured_length(tvb);
    const uint8_t *octets;
    struct tcpstate_layer *layer;

    if (captured < UP_TO_FLAGS || pinfo->fragmented) return;
    captured = MIN(captured, MAX_HEADER);
    octets = tvb_get_ptr(tvb, 0, (gint)captured);
    layer = next_layer(pinfo);
    layer->quoted = false;
    read_header(&layer->segment, octets, captured, tvb, pinfo);
    if (tcpstate_find_flow(layer, pinfo, get16(octets), get16(octets + 2), true)) {
        if (!pinfo->fd->visited) tcpstate_feed(layer);
        now.count++;
    }
}

/* An ICMP error quotes at least ports and SEG.SEQ of the segment that it is about. It is no segment of the connection
 * (rule 11), but the connection's client wants to know. */
static void take_quote(tvbuff_t *tvb, const packet_info *pinfo)
{
    const uint8_t *octets;
    struct tcpstate_layer *layer;

    if (tvb_captured_length(tvb) < 8 || !tcpstate_quote_tells_unreachable(tvb, pinfo)) return;
    octets = tvb_get_ptr(tvb, 0, 8);
    layer = next_layer(pinfo);
    layer->quoted = true;
    layer->segment.seq = get32(octets + 4);
    layer->segment.flags = 0;
    if (tcpstate_find_flow(layer, pinfo, get16(octets), get16(octets + 2), false)) {
        if (!pinfo->fd->visited) tcpstate_feed_quote(layer);
        now.count++;
    }
}

/* TCP's place in "ip.proto". Nothing may follow the inner call: TCP's exceptions must pass. */
static int dissect_watched_tcp(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
    if (enabled) {
        if (pinfo->flags.in_error_pkt)
            take_quote(tvb, pinfo);
        else
            take_segment(tvb, pinfo);
    }
    return tcpstate_try_uint(inner, IP_PROTO_TCP, tvb, pinfo, tree, FALSE, data);
}

void tcpstate_source_start(void)
{
    now.frame = NULL;
    now.count = 0;
    enabled = proto_is_protocol_enabled(plugin);
    checksums_checked = checksums_are_checked();
}

void tcpstate_source_register(int proto)
{
    plugin = find_protocol_by_id(proto);
    inner = register_dissector_table("tcpstate.inner", "TCP below TCP State", proto, FT_UINT8, BASE_DEC);
}

/* The handle belongs to protocol tcp, not to the plugin: disabling the plugin must not disable TCP. Its description
 * must differ from TCP's own, which "Decode As" would take for a double. */
void tcpstate_source_hand_off(void)
{
    dissector_handle_t tcp = dissector_get_uint_handle(find_dissector_table("ip.proto"), IP_PROTO_TCP);

    if (!tcp) return;
    dissector_add_uint("tcpstate.inner", IP_PROTO_TCP, tcp);
    dissector_add_uint("ip.proto", IP_PROTO_TCP,
                       create_dissector_handle_with_name_and_description(
                           dissect_watched_tcp, proto_get_id_by_filter_name("tcp"), "tcpstate_tcp", "TCP (TCP State)"));
}
