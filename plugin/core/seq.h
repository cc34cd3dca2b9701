/* Sequence numbers: arithmetic modulo 2^32 (RFC 9293 3.4).
 * Knows nothing but two 32-bit numbers; every comparison of SEG.SEQ, SEG.ACK and the like goes through here.
 * Look next: segment.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPS_SEQ_H
#define TCPS_SEQ_H

#include <stdbool.h>
#include <stdint.h>

/* The largest window TCP can advertise: 65,535 << 14 (RFC 7323 2.3). Two numbers of one connection that are
 * farther apart than this cannot both be right. */
#define TCPS_MAX_WINDOW (UINT32_C(65535) << 14)

/* The signed distance from b to a: positive when a comes later. Right for distances below 2^31. */
static inline int32_t seq_diff(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}

static inline bool seq_lt(uint32_t a, uint32_t b)
{
    return seq_diff(a, b) < 0;
}

static inline bool seq_leq(uint32_t a, uint32_t b)
{
    return seq_diff(a, b) <= 0;
}

static inline bool seq_gt(uint32_t a, uint32_t b)
{
    return seq_diff(a, b) > 0;
}

static inline bool seq_geq(uint32_t a, uint32_t b)
{
    return seq_diff(a, b) >= 0;
}

/* Is n in the closed interval low..high? */
static inline bool seq_between(uint32_t low, uint32_t n, uint32_t high)
{
    return n - low <= high - low;
}

static inline uint32_t seq_max(uint32_t a, uint32_t b)
{
    return seq_gt(a, b) ? a : b;
}

/* Are a and b at most TCPS_MAX_WINDOW apart, either way? */
static inline bool seq_near(uint32_t a, uint32_t b)
{
    int32_t distance = seq_diff(a, b);

    return distance <= (int32_t)TCPS_MAX_WINDOW && distance >= -(int32_t)TCPS_MAX_WINDOW;
}

#endif
