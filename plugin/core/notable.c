/* Looking for what is notable. See notable.h.
 * Each thing has a predicate on the facts after the segment, and the log entries that the segment left.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "notable.h"

#include <string.h>

/* Two copies of one keep-alive stand closer together than any two keep-alives (nanoseconds). */
#define COPIES_WITHIN INT64_C(100000000)

/* The segment at hand. */
struct look {
    struct tcps_notables *notables;
    const struct tcps_conn *conn;
    const struct tcps_segment *seg;
    const struct tcps_endpoint *me, *peer;
    unsigned my_end, peer_end;
};

/* Did the segment give `end` the reason `why`? */
static bool has_reason(const struct look *look, unsigned end, enum tcps_reason why)
{
    const struct tcps_log *log = &look->conn->log;

    for (uint32_t i = log->count; i-- > 0 && log->entries[i].frame == look->seg->at.frame;)
        if (tcps_entry_why(&log->entries[i], end) == (unsigned)why) return true;
    return false;
}

uint32_t tcps_unacked(const struct tcps_conn *conn, unsigned end)
{
    const struct tcps_endpoint *endpoint = &conn->end[end];
    uint32_t last;

    if (!tcps_has(endpoint, TCPS_HAS_NUMBERS) || tcps_has(endpoint, TCPS_OLD_LIFE)) return 0;
    if (!tcps_is_open(endpoint) || !endpoint->first_data) return 0; /* a scanner's FIN takes a number, too */
    last = endpoint->snd_nxt;
    if (tcps_has(endpoint, TCPS_HAS_FIN) && last == endpoint->fin + 1) last--;
    return seq_gt(last, endpoint->snd_una) ? last - endpoint->snd_una : 0;
}

/* New data only: what was under way, and is sent again, does not show that the sender means to go on. */
static bool is_half_closed(const struct look *look)
{
    const struct tcps_segment *seg = look->seg;

    return look->me->state == TCPS_CLOSE_WAIT && look->peer->state == TCPS_FIN_WAIT_2 && seg->len > 0 &&
           !(seg->flags & (TCPS_SYN | TCPS_RST)) && seg->seq + seg->len == look->me->snd_nxt;
}

/* The peer's numbers, known from ACKs alone, have moved. Not of one who talks to itself: there both ends are one. */
static bool is_one_sided(const struct look *look)
{
    return look->conn->ports[0] != look->conn->ports[1] && !tcps_has(look->peer, TCPS_SEEN) &&
           tcps_has(look->peer, TCPS_HAS_NUMBERS) && tcps_has(look->me, TCPS_SEEN) &&
           seq_diff(look->peer->snd_nxt, look->peer->iss) > 1;
}

/* A keep-alive repeats the last octet, or carries none (RFC 9293 3.8.4), while nothing is outstanding. */
static bool is_keep_alive(const struct look *look)
{
    const struct tcps_segment *seg = look->seg;

    return seg->len <= 1 && !(seg->flags & (TCPS_SYN | TCPS_FIN | TCPS_RST)) && tcps_is_open(look->me) &&
           seg->seq + 1 == look->me->snd_nxt && look->me->snd_una == look->me->snd_nxt;
}

static bool count_probes(const struct look *look)
{
    struct tcps_notables *notables = look->notables;
    uint8_t *mine = &notables->probes[look->my_end], *theirs = &notables->probes[look->peer_end];
    bool changed = *theirs > 0;

    *theirs = 0;
    if (!is_keep_alive(look) || !tcps_has(look->peer, TCPS_SEEN)) return changed;
    if (*mine == UINT8_MAX || (*mine && look->seg->time - notables->probed < COPIES_WITHIN)) return changed;
    ++*mine;
    notables->probed = look->seg->time;
    return true;
}

static bool loses_data(const struct look *look)
{
    struct tcps_notables *notables = look->notables;

    if (!(look->seg->flags & TCPS_RST) || look->peer->state != TCPS_CLOSED) return false;
    if (!has_reason(look, look->peer_end, TCPS_WHY_RST_TAKEN)) return false;
    if (!tcps_is_notable(notables, TCPS_NOTABLE_DATA_LOST, look->seg->at) && notables->at[TCPS_NOTABLE_DATA_LOST].frame)
        return false;
    for (unsigned end = 0; end < 2; end++) notables->lost[end] = tcps_unacked(look->conn, end);
    return notables->lost[0] || notables->lost[1];
}

/* The SYN,ACK to a SYN with data may take the data or leave it (RFC 7413 4.2): then it is sent again. */
static bool ignores_fast_open(const struct look *look)
{
    return look->notables->fast_open_data[look->peer_end] && has_reason(look, look->my_end, TCPS_WHY_SYN_ANSWERED) &&
           look->seg->ack == look->peer->iss + 1;
}

static bool asks_for_fast_open(const struct look *look)
{
    return (look->seg->flags & (TCPS_SYN | TCPS_ACK | TCPS_RST)) == TCPS_SYN && look->seg->fast_open && look->seg->len;
}

static bool is_fin_ahead(const struct look *look)
{
    return (look->seg->flags & TCPS_FIN) && tcps_has(look->me, TCPS_HAS_HOLE) &&
           has_reason(look, look->my_end, TCPS_WHY_FIN_SENT);
}

static bool is_data_after_rst(const struct look *look)
{
    return look->seg->len > 0 && !(look->seg->flags & TCPS_RST) && look->me->state == TCPS_CLOSED &&
           tcps_has(look->me, TCPS_RST_MADE);
}

/* A position that is fed again belongs to another packet: a read filter rejected the first. */
static bool forget_rejected(const struct look *look)
{
    struct tcps_position at = look->seg->at;
    bool changed = false;

    for (unsigned i = 0; i < TCPS_NOTABLE_COUNT; i++) {
        struct tcps_position *known = &look->notables->at[i];

        if (known->frame < at.frame || (known->frame == at.frame && known->layer < at.layer)) continue;
        *known = (struct tcps_position){0};
        changed = true;
    }
    return changed;
}

static bool found(const struct look *look, enum tcps_notable what, bool is)
{
    if (!is || look->notables->at[what].frame) return false;
    look->notables->at[what] = look->seg->at;
    return true;
}

bool tcps_notables_look(struct tcps_notables *notables, const struct tcps_conn *conn, const struct tcps_segment *seg)
{
    unsigned from = seg->from & 1;
    struct look look = {notables, conn, seg, &conn->end[from], &conn->end[!from], from, !from};
    bool changed;

    if (seg->malformed) return false;
    changed = forget_rejected(&look);
    if (asks_for_fast_open(&look)) changed = notables->fast_open_data[from] = true;
    changed |= count_probes(&look);
    changed |= found(&look, TCPS_NOTABLE_KEEPALIVE_DEAD, notables->probes[from] >= TCPS_DEAD_PROBES);
    changed |= found(&look, TCPS_NOTABLE_HALF_CLOSED, is_half_closed(&look));
    changed |= found(&look, TCPS_NOTABLE_ONE_SIDED, is_one_sided(&look));
    changed |= found(&look, TCPS_NOTABLE_DATA_LOST, loses_data(&look));
    changed |= found(&look, TCPS_NOTABLE_TFO_IGNORED, ignores_fast_open(&look));
    changed |= found(&look, TCPS_NOTABLE_FIN_AHEAD, is_fin_ahead(&look));
    changed |= found(&look, TCPS_NOTABLE_DATA_AFTER_RST, is_data_after_rst(&look));
    return changed;
}
