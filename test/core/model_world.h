/* The world in which two model hosts talk: a path that loses, reorders and duplicates, and an observer at some point of
 * it who captures, and may miss packets. All of it follows from a seed.
 * Knows the hosts and the path, nothing of what an observer can conclude. Look next: model_knowable.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPS_TEST_MODEL_WORLD_H
#define TCPS_TEST_MODEL_WORLD_H

#include "model_host.h"

enum { MAX_FLIGHTS = 600, MAX_CAPTURED = 1200, MAX_ACTIONS = 12 };

#define MODEL_MS INT64_C(1000000)

struct chance {
    uint64_t state;
};

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
    uint32_t loss, copy, miss; /* percent */
    int64_t delay, jitter;     /* of the whole path */
    uint32_t where;            /* the observer, percent of the way from side 0 to side 1 */
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
    bool stamps; /* with the Timestamps option */
    bool ipv6;   /* no identification */
    bool late;   /* the capture began when both were ESTABLISHED */
};

uint32_t chance_below(struct chance *chance, uint32_t limit);
bool chance_percent(struct chance *chance, uint32_t probability);

/* Sets up what the seed means, and lets it run until nothing more happens. */
void world_make(struct world *world, uint32_t seed);
void world_run(struct world *world);

#endif
