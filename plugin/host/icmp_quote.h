/* The IP and ICMP headers in front of a TCP header, read from the captured octets.
 * Needed for what no dissector hands down: the IPv4 identification, and what an ICMP error says about its quote.
 * Look next: segment_source.c, the only user.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPSTATE_ICMP_QUOTE_H
#define TCPSTATE_ICMP_QUOTE_H

#include <wireshark.h>

#include <epan/packet.h>

/* The IP header that ends where `tvb` begins, or NULL if it is not there (reassembled, or IPv6 with extensions). */
const uint8_t *tcpstate_ip_header_before(tvbuff_t *tvb, const packet_info *pinfo);

/* `tvb` is a TCP header quoted in an ICMP error: does the error mean that the segment could not be delivered? */
bool tcpstate_quote_tells_unreachable(tvbuff_t *tvb, const packet_info *pinfo);

#endif
