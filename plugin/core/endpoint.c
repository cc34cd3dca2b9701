/* From facts to states. See endpoint.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "endpoint.h"

#include "seq.h"

bool tcps_fin_received(const struct tcps_endpoint *me, const struct tcps_endpoint *peer)
{
    if (!tcps_has(peer, TCPS_HAS_FIN) || tcps_has(me, TCPS_OLD_LIFE)) return false;
    if (tcps_has(me, TCPS_FIN_CROSSED)) return true;
    /* Not by an ACK of more than was ever sent: that is a forgery, or waits for its witness. */
    return tcps_has(me, TCPS_HAS_RCV) && seq_gt(me->rcv_nxt, peer->fin) && seq_leq(me->rcv_nxt, peer->snd_nxt);
}

bool tcps_fin_acked(const struct tcps_endpoint *me)
{
    return tcps_has(me, TCPS_HAS_FIN) && seq_gt(me->snd_una, me->fin);
}

/* Read from the FIN itself, so that neither capture order nor retransmission can change it. */
bool tcps_is_passive(const struct tcps_endpoint *me, const struct tcps_endpoint *peer)
{
    return tcps_has(me, TCPS_HAS_FIN) && tcps_has(peer, TCPS_HAS_FIN) && seq_gt(me->fin_ack, peer->fin);
}

bool tcps_is_open(const struct tcps_endpoint *me)
{
    if (tcps_has(me, TCPS_SYNCHRONIZED) || tcps_has(me, TCPS_PRESUMED_OPEN)) return true;
    return tcps_has(me, TCPS_SENT_SYNACK | TCPS_SYN_ACKED);
}

/*
 * RFC 9293 figure 5 is the test, not the code; the code asks the facts, first match wins:
 *
 *   closed by RST | FIN sent | FIN acked | passive | peer's FIN received | state
 *   yes, opened   |          |           |         |                     | CLOSED
 *   yes, from LISTEN, half-open, the peer's RST    |                     | LISTEN
 *                 | yes      | yes       | yes     |                     | CLOSED
 *                 | yes      | no        | yes     |                     | LAST_ACK
 *                 | yes      | yes       | no      | yes                 | TIME_WAIT
 *                 | yes      | no        | no      | yes                 | CLOSING
 *                 | yes      | yes       | no      | no                  | FIN_WAIT_2
 *                 | yes      | no        | no      | no                  | FIN_WAIT_1
 *                 |          |           |         | yes                 | CLOSE_WAIT
 *   open                                                                 | ESTABLISHED
 *   SYN and the peer's SYN acknowledged                                  | SYN_RECEIVED
 *   SYN sent                                                             | SYN_SENT
 *   addressed by a SYN                                                   | LISTEN
 */
static enum tcps_state closing_state(const struct tcps_endpoint *me, const struct tcps_endpoint *peer)
{
    bool acked = tcps_fin_acked(me);

    if (tcps_is_passive(me, peer)) return acked ? TCPS_CLOSED : TCPS_LAST_ACK;
    if (tcps_fin_received(me, peer)) return acked ? TCPS_TIME_WAIT : TCPS_CLOSING;
    return acked ? TCPS_FIN_WAIT_2 : TCPS_FIN_WAIT_1;
}

bool tcps_is_past_syn(const struct tcps_endpoint *endpoint, uint32_t number)
{
    return seq_gt(number, endpoint->iss) && seq_leq(number, endpoint->snd_nxt);
}

bool tcps_returns_to_listen(const struct tcps_endpoint *me)
{
    return tcps_has(me, TCPS_LISTENS) && !tcps_is_open(me) && !(me->known & (TCPS_FAST_OPEN | TCPS_HAS_FIN));
}

enum tcps_state tcps_state_of(const struct tcps_endpoint *me, const struct tcps_endpoint *peer)
{
    if (tcps_has(me, TCPS_RST_MADE)) return TCPS_CLOSED;
    if (tcps_has(me, TCPS_RST_GOT)) return tcps_returns_to_listen(me) ? TCPS_LISTEN : TCPS_CLOSED;
    if (tcps_has(me, TCPS_HAS_FIN)) return closing_state(me, peer);
    if (tcps_is_open(me)) return tcps_fin_received(me, peer) ? TCPS_CLOSE_WAIT : TCPS_ESTABLISHED;
    if (tcps_has(me, TCPS_SENT_SYNACK)) return TCPS_SYN_RECEIVED;
    if (tcps_has(me, TCPS_HAS_ISS)) return TCPS_SYN_SENT;
    return tcps_has(me, TCPS_LISTENS) ? TCPS_LISTEN : TCPS_UNKNOWN;
}

enum tcps_state tcps_state_on_the_way(const struct tcps_endpoint *me, enum tcps_state state)
{
    switch (state) {
    case TCPS_SYN_SENT: return TCPS_CLOSED;
    case TCPS_SYN_RECEIVED: return tcps_has(me, TCPS_LISTENS) ? TCPS_LISTEN : TCPS_SYN_SENT;
    case TCPS_ESTABLISHED:
        return tcps_has(me, TCPS_SENT_SYNACK) || tcps_has(me, TCPS_LISTENS) ? TCPS_SYN_RECEIVED : TCPS_SYN_SENT;
    case TCPS_CLOSE_WAIT: return TCPS_ESTABLISHED;
    case TCPS_FIN_WAIT_1: /* a Fast Open server may close before the third ACK (RFC 9293 3.10.4, CLOSE call) */
        return tcps_is_open(me) ? TCPS_ESTABLISHED : TCPS_SYN_RECEIVED;
    case TCPS_FIN_WAIT_2:
    case TCPS_CLOSING: return TCPS_FIN_WAIT_1;
    case TCPS_TIME_WAIT: return tcps_has(me, TCPS_FIN_CROSSED) ? TCPS_CLOSING : TCPS_FIN_WAIT_2;
    case TCPS_LAST_ACK: return TCPS_CLOSE_WAIT;
    case TCPS_CLOSED: /* by its FIN's acknowledgement; a RST closes from anywhere */
        return tcps_has(me, TCPS_RST_GOT) || tcps_has(me, TCPS_RST_MADE) ? TCPS_UNKNOWN : TCPS_LAST_ACK;
    default: return TCPS_UNKNOWN;
    }
}
