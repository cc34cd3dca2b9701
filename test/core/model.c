/* Conversations that nobody wrote down: two hosts after RFC 9293 (model_host.c) talk over a path that loses, reorders and
 * duplicates; an observer at a random point of it captures, and may miss packets. The core sees what was captured and
 * must tell each host's whole path of states - wherever a perfect observer at that point could know it. When it could
 * not is decided here, from the simulation alone, by the rules of knowable().
 * A seed that fails is printed as a story. Look next: model_host.h; test/kernel does the same with real kernels.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model_host.h"
#include "rig.h"

enum { MAX_FLIGHTS = 600, MAX_CAPTURED = 1200, MAX_ACTIONS = 12 };

static const int64_t MS = 1000000;

/* ---- chance ---- */

struct chance {
    uint64_t state;
};

static uint32_t draw(struct chance *chance)
{
    chance->state = chance->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(chance->state >> 33);
}

static uint32_t below(struct chance *chance, uint32_t limit)
{
    return draw(chance) % limit;
}

static bool percent(struct chance *chance, uint32_t probability)
{
    return below(chance, 100) < probability;
}

/* ---- the conversation ---- */

/* A packet on its way: it passes the observer, then arrives; either may not happen. */
struct flight {
    struct tcps_segment seg;
    uint32_t packet;         /* its number; copies by the network have that of the original */
    int64_t passes, arrives; /* INT64_MAX: never */
    bool done_passing, done_arriving;
};

struct captured {
    struct tcps_segment seg;
    uint32_t packet;
};

enum deed { WRITE, CLOSE, ABORT };

struct action {
    int64_t time;
    uint8_t side;
    enum deed deed;
    uint32_t octets;
    bool done;
};

struct world {
    struct chance chance;
    uint32_t loss, copy, miss;   /* percent */
    int64_t delay, jitter;       /* of the whole path */
    uint32_t where;              /* the observer, percent of the way from side 0 to side 1 */
    struct host host[2];
    struct flight flights[MAX_FLIGHTS];
    unsigned flight_count;
    struct captured captured[MAX_CAPTURED];
    unsigned captured_count, missed;
    struct action actions[MAX_ACTIONS];
    unsigned action_count;
    uint16_t next_id[2];
    uint32_t next_packet;
    int64_t now;
    bool overflow;
    bool stamps;                 /* with the Timestamps option */
    bool ipv6;                   /* no identification */
    bool late;                   /* the capture began when both were ESTABLISHED */
};

static int64_t leg(struct world *world, uint32_t share)
{
    int64_t jitter = world->jitter ? below(&world->chance, (uint32_t)(world->jitter / 1000)) * INT64_C(1000) : 0;

    return (world->delay + jitter) * share / 100 + 1000;
}

static void launch(struct world *world, const struct tcps_segment *seg, uint32_t packet)
{
    uint32_t before = seg->from ? 100 - world->where : world->where;
    struct flight *flight;

    if (world->flight_count == MAX_FLIGHTS) {
        world->overflow = true;
        return;
    }
    flight = &world->flights[world->flight_count++];
    *flight = (struct flight){.seg = *seg, .packet = packet, .passes = INT64_MAX, .arrives = INT64_MAX};
    /* Loss is on either leg, by its length. */
    if (percent(&world->chance, world->loss) && percent(&world->chance, before)) return;
    flight->passes = world->now + leg(world, before);
    if (percent(&world->chance, world->loss) && percent(&world->chance, 100 - before)) return;
    flight->arrives = flight->passes + leg(world, 100 - before);
}

static void send_all(struct world *world, struct host *host)
{
    for (unsigned i = 0; i < host->out; i++) {
        struct tcps_segment seg = host->outbox[i];

        seg.ip_id = world->ipv6 ? 0 : ++world->next_id[host->side];
        seg.has_ts = world->stamps && !(seg.flags & TCPS_RST);
        seg.tsval = seg.has_ts ? (uint32_t)(world->now / MS) : 0;
        seg.checksum = (uint16_t)(seg.seq * 31 + seg.ack * 7 + seg.flags + seg.len + seg.tsval * 13);
        launch(world, &seg, ++world->next_packet);
        if (percent(&world->chance, world->copy)) launch(world, &seg, world->next_packet);
    }
    host->out = 0;
}

static void capture(struct world *world, struct flight *flight)
{
    flight->done_passing = true;
    if (percent(&world->chance, world->miss)) {
        world->missed++;
        return;
    }
    if (world->captured_count == MAX_CAPTURED) {
        world->overflow = true;
        return;
    }
    flight->seg.time = flight->passes;
    world->captured[world->captured_count++] = (struct captured){.seg = flight->seg, .packet = flight->packet};
}

static void act(struct world *world, struct action *action)
{
    struct host *host = &world->host[action->side];

    action->done = true;
    if (action->deed == WRITE) host_write(host, action->octets, world->now);
    else if (action->deed == CLOSE) host_close(host, world->now);
    else host_abort(host, world->now);
}

/* The time of the next event; everything due by then happens. Returns false when the world stands still. */
static bool next_event(struct world *world)
{
    int64_t next = INT64_MAX;

    for (unsigned i = 0; i < world->flight_count; i++) {
        const struct flight *flight = &world->flights[i];

        if (!flight->done_passing && flight->passes < next) next = flight->passes;
        if (!flight->done_arriving && flight->arrives < next) next = flight->arrives;
    }
    for (unsigned i = 0; i < world->action_count; i++)
        if (!world->actions[i].done && world->actions[i].time < next) next = world->actions[i].time;
    for (unsigned side = 0; side < 2; side++)
        next = MIN(next, host_next_timer(&world->host[side]));
    if (next == INT64_MAX || world->overflow) return false;
    world->now = MAX(next, world->now);
    return true;
}

static void run_world(struct world *world)
{
    while (next_event(world)) {
        for (unsigned i = 0, count = world->flight_count; i < count; i++) {
            struct flight *flight = &world->flights[i];

            if (!flight->done_passing && flight->passes <= world->now) capture(world, flight);
            if (flight->done_arriving || flight->arrives > world->now) continue;
            flight->done_arriving = true;
            host_receive(&world->host[!flight->seg.from], &flight->seg, flight->packet, world->now);
            send_all(world, &world->host[!flight->seg.from]);
        }
        for (unsigned i = 0; i < world->action_count; i++) {
            if (world->actions[i].done || world->actions[i].time > world->now) continue;
            act(world, &world->actions[i]);
            send_all(world, &world->host[world->actions[i].side]);
        }
        for (unsigned side = 0; side < 2; side++) {
            host_timer(&world->host[side], world->now);
            send_all(world, &world->host[side]);
        }
    }
}

/* ---- what a seed means ---- */

static uint32_t draw_iss(struct chance *chance)
{
    static const uint32_t edges[] = {0x7ffffff0, 0xfffffff0, 0xffffffff, 0x7fffffff, 0xfffffc00};

    return percent(chance, 40) ? edges[below(chance, G_N_ELEMENTS(edges))] : draw(chance) << 1;
}

static void plan(struct world *world, uint8_t side, enum deed deed, int64_t time)
{
    if (world->action_count == MAX_ACTIONS) return;
    world->actions[world->action_count++] =
        (struct action){.time = time, .side = side, .deed = deed, .octets = 1 + below(&world->chance, 1400)};
}

static void plan_actions(struct world *world)
{
    struct chance *chance = &world->chance;
    bool aborts = percent(chance, 20), together = percent(chance, 20);
    int64_t end = (50 + below(chance, 400)) * MS;

    for (unsigned side = 0; side < 2; side++)
        for (unsigned i = below(chance, 4); i > 0; i--)
            plan(world, (uint8_t)side, WRITE, below(chance, 600) * MS);
    for (unsigned side = 0; side < 2; side++) {
        int64_t time = together ? end + below(chance, 8) * MS : end + below(chance, 500) * MS;

        if (percent(chance, 90)) plan(world, (uint8_t)side, CLOSE, time);
    }
    if (aborts) plan(world, (uint8_t)below(chance, 2), ABORT, below(chance, 900) * MS);
}

static void make_world(struct world *world, uint32_t seed)
{
    static const uint32_t losses[] = {0, 0, 0, 3, 10, 25}, copies[] = {0, 0, 2, 10}, misses[] = {0, 0, 0, 0, 3, 10};
    static const uint32_t places[] = {0, 0, 50, 50, 30, 80, 100, 100};
    struct chance *chance = &world->chance;
    uint32_t kind;

    memset(world, 0, sizeof *world);
    chance->state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (unsigned i = 0; i < 4; i++)
        draw(chance);
    world->loss = losses[below(chance, G_N_ELEMENTS(losses))];
    world->copy = copies[below(chance, G_N_ELEMENTS(copies))];
    world->miss = misses[below(chance, G_N_ELEMENTS(misses))];
    world->where = places[below(chance, G_N_ELEMENTS(places))];
    world->delay = (1 + below(chance, 40)) * MS;
    world->jitter = percent(chance, 50) ? 0 : (1 + below(chance, 60)) * MS;
    world->now = INT64_C(1700000000) * 1000 * MS;
    kind = below(chance, 100);
    if (kind < 5) host_refuse(&world->host[1], 1);
    else host_open(&world->host[1], 1, draw_iss(chance), kind < 15, world->now);
    host_open(&world->host[0], 0, draw_iss(chance), true, world->now);
    world->stamps = percent(chance, 30);
    /* Copies by the network cannot be told from retransmissions there. */
    world->ipv6 = world->copy == 0 && percent(chance, 30);
    for (unsigned side = 0; side < 2; side++) {
        world->host[side].stamps = world->stamps;
        world->host[side].ack_delay = percent(chance, 50) ? 0 : below(chance, 60) * MS;
        world->host[side].resends_synack = percent(chance, 50);
        send_all(world, &world->host[side]);
    }
    plan_actions(world);
    for (unsigned i = 0; i < world->action_count; i++)
        world->actions[i].time += world->now;
}

/* ---- what an observer there could know ---- */

/* The first step that the capture can show: with a late start those of the opening lie before it. */
static unsigned first_step(const struct world *world, const struct host *host)
{
    unsigned first = 0;

    while (world->late && first < host->steps && host->path[first].state != TCPS_ESTABLISHED)
        first++;
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
        if (receiver->path[n].cause == HOST_GOT_RST && receiver->path[n].number == world->captured[i].packet) return true;
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

    while (i < world->captured_count && world->captured[i].packet != packet)
        i++;
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
    case HOST_SENT:
        return find_flags(world, host->side, step->flags, step->flags & TCPS_SYN);
    case HOST_GOT:
        return find_receipt(world, host->side, step->number);
    case HOST_ACKED:
        found = find_ack(world, !host->side, step->number, 0, true);
        if (step->state == TCPS_ESTABLISHED) found = MIN(found, find_own_proof(world, host, 0));
        return found;
    case HOST_GOT_RST:
        return find_packet(world, step->number);
    case HOST_SENT_RST:
        return find_flags(world, host->side, TCPS_RST, false);
    default:
        return world->captured_count;
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

/* It received a FIN that did not pass here: one octet that was not captured, for all that is known. */
static bool peers_fin_not_captured(const struct world *world, const struct host *host)
{
    return (step_to(host, TCPS_CLOSE_WAIT) || step_to(host, TCPS_CLOSING) || step_to(host, TCPS_TIME_WAIT)) &&
           find_flags(world, !host->side, TCPS_FIN, false) == world->captured_count;
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

    if (!host->fin_sent || !peer->fin_sent || step_to(host, TCPS_LAST_ACK) || step_to(peer, TCPS_LAST_ACK)) return false;
    if (!step_to(host, TCPS_CLOSING) && !step_to(host, TCPS_FIN_WAIT_2)) return false;
    acked = find_ack(world, !host->side, host->fin + 1, 0, true);
    own = find_ack(world, host->side, peer->fin + 1, 0, false);
    if (first_fin_not_captured(world, peer)) return true;
    if (own > acked && fin_overtook_data(world, peer)) return true;
    if (own > acked && last_sending(world, host, TCPS_FIN, &sent) > acked) return true; /* lost, or on its way? */
    if (own > acked && find_flags(world, peer->side, TCPS_FIN, false) > acked) return true; /* in which order? */
    reads_closing = own < acked ||
                    (acked < world->captured_count && world->captured[acked].seg.seq == peer->fin + 1);
    return reads_closing != (step_to(host, TCPS_CLOSING) != NULL);
}

/* Its SYN or SYN,ACK passed here behind an ACK that it sent later. */
static bool opening_overtaken(const struct world *world, const struct host *host)
{
    unsigned own = find_own_ack(world, host), last = 0;

    for (unsigned i = first_step(world, host); i < host->steps; i++) {
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

    for (unsigned i = first_step(world, host); i < host->steps; i++) {
        const struct host_step *step = &host->path[i];

        if (step->cause == HOST_GOT_RST || step->cause == HOST_SENT_RST) continue;
        if (evidence_of(world, host, step) > rst) return true;
    }
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

        if (seg->from == that->from && !(seg->flags & TCPS_RST) && covers(seg->seq + tcps_segment_space(seg), that->seq))
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

        if (seg->from == host->side && seg->has_ts && covers(seg->tsval, world->captured[fin].seg.tsval + 1)) return true;
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

/* Why a perfect observer at this point could not know the host's path; NULL if it could. */
static const char *unknowable(const struct world *world, const struct host *host)
{
    if (world->overflow) return "overflow";
    for (unsigned i = first_step(world, host); i < host->steps; i++) {
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

/* Sometimes the capture is started late. */
static void begin_late(struct world *world)
{
    unsigned first;

    if (world->captured_count < 4 || !percent(&world->chance, 40)) return;
    first = below(&world->chance, world->captured_count);
    if (!can_begin_at(world, first)) return;
    world->late = true;
    world->captured_count -= first;
    memmove(world->captured, world->captured + first, world->captured_count * sizeof world->captured[0]);
}

/* ---- the core's answer ---- */

struct answer {
    struct rig_heap heap;
    struct tcps_flow flow;
    struct rig_path path[2];
    bool opened[2];
    GString *shown;     /* per packet, for messages */
    char *false_claim;  /* a state shown as observed in which the host had never been; NULL: none */
};

static bool had_been_in(const struct host *host, enum tcps_state state, int64_t by)
{
    if (state == host->initial) return true;
    for (unsigned i = 0; i < host->steps; i++)
        if (host->path[i].state == state && host->path[i].time <= by) return true;
    return false;
}

/* Something that it sent, and by which it changed its state, has not passed here yet: it was overtaken or lost. */
static bool is_behind(const struct world *world, const struct host *host, unsigned number, int64_t now)
{
    for (unsigned i = first_step(world, host); i < host->steps; i++)
        if (host->path[i].cause == HOST_SENT && host->path[i].time <= now &&
            evidence_of(world, host, &host->path[i]) > number)
            return true;
    return false;
}

static bool claim_cannot_be_judged(const struct world *world, const struct host *host, unsigned number, int64_t now)
{
    return is_behind(world, host, number, now) || first_fin_not_captured(world, host) ||
           crossing_is_unclear(world, host) || overtaken(world, host);
}

static void check_claims(const struct world *world, struct answer *answer, unsigned number,
                         const struct tcps_view *view, int64_t now)
{
    for (unsigned end = 0; end < 2 && !answer->false_claim; end++) {
        if (view->basis[end] != TCPS_BASIS_observed || had_been_in(&world->host[end], view->state[end], now)) continue;
        if (claim_cannot_be_judged(world, &world->host[end], number, now)) continue;
        answer->false_claim = g_strdup_printf("packet %u: %s is shown in %s (observed), and never was", number + 1,
                                              end ? "the server" : "the client", tcps_state_name(view->state[end]));
    }
}

static void ask_core(const struct world *world, struct answer *answer)
{
    struct tcps_memory memory;

    *answer = (struct answer){.flow.ports = {50000, 80}, .shown = g_string_new(NULL)};
    rig_heap_open(&answer->heap);
    memory = rig_heap_memory(&answer->heap);
    for (unsigned i = 0; i < world->captured_count; i++) {
        struct tcps_segment seg = world->captured[i].seg;
        struct tcps_conn *conn;
        struct tcps_view view;

        seg.at.frame = i + 1;
        conn = tcps_flow_feed(&answer->flow, &memory, &seg);
        tcps_conn_view(conn, seg.at, &view);
        for (unsigned end = 0; end < 2; end++) {
            if (!answer->opened[end]) rig_path_open(&answer->path[end], view.before[end]);
            answer->opened[end] = true;
            rig_path_follow(&answer->path[end], conn, &view, seg.from, end);
        }
        check_claims(world, answer, i, &view, seg.time);
        g_string_append_printf(answer->shown, "=> client %s server %s", tcps_state_name(view.state[0]),
                               tcps_state_name(view.state[1]));
        g_string_append_c(answer->shown, '\n');
    }
}

static void close_answer(struct answer *answer)
{
    for (unsigned end = 0; end < 2; end++)
        if (answer->opened[end]) rig_path_close(&answer->path[end]);
    g_string_free(answer->shown, TRUE);
    g_free(answer->false_claim);
    rig_heap_close(&answer->heap);
}

/* ---- comparing and telling ---- */

static char *true_path(const struct world *world, const struct host *host)
{
    GString *text = g_string_new(NULL);

    for (unsigned i = first_step(world, host); i < host->steps; i++)
        g_string_append_printf(text, "%s%s", text->len ? " " : "", tcps_state_name(host->path[i].state));
    /* Who refuses is shown CLOSED by that, though it was so all the time. */
    if (host->steps == 0 && host->initial == TCPS_CLOSED) g_string_append(text, "CLOSED");
    if (text->len == 0) g_string_append(text, "none");
    return g_string_free(text, FALSE);
}

static void flags_letters(GString *out, unsigned flags)
{
    static const char letters[] = "FSRPA";

    for (unsigned i = 0; letters[i]; i++)
        if ((flags & 1u << i) && letters[i] != 'P') g_string_append_c(out, letters[i]);
}

/* The seed as a story, with what the core shows at each packet: ready to be put into test/stories. */
static char *as_story(const struct world *world, const struct answer *answer)
{
    char **shown = g_strsplit(answer->shown->str, "\n", -1);
    GString *out = g_string_new(NULL);
    int64_t time = world->captured_count ? world->captured[0].seg.time - 10 * MS : 0;

    for (unsigned i = 0; i < world->captured_count; i++) {
        const struct tcps_segment *seg = &world->captured[i].seg;

        g_string_append_printf(out, "%c> ", seg->from ? 'S' : 'C');
        flags_letters(out, seg->flags);
        g_string_append_printf(out, " %d", (int32_t)(seg->seq - world->host[seg->from].iss));
        if (seg->flags & TCPS_ACK)
            g_string_append_printf(out, " %d", (int32_t)(seg->ack - world->host[!seg->from].iss));
        if (seg->len) g_string_append_printf(out, " len=%u", seg->len);
        if (seg->has_ts) g_string_append_printf(out, " ts=%u", seg->tsval);
        g_string_append_printf(out, " id=%u @+%.6f\n%s\n", seg->ip_id, (double)(seg->time - time) / 1e9, shown[i]);
        time = seg->time;
    }
    g_strfreev(shown);
    return g_string_free(out, FALSE);
}

struct tally {
    unsigned compared, late, skipped, failed, claims;
    GHashTable *reasons; /* of what was not compared: name -> count */
};

static void tell(const struct world *world, const struct answer *answer, uint32_t seed, const char *what)
{
    char *story = as_story(world, answer);

    fprintf(stderr, "\n# Model, seed %u: loss %u%%, copies %u%%, missed %u, observer at %u%%%s\n# %s\n%s", seed,
            world->loss, world->copy, world->missed, world->where, world->late ? ", began late" : "", what, story);
    g_free(story);
}

static void count_skip(struct tally *tally, const char *why)
{
    gpointer count = g_hash_table_lookup(tally->reasons, why);

    tally->skipped++;
    g_hash_table_insert(tally->reasons, (gpointer)why, GUINT_TO_POINTER(GPOINTER_TO_UINT(count) + 1));
}

/* Compares one end. Returns what is wrong, NULL if nothing. */
static char *compare_end(const struct world *world, const struct answer *answer, unsigned end, struct tally *tally)
{
    const struct host *host = &world->host[end];
    const char *why = answer->opened[end] ? unknowable(world, host) : "nothing-captured";
    char *expected, *what = NULL;
    GString *got;

    if (!why && host->steps == 0 && find_flags(world, end, TCPS_RST, false) == world->captured_count)
        why = "not-captured"; /* nothing listened there, and nothing says so */
    if (why) {
        count_skip(tally, why);
        return NULL;
    }
    tally->compared++;
    tally->late += world->late;
    expected = true_path(world, host);
    got = g_string_new(NULL);
    rig_path_text(got, &answer->path[end]);
    if (strcmp(expected, got->str) != 0)
        what = g_strdup_printf("%s: the path was %s, the core says %s", end ? "server" : "client", expected, got->str);
    g_free(expected);
    g_string_free(got, TRUE);
    return what;
}

static bool run_seed(uint32_t seed, struct tally *tally, bool talk)
{
    static struct world world;
    struct answer answer;
    bool right = true;

    make_world(&world, seed);
    run_world(&world);
    begin_late(&world);
    ask_core(&world, &answer);
    for (unsigned end = 0; end < 2; end++) {
        char *what = compare_end(&world, &answer, end, tally);

        if (what && talk) tell(&world, &answer, seed, what);
        if (what) right = false;
        g_free(what);
    }
    if (answer.false_claim && !world.missed) {
        tally->claims++;
        if (talk) tell(&world, &answer, seed, answer.false_claim);
        right = false;
    }
    close_answer(&answer);
    if (!right) tally->failed++;
    return right;
}

/* ---- the short way through the core ---- */

/* Ordinary packets take a short way through the core (conn.quiet). It must lead where the long one leads: the same facts,
 * the same log. */
static bool same_facts(struct tcps_endpoint a, struct tcps_endpoint b)
{
    /* Who has shown itself synchronized needs no ACK of its SYN: mid-stream the short way does not note it. */
    if (tcps_has(&a, TCPS_SYNCHRONIZED)) a.known |= TCPS_SYN_ACKED;
    if (tcps_has(&b, TCPS_SYNCHRONIZED)) b.known |= TCPS_SYN_ACKED;
    return memcmp(&a, &b, offsetof(struct tcps_endpoint, retractions) + sizeof a.retractions) == 0;
}

static bool same_log(const struct tcps_log *a, const struct tcps_log *b)
{
    return a->count == b->count && memcmp(a->entries, b->entries, a->count * sizeof a->entries[0]) == 0;
}

static void tell_difference(const struct world *world, uint32_t seed, unsigned number, const struct tcps_conn *quick,
                            const struct tcps_conn *thorough)
{
    const uint32_t base[2] = {world->host[0].iss, world->host[1].iss};
    GString *text = g_string_new("by the short way\n");

    rig_facts_text(text, quick, base);
    g_string_append_printf(text, "    %u entries; and by the long way\n", quick->log.count);
    rig_facts_text(text, thorough, base);
    g_string_append_printf(text, "    %u entries, the last: client %s, server %s", thorough->log.count,
                           tcps_reason_name(thorough->log.entries[thorough->log.count - 1].why0),
                           tcps_reason_name(thorough->log.entries[thorough->log.count - 1].why1));
    g_test_message("seed %u, packet %u: %s", seed, number + 1, text->str);
    g_string_free(text, TRUE);
}

static void feed_both_ways(const struct world *world, uint32_t seed)
{
    struct rig_heap heap;
    struct tcps_memory memory;
    struct tcps_flow quick = {.ports = {50000, 80}}, thorough = quick;

    rig_heap_open(&heap);
    memory = rig_heap_memory(&heap);
    for (unsigned i = 0; i < world->captured_count; i++) {
        struct tcps_segment seg = world->captured[i].seg;
        const struct tcps_conn *a, *b;

        seg.at.frame = i + 1;
        if (thorough.newest) thorough.newest->quiet = false;
        a = tcps_flow_feed(&quick, &memory, &seg);
        b = tcps_flow_feed(&thorough, &memory, &seg);
        if (same_facts(a->end[0], b->end[0]) && same_facts(a->end[1], b->end[1]) && same_log(&a->log, &b->log))
            continue;
        tell_difference(world, seed, i, a, b);
        g_test_fail();
        break;
    }
    rig_heap_close(&heap);
}

static void test_short_way(void)
{
    static struct world world;

    for (uint32_t seed = 1; seed <= 3000; seed++) {
        make_world(&world, seed);
        run_world(&world);
        begin_late(&world);
        feed_both_ways(&world, seed);
    }
}

enum { SEEDS = 40000, TOLD = 3 };

static void print_tally(const struct tally *tally)
{
    GHashTableIter reasons;
    gpointer why, count;

    g_test_message("%u paths compared (%u of a late capture), %u not knowable, %u seeds failed, %u by a false claim",
                   tally->compared, tally->late, tally->skipped, tally->failed, tally->claims);
    g_hash_table_iter_init(&reasons, tally->reasons);
    while (g_hash_table_iter_next(&reasons, &why, &count))
        g_test_message("  not knowable, %s: %u", (const char *)why, GPOINTER_TO_UINT(count));
}

static void test_seeds(gconstpointer data)
{
    uint32_t first = GPOINTER_TO_UINT(data), count = first ? 1 : SEEDS;
    struct tally tally = {.reasons = g_hash_table_new(g_str_hash, g_str_equal)};

    for (uint32_t i = 0; i < count; i++)
        run_seed(first ? first : i + 1, &tally, tally.failed < TOLD);
    print_tally(&tally);
    if (tally.failed) g_test_fail();
    /* A model that knows nothing would agree with anything. */
    if (!first) g_assert_cmpuint(tally.compared, >, tally.skipped);
    g_hash_table_destroy(tally.reasons);
}

/* usage: model [GLib test options] [SEED] */
int main(int argc, char **argv)
{
    uint32_t seed;

    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    seed = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
    g_test_add_data_func("/model/seeds", GUINT_TO_POINTER(seed), test_seeds);
    if (!seed) g_test_add_func("/model/short-way", test_short_way);
    return g_test_run();
}
