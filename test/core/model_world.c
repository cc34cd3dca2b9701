/* The world in which two model hosts talk. See model_world.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "model_world.h"

#include <glib.h>
#include <string.h>

/* ---- chance ---- */

static uint32_t draw(struct chance *chance)
{
    chance->state = chance->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(chance->state >> 33);
}

uint32_t chance_below(struct chance *chance, uint32_t limit)
{
    return draw(chance) % limit;
}

bool chance_percent(struct chance *chance, uint32_t probability)
{
    return chance_below(chance, 100) < probability;
}

/* ---- the conversation ---- */

static int64_t leg(struct world *world, uint32_t share)
{
    int64_t jitter = world->jitter ? chance_below(&world->chance, (uint32_t)(world->jitter / 1000)) * INT64_C(1000) : 0;

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
    if (chance_percent(&world->chance, world->loss) && chance_percent(&world->chance, before)) return;
    flight->passes = world->now + leg(world, before);
    if (chance_percent(&world->chance, world->loss) && chance_percent(&world->chance, 100 - before)) return;
    flight->arrives = flight->passes + leg(world, 100 - before);
}

static void send_all(struct world *world, struct host *host)
{
    for (unsigned i = 0; i < host->out; i++) {
        struct tcps_segment seg = host->outbox[i];

        seg.ip_id = world->ipv6 ? 0 : ++world->next_id[host->side];
        seg.has_ts = world->stamps && !(seg.flags & TCPS_RST);
        seg.tsval = seg.has_ts ? (uint32_t)(world->now / MODEL_MS) : 0;
        seg.checksum = (uint16_t)(seg.seq * 31 + seg.ack * 7 + seg.flags + seg.len + seg.tsval * 13);
        launch(world, &seg, ++world->next_packet);
        if (chance_percent(&world->chance, world->copy)) launch(world, &seg, world->next_packet);
    }
    host->out = 0;
}

static void capture(struct world *world, struct flight *flight)
{
    flight->done_passing = true;
    if (chance_percent(&world->chance, world->miss)) {
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
    if (action->deed == WRITE)
        host_write(host, action->octets, world->now);
    else if (action->deed == CLOSE)
        host_close(host, world->now);
    else
        host_abort(host, world->now);
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
    for (unsigned side = 0; side < 2; side++) next = MIN(next, host_next_timer(&world->host[side]));
    if (next == INT64_MAX || world->overflow) return false;
    world->now = MAX(next, world->now);
    return true;
}

void world_run(struct world *world)
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

    return chance_percent(chance, 40) ? edges[chance_below(chance, G_N_ELEMENTS(edges))] : draw(chance) << 1;
}

static void plan(struct world *world, uint8_t side, enum deed deed, int64_t time)
{
    if (world->action_count == MAX_ACTIONS) return;
    world->actions[world->action_count++] =
        (struct action){.time = time, .side = side, .deed = deed, .octets = 1 + chance_below(&world->chance, 1400)};
}

static void plan_actions(struct world *world)
{
    struct chance *chance = &world->chance;
    bool aborts = chance_percent(chance, 20), together = chance_percent(chance, 20);
    int64_t end = (50 + chance_below(chance, 400)) * MODEL_MS;

    for (unsigned side = 0; side < 2; side++)
        for (unsigned i = chance_below(chance, 4); i > 0; i--)
            plan(world, (uint8_t)side, WRITE, chance_below(chance, 600) * MODEL_MS);
    for (unsigned side = 0; side < 2; side++) {
        int64_t time = together ? end + chance_below(chance, 8) * MODEL_MS : end + chance_below(chance, 500) * MODEL_MS;

        if (chance_percent(chance, 90)) plan(world, (uint8_t)side, CLOSE, time);
    }
    if (aborts) {
        int64_t time = chance_below(chance, 900) * MODEL_MS; /* drawn first: arguments have no order */

        plan(world, (uint8_t)chance_below(chance, 2), ABORT, time);
    }
}

void world_make(struct world *world, uint32_t seed)
{
    static const uint32_t losses[] = {0, 0, 0, 3, 10, 25}, copies[] = {0, 0, 2, 10}, misses[] = {0, 0, 0, 0, 3, 10};
    static const uint32_t places[] = {0, 0, 50, 50, 30, 80, 100, 100};
    struct chance *chance = &world->chance;
    uint32_t kind;

    memset(world, 0, sizeof *world);
    chance->state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (unsigned i = 0; i < 4; i++) draw(chance);
    world->loss = losses[chance_below(chance, G_N_ELEMENTS(losses))];
    world->copy = copies[chance_below(chance, G_N_ELEMENTS(copies))];
    world->miss = misses[chance_below(chance, G_N_ELEMENTS(misses))];
    world->where = places[chance_below(chance, G_N_ELEMENTS(places))];
    world->delay = (1 + chance_below(chance, 40)) * MODEL_MS;
    world->jitter = chance_percent(chance, 50) ? 0 : (1 + chance_below(chance, 60)) * MODEL_MS;
    world->now = INT64_C(1700000000) * 1000 * MODEL_MS;
    kind = chance_below(chance, 100);
    if (kind < 5)
        host_refuse(&world->host[1], 1);
    else
        host_open(&world->host[1], 1, draw_iss(chance), kind < 15, world->now);
    host_open(&world->host[0], 0, draw_iss(chance), true, world->now);
    world->stamps = chance_percent(chance, 30);
    /* Copies by the network cannot be told from retransmissions there. */
    world->ipv6 = world->copy == 0 && chance_percent(chance, 30);
    for (unsigned side = 0; side < 2; side++) {
        world->host[side].stamps = world->stamps;
        world->host[side].ack_delay = chance_percent(chance, 50) ? 0 : chance_below(chance, 60) * MODEL_MS;
        world->host[side].resends_synack = chance_percent(chance, 50);
        send_all(world, &world->host[side]);
    }
    plan_actions(world);
    for (unsigned i = 0; i < world->action_count; i++) world->actions[i].time += world->now;
}
