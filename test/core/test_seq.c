/* Sequence arithmetic at the places where it goes wrong: around 2^31 and 2^32 (RFC 9293 3.4).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <glib.h>

#include "core/segment.h"
#include "core/seq.h"

/* Numbers from which the others are reached; a comparison must not depend on them. */
static const uint32_t origins[] = {0, 1, 1000, 0x7ffffffe, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};

/* Distances below 2^31, the limit of what can be compared. */
static const uint32_t distances[] = {1, 2, 1000, 65536, 0x3fffffff, 0x7ffffffe, 0x7fffffff};

#define FOR_EACH(item, array)                                                                                          \
    for (unsigned item##_i = 0; item##_i < G_N_ELEMENTS(array); item##_i++)                                            \
        for (uint32_t item = (array)[item##_i], item##_once = 1; item##_once; item##_once = 0)

static void test_order(void)
{
    FOR_EACH(low, origins)
    {
        FOR_EACH(distance, distances)
        {
            uint32_t high = low + distance;

            g_assert_true(seq_lt(low, high) && seq_leq(low, high) && seq_gt(high, low) && seq_geq(high, low));
            g_assert_false(seq_lt(high, low) || seq_leq(high, low) || seq_gt(low, high) || seq_geq(low, high));
            g_assert_cmpuint(seq_max(low, high), ==, high);
            g_assert_cmpuint(seq_max(high, low), ==, high);
            g_assert_cmpint(seq_diff(high, low), ==, (int32_t)distance);
            g_assert_cmpint(seq_diff(low, high), ==, -(int32_t)distance);
        }
    }
}

static void test_equal(void)
{
    FOR_EACH(n, origins)
    {
        g_assert_false(seq_lt(n, n) || seq_gt(n, n));
        g_assert_true(seq_leq(n, n) && seq_geq(n, n));
        g_assert_true(seq_between(n, n, n));
        g_assert_false(seq_between(n, n + 1, n) || seq_between(n, n - 1, n));
    }
}

static void test_between(void)
{
    FOR_EACH(low, origins)
    {
        FOR_EACH(distance, distances)
        {
            uint32_t high = low + distance;

            g_assert_true(seq_between(low, low, high) && seq_between(low, high, high));
            g_assert_true(seq_between(low, low + distance / 2, high));
            g_assert_false(seq_between(low, low - 1, high) || seq_between(low, high + 1, high));
        }
    }
}

static void test_near(void)
{
    FOR_EACH(n, origins)
    {
        g_assert_true(seq_near(n, n + TCPS_MAX_WINDOW) && seq_near(n + TCPS_MAX_WINDOW, n));
        g_assert_false(seq_near(n, n + TCPS_MAX_WINDOW + 1) || seq_near(n + TCPS_MAX_WINDOW + 1, n));
        g_assert_false(seq_near(n, n + 0x80000000u));
    }
}

static void test_space(void)
{
    struct tcps_segment seg = {.len = 10, .flags = TCPS_ACK};

    g_assert_cmpuint(tcps_segment_space(&seg), ==, 10);
    seg.flags = TCPS_SYN;
    g_assert_cmpuint(tcps_segment_space(&seg), ==, 11);
    seg.flags = TCPS_SYN | TCPS_FIN;
    g_assert_cmpuint(tcps_segment_space(&seg), ==, 12);
    seg.len = 0;
    seg.flags = TCPS_RST | TCPS_ACK | TCPS_PSH;
    g_assert_cmpuint(tcps_segment_space(&seg), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/seq/order", test_order);
    g_test_add_func("/seq/equal", test_equal);
    g_test_add_func("/seq/between", test_between);
    g_test_add_func("/seq/near", test_near);
    g_test_add_func("/seq/space", test_space);
    return g_test_run();
}
