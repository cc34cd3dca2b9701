/* What a perfect observer at the capture point could know of the hosts' paths: decided from the simulation alone, by
 * rules each of which is a predicate with its reason. The rules do not ask what the core says.
 * Look next: model.c, which compares; test/kernel/README.md has the same rules for recordings of real kernels.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPS_TEST_MODEL_KNOWABLE_H
#define TCPS_TEST_MODEL_KNOWABLE_H

#include "model_world.h"

/* Sometimes the capture is started late, when both are ESTABLISHED. Drops what was captured before. */
void world_begin_late(struct world *world);

/* The first step of the host's path that the capture can show: with a late start those of the opening lie before it. */
unsigned world_first_step(const struct world *world, const struct host *host);

/* Why a perfect observer there could not know the host's path; NULL if it could. Static. */
const char *world_hides_path(const struct world *world, const struct host *host);

/* Is what packet `number` says of the host's state, at time `now`, contradicted only by packets that did not pass? */
bool world_hides_claim(const struct world *world, const struct host *host, unsigned number, int64_t now);

/* Was a RST of this side captured? */
bool world_shows_rst(const struct world *world, unsigned side);

#endif
