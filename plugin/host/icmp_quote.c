/* The headers in front of a TCP header. See icmp_quote.h.
 *
 * The dissector of IPv4 hands a struct down, but not everybody who calls "ip.proto" hands down the same: the octets in
 * the frame's own buffer are the same for all.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "icmp_quote.h"

#include <string.h>

#include <epan/ipproto.h>

enum { IPV4_HEADER = 20, IPV4_MAX_HEADER = 60, IPV6_HEADER = 40, ICMP_HEADER = 8 };

/* RFC 792, RFC 4443. */
enum { ICMP_UNREACHABLE = 3, ICMP_TIME_EXCEEDED = 11, ICMP_FRAGMENTATION_NEEDED = 4 };
enum { ICMP6_UNREACHABLE = 1, ICMP6_TIME_EXCEEDED = 3 };

/* Does `header` look like the IP header whose dissection led here: version, length, protocol and both addresses? */
static bool fits(const uint8_t *header, unsigned length, const packet_info *pinfo)
{
    if (pinfo->src.type == AT_IPv4 && pinfo->dst.type == AT_IPv4)
        return header[0] == (0x40 | length / 4) && header[9] == IP_PROTO_TCP &&
               memcmp(header + 12, pinfo->src.data, 4) == 0 && memcmp(header + 16, pinfo->dst.data, 4) == 0;
    if (pinfo->src.type == AT_IPv6 && pinfo->dst.type == AT_IPv6)
        return length == IPV6_HEADER && header[0] >> 4 == 6 && header[6] == IP_PROTO_TCP &&
               memcmp(header + 8, pinfo->src.data, 16) == 0 && memcmp(header + 24, pinfo->dst.data, 16) == 0;
    return false;
}

/* The captured octets before `tvb` in the same buffer, `length` of them, or NULL. */
static const uint8_t *octets_before(tvbuff_t *tvb, unsigned length)
{
    tvbuff_t *whole = tvb_get_ds_tvb(tvb);
    gint offset = tvb_raw_offset(tvb);

    if (!whole || offset < (gint)length || tvb_captured_length(whole) < (guint)offset) return NULL;
    return tvb_get_ptr(whole, offset - (gint)length, (gint)length);
}

const uint8_t *tcpstate_ip_header_before(tvbuff_t *tvb, const packet_info *pinfo)
{
    for (unsigned length = IPV4_HEADER; length <= IPV4_MAX_HEADER; length += 4) {
        const uint8_t *header = octets_before(tvb, length);

        if (!header) return NULL;
        if (fits(header, length, pinfo)) return header;
    }
    return NULL;
}

bool tcpstate_quote_tells_unreachable(tvbuff_t *tvb, const packet_info *pinfo)
{
    const uint8_t *header = tcpstate_ip_header_before(tvb, pinfo);
    const uint8_t *icmp;
    unsigned length;

    if (!header) return false;
    length = header[0] >> 4 == 6 ? IPV6_HEADER : (header[0] & 0x0fu) * 4;
    icmp = octets_before(tvb, length + ICMP_HEADER);
    if (!icmp) return false;
    if (length == IPV6_HEADER && header[0] >> 4 == 6)
        return icmp[0] == ICMP6_UNREACHABLE || icmp[0] == ICMP6_TIME_EXCEEDED;
    return (icmp[0] == ICMP_UNREACHABLE && icmp[1] != ICMP_FRAGMENTATION_NEEDED) || icmp[0] == ICMP_TIME_EXCEEDED;
}
