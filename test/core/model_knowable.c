/* What a perfect observer at the capture point could know of the hosts' paths. See model_knowable.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "model_knowable.h"

#include <glib.h>
#include <string.h>

unsigned world_first_step(const struct world *world, const struct host *host)
{
    unsigned first = 0;

    while (world->late && first < host->steps && host->path[first].state != TCPS_ESTABLISHED) first++;
    return world->late ? first + 1 : 0;
}

static bool covers(uint32_t ack, uint32_t number)
{
    return ack - number < UINT32_C(0x80000000);
}

/* A RST that its receiver refused shows nothing to an observer who refuses it too. */
static bool rst_was_taken(const struct world *world, unsigned i)
{
    const struct host *receiver = &world->host[!world->captured[i].seg.from];

    for (unsigned n = 0; n < receiver->steps; n++)
        if (receiver->path[n].cause == HOST_GOT_RST && receiver->path[n].number == world->captured[i].packet)
            return true;
    return false;
}

/* The first captured packet, from `first` on, of `side` that acknowledges `number`; or captured_count. */
static unsigned find_ack(const struct world *world, unsigned side, uint32_t number, unsigned first, bool syn_counts)
{
    for (unsigned i = first; i < world->captured_count; i++) {
        const struct tcps_segment *seg = &world->captured[i].seg;

        if (seg->from != side || !(seg->flags & TCPS_ACK) || (seg->flags & TCPS_RST)) continue;
        if (!syn_counts && (seg->flags & TCPS_SYN)) continue;
        if (covers(seg->ack, number)) return i;
    }
    return world->captured_count;
}

/* The first that shows that `side` had received what is before `number`: an RST,ACK does so too, though its receiver is
 * closed before it can look at that ACK. */
static unsigned find_receipt(const struct world *world, unsigned side, uint32_t number)
{
    unsigned found = find_ack(world, side, number, 0, false);

    for (unsigned i = 0; i < found; i++) {
        const struct tcps_segment *seg = &world->captured[i].seg;

        if (seg->from == side && (seg->flags & TCPS_RST) && (seg->flags & TCPS_ACK) && covers(seg->ack, number) &&
            rst_was_taken(world, i))
            return i;
    }
    return found;
}

static unsigned find_flags(const struct world *world, unsigned side, uint16_t flags, bool exactly)
{
    for (unsigned i = 0; i < world->captured_count; i++) {
        uint16_t its = world->captured[i].seg.flags & (TCPS_SYN | TCPS_FIN | TCPS_RST | TCPS_ACK);

        if (world->captured[i].seg.from == side && (exactly ? its == flags : (its & flags) == flags)) return i;
    }
    return world->captured_count;
}

static unsigned find_packet(const struct world *world, uint32_t packet)
{
    unsigned i = 0;

    while (i < world->captured_count && world->captured[i].packet != packet) i++;
    return i;
}

/* Its own data or FIN shows that a host that sent a SYN,ACK is past SYN_RECEIVED, and so does its ACK of data. */
static unsigned find_own_proof(const struct world *world, const struct host *host, unsigned first)
{
    for (unsigned i = first; i < world->captured_count; i++) {
        const struct tcps_segment *seg = &world->captured[i].seg;

        if (seg->from != host->side || (seg->flags & (TCPS_SYN | TCPS_RST))) continue;
        if (seg->len || (seg->flags & TCPS_FIN) || covers(seg->ack, host->irs + 2)) return i;
    }
    return world->captured_count;
}

/* Its first captured segment that only a synchronized host - or one that answers a stray segment - sends. */
static unsigned find_own_ack(const struct world *world, const struct host *host)
{
    return find_ack(world, host->side, host->irs + 1, 0, false);
}

/* The captured packet that shows the step; captured_count if none does. */
static unsigned evidence_of(const struct world *world, const struct host *host, const struct host_step *step)
{
    unsigned found;

    switch (step->cause) {
    case HOST_SENT: return find_flags(world, host->side, step->flags, step->flags & TCPS_SYN);
    case HOST_GOT: return find_receipt(world, host->side, step->number);
    case HOST_ACKED:
        found = find_ack(world, !host->side, step->number, 0, true);
        if (step->state == TCPS_ESTABLISHED) found = MIN(found, find_own_proof(world, host, 0));
        return found;
    case HOST_GOT_RST: return find_packet(world, step->number);
    case HOST_SENT_RST: return find_flags(world, host->side, TCPS_RST, false);
    default: return world->captured_count;
    }
}

static const struct host_step *step_to(const struct host *host, enum tcps_state state)
{
    for (unsigned i = 0; i < host->steps; i++)
        if (host->path[i].state == state) return &host->path[i];
    return NULL;
}

/* The last captured packet of the host that has `flags` and is no copy of the one before with these flags. */
static unsigned last_sending(const struct world *world, const struct host *host, uint16_t flags, bool *found)
{
    unsigned last = 0;
    uint32_t packet = 0;

    *found = false;
    for (unsigned i = 0; i < world->captured_count; i++) {
        const struct captured *captured = &world->captured[i];

        if (captured->seg.from != host->side || (captured->seg.flags & flags) != flags) continue;
        if (captured->packet != packet) last = i;
        packet = captured->packet;
        *found = true;
    }
    return last;
}

/* An ACK that passed here, but never took effect on the host, and nothing contradicts that it did. */
static bool presumed_undelivered(const struct world *world, const struct host *host)
{
    const struct host_step *last = host->steps ? &host->path[host->steps - 1] : NULL;

    if (step_to(host, TCPS_SYN_RECEIVED) && !step_to(host, TCPS_ESTABLISHED) &&
        find_ack(world, !host->side, host->iss + 1, 0, true) < world->captured_count)
        return true;
    if (host->fin_sent && host->snd_una != host->fin + 1 &&
        find_ack(world, !host->side, host->fin + 1, 0, true) < world->captured_count)
        return true;
    if (last && last->cause == HOST_GOT_RST) return false;
    return find_flags(world, !host->side, TCPS_RST, false) < world->captured_count && host->state != TCPS_CLOSED;
}

/* It sent its SYN,ACK or FIN again when the acknowledgement had passed here: was that lost, or did they cross? Only an
 * acknowledgement behind the last copy tells. */
static bool repeated_at_the_end(const struct world *world, const struct host *host)
{
    bool found;
    unsigned last = last_sending(world, host, TCPS_FIN, &found);

    if (found && host->snd_una == host->fin + 1 &&
        find_ack(world, !host->side, host->fin + 1, last, true) == world->captured_count)
        return true;
    last = last_sending(world, host, TCPS_SYN | TCPS_ACK, &found);
    return found && step_to(host, TCPS_ESTABLISHED) && find_own_proof(world, host, last) == world->captured_count &&
           find_ack(world, !host->side, host->iss + 1, last, true) == world->captured_count;
}

/* Three SYN,ACKs for three ACKs look like a full accept queue; from then on only the server's own segments tell. */
static bool looks_like_full_queue(const struct world *world, const struct host *host)
{
    unsigned first = find_ack(world, !host->side, host->iss + 1, 0, false), again = 0;
    uint32_t packet = 0;

    for (unsigned i = first; i < world->captured_count; i++) {
        const struct captured *captured = &world->captured[i];

        if (captured->seg.from != host->side || !(captured->seg.flags & TCPS_SYN) || captured->packet == packet)
            continue;
        packet = captured->packet;
        again++;
    }
    return again >= 2 && find_own_proof(world, host, 0) == world->captured_count;
}

/* Who closed first is read from the ACK that the FIN's first copy carried. If only later copies passed here, which
 * acknowledge more, FIN_WAIT_1 looks like LAST_ACK. */
static bool first_fin_not_captured(const struct world *world, const struct host *host)
{
    const struct host *peer = &world->host[!host->side];
    unsigned fin = find_flags(world, host->side, TCPS_FIN, false);

    return step_to(host, TCPS_FIN_WAIT_1) && peer->fin_sent && fin < world->captured_count &&
           covers(world->captured[fin].seg.ack, peer->fin + 1);
}

static bool received_fin(const struct host *host)
{
    return step_to(host, TCPS_CLOSE_WAIT) || step_to(host, TCPS_CLOSING) || step_to(host, TCPS_TIME_WAIT);
}

/* It received a FIN that did not pass here: one octet that was not captured, for all that is known. */
static bool peers_fin_not_captured(const struct world *world, const struct host *host)
{
    return received_fin(host) && find_flags(world, !host->side, TCPS_FIN, false) == world->captured_count;
}

/* Its FIN overtook data: whether the hole was filled when the acknowledgement came, nothing shows. */
static bool fin_overtook_data(const struct world *world, const struct host *sender)
{
    uint32_t next = sender->iss + 1;

    for (unsigned i = 0; sender->fin_sent && i < world->captured_count; i++) {
        const struct tcps_segment *seg = &world->captured[i].seg;

        if (seg->from != sender->side || (seg->flags & (TCPS_SYN | TCPS_RST))) continue;
        if (covers(next, seg->seq) && !covers(next, seg->seq + seg->len)) next = seg->seq + seg->len;
        if (seg->flags & TCPS_FIN) return next != sender->fin;
    }
    return false;
}

/* Both FINs crossed. FIN_WAIT_2 or CLOSING? The reading that the captured packets give must be the true one. */
static bool crossing_is_unclear(const struct world *world, const struct host *host)
{
    const struct host *peer = &world->host[!host->side];
    unsigned acked, own;
    bool reads_closing, sent;

    if (!host->fin_sent || !peer->fin_sent) return false;
    if (step_to(host, TCPS_LAST_ACK) || step_to(peer, TCPS_LAST_ACK)) return false;
    if (!step_to(host, TCPS_CLOSING) && !step_to(host, TCPS_FIN_WAIT_2)) return false;
    acked = find_ack(world, !host->side, host->fin + 1, 0, true);
    own = find_ack(world, host->side, peer->fin + 1, 0, false);
    if (first_fin_not_captured(world, peer)) return true;
    if (own > acked && fin_overtook_data(world, peer)) return true;
    if (own > acked && last_sending(world, host, TCPS_FIN, &sent) > acked) return true;     /* lost, or on its way? */
    if (own > acked && find_flags(world, peer->side, TCPS_FIN, false) > acked) return true; /* in which order? */
    reads_closing = own < acked || (acked < world->captured_count && world->captured[acked].seg.seq == peer->fin + 1);
    return reads_closing != (step_to(host, TCPS_CLOSING) != NULL);
}

/* Its SYN or SYN,ACK passed here behind an ACK that it sent later. */
static bool opening_overtaken(const struct world *world, const struct host *host)
{
    unsigned own = find_own_ack(world, host), last = 0;

    for (unsigned i = world_first_step(world, host); i < host->steps; i++) {
        unsigned evidence;

        if (host->path[i].state != TCPS_SYN_SENT && host->path[i].state != TCPS_SYN_RECEIVED) continue;
        evidence = evidence_of(world, host, &host->path[i]);
        if (evidence < last || own < evidence) return true;
        last = evidence;
    }
    return false;
}

/* What proves a state passed here when a later state, or the RST that ended it all, had been shown already. */
static bool overtaken(const struct world *world, const struct host *host)
{
    unsigned rst = MIN(find_flags(world, 0, TCPS_RST, false), find_flags(world, 1, TCPS_RST, false));

    for (unsigned i = world_first_step(world, host); i < host->steps; i++) {
        const struct host_step *step = &host->path[i];

        if (step->cause == HOST_GOT_RST || step->cause == HOST_SENT_RST) continue;
        if (evidence_of(world, host, step) > rst) return true;
    }
    /* So does a FIN that it received: what it acknowledged was one octet, as far as was known by then. */
    if (received_fin(host) && rst < find_flags(world, !host->side, TCPS_FIN, false)) return true;
    return opening_overtaken(world, host) || opening_overtaken(world, &world->host[!host->side]);
}

static const struct host_step *last_but_one(const struct host *host)
{
    return host->steps > 1 ? &host->path[host->steps - 2] : NULL;
}

/* Did octets that its sender sent before this RST not pass here, nor their acknowledgement? */
static bool number_is_unclear(const struct world *world, unsigned rst)
{
    const struct tcps_segment *that = &world->captured[rst].seg;

    for (unsigned i = 0; i < rst; i++) {
        const struct tcps_segment *seg = &world->captured[i].seg;

        if (seg->from == that->from && !(seg->flags & TCPS_RST) &&
            covers(seg->seq + tcps_segment_space(seg), that->seq))
            return false;
        if (seg->from != that->from && (seg->flags & TCPS_ACK) && covers(seg->ack, that->seq)) return false;
    }
    /* Who still is in SYN_SENT judges it by its ACK. */
    return rst > 0 && step_to(&world->host[!that->from], TCPS_SYN_SENT) != last_but_one(&world->host[!that->from]);
}

/* A RST whose number the observer cannot judge. */
static bool rst_is_unclear(const struct world *world, const struct host *host)
{
    const struct host_step *last = host->steps ? &host->path[host->steps - 1] : NULL;

    if (!last || (last->cause != HOST_GOT_RST && last->cause != HOST_SENT_RST)) return false;
    if (last->cause == HOST_GOT_RST) return number_is_unclear(world, find_packet(world, last->number));
    /* Its own RST, which the peer did not take as such. */
    last = world->host[!host->side].steps ? &world->host[!host->side].path[world->host[!host->side].steps - 1] : NULL;
    return !last || last->cause != HOST_GOT_RST || find_packet(world, last->number) == world->captured_count ||
           number_is_unclear(world, find_packet(world, last->number));
}

/* Its first FIN came behind a segment with a later time stamp: PAWS drops it, and what is dropped proves nothing. */
static bool fin_has_old_stamp(const struct world *world, const struct host *host)
{
    unsigned fin = find_flags(world, host->side, TCPS_FIN, false);

    for (unsigned i = 0; i < fin && fin < world->captured_count; i++) {
        const struct tcps_segment *seg = &world->captured[i].seg;

        if (seg->from == host->side && seg->has_ts && covers(seg->tsval, world->captured[fin].seg.tsval + 1))
            return true;
    }
    return false;
}

/* A copy of its SYN came when the connection was over: a new connection of the same number looks the same. */
static bool late_syn(const struct world *world, const struct host *host)
{
    unsigned fin = MIN(find_flags(world, 0, TCPS_FIN, false), find_flags(world, 1, TCPS_FIN, false));

    fin = MIN(fin, MIN(find_flags(world, 0, TCPS_RST, false), find_flags(world, 1, TCPS_RST, false)));
    for (unsigned i = fin; i < world->captured_count; i++)
        if (world->captured[i].seg.flags & TCPS_SYN) return true;
    (void)host;
    return false;
}

const char *world_hides_path(const struct world *world, const struct host *host)
{
    if (world->overflow) return "overflow";
    for (unsigned i = world_first_step(world, host); i < host->steps; i++) {
        if (host->path[i].cause == HOST_SILENT) return "silent-close";
        if (evidence_of(world, host, &host->path[i]) == world->captured_count) return "not-captured";
    }
    if (presumed_undelivered(world, host)) return "presumed-undelivered";
    if (repeated_at_the_end(world, host)) return "repeated-at-the-end";
    if (looks_like_full_queue(world, host)) return "full-queue";
    if (first_fin_not_captured(world, host)) return "first-fin-not-captured";
    if (fin_has_old_stamp(world, &world->host[0]) || fin_has_old_stamp(world, &world->host[1])) return "old-time-stamp";
    if (peers_fin_not_captured(world, host)) return "peer's-fin-not-captured";
    if (crossing_is_unclear(world, host)) return "crossing";
    if (overtaken(world, host)) return "overtaken";
    if (rst_is_unclear(world, host)) return "rst-unclear";
    if (late_syn(world, host)) return "late-syn";
    return NULL;
}

/* Was the opening over, and nothing of the close seen, when packet `first` passed? */
static bool can_begin_at(const struct world *world, unsigned first)
{
    for (unsigned i = 0; i < world->captured_count; i++) {
        unsigned flags = world->captured[i].seg.flags;

        if (i < first && (flags & (TCPS_FIN | TCPS_RST))) return false;
        if (i >= first && (flags & TCPS_SYN)) return false;
    }
    for (unsigned side = 0; side < 2; side++) {
        const struct host_step *open = step_to(&world->host[side], TCPS_ESTABLISHED);

        if (!open || evidence_of(world, &world->host[side], open) >= first) return false;
    }
    return true;
}

void world_begin_late(struct world *world)
{
    unsigned first;

    if (world->captured_count < 4 || !chance_percent(&world->chance, 40)) return;
    first = chance_below(&world->chance, world->captured_count);
    if (!can_begin_at(world, first)) return;
    world->late = true;
    world->captured_count -= first;
    memmove(world->captured, world->captured + first, world->captured_count * sizeof world->captured[0]);
}

/* Something that it sent, and by which it changed its state, has not passed here yet: it was overtaken or lost. */
static bool is_behind(const struct world *world, const struct host *host, unsigned number, int64_t now)
{
    for (unsigned i = world_first_step(world, host); i < host->steps; i++)
        if (host->path[i].cause == HOST_SENT && host->path[i].time <= now &&
            evidence_of(world, host, &host->path[i]) > number)
            return true;
    return false;
}

bool world_hides_claim(const struct world *world, const struct host *host, unsigned number, int64_t now)
{
    return is_behind(world, host, number, now) || first_fin_not_captured(world, host) ||
           crossing_is_unclear(world, host) || overtaken(world, host);
}

bool world_shows_rst(const struct world *world, unsigned side)
{
    return find_flags(world, side, TCPS_RST, false) < world->captured_count;
}
