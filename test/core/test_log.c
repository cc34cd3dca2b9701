/* The log: before the first entry, at an entry, between entries, behind the last; several entries at one position;
 * layers of a frame; a frame that is given up; no memory; the limit.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "core/log.h"
#include "rig.h"

struct fixture {
    struct rig_heap heap;
    struct tcps_memory memory;
    struct tcps_log log;
};

static void open_fixture(struct fixture *f, gconstpointer data)
{
    (void)data;
    rig_heap_open(&f->heap);
    f->memory = rig_heap_memory(&f->heap);
    f->log = (struct tcps_log){0};
}

static void close_fixture(struct fixture *f, gconstpointer data)
{
    (void)data;
    rig_heap_close(&f->heap);
}

static bool append(struct fixture *f, uint32_t frame, unsigned layer, unsigned state0)
{
    struct tcps_entry *entry = tcps_log_append(&f->log, &f->memory);

    if (!entry) return false;
    *entry = (struct tcps_entry){.frame = frame, .layer = layer & 127u, .hops = tcps_hop(state0, 0, 0) & TCPS_HOPS};
    return true;
}

static struct tcps_position at(uint32_t frame, uint8_t layer)
{
    return (struct tcps_position){.frame = frame, .layer = layer};
}

static void test_empty(struct fixture *f, gconstpointer data)
{
    (void)data;
    g_assert_cmpuint(tcps_log_before(&f->log, at(1, 0)), ==, 0);
    g_assert_cmpuint(tcps_log_until(&f->log, at(UINT32_MAX, 255)), ==, 0);
    tcps_log_give_up(&f->log, at(1, 0));
    g_assert_cmpuint(f->heap.calls, ==, 0);
}

static void test_look_up(struct fixture *f, gconstpointer data)
{
    (void)data;
    for (uint32_t frame = 10; frame <= 50; frame += 10) g_assert_true(append(f, frame, 0, frame / 10));
    g_assert_cmpuint(tcps_log_until(&f->log, at(9, 255)), ==, 0); /* before the first */
    g_assert_cmpuint(tcps_log_before(&f->log, at(10, 0)), ==, 0); /* exactly at one */
    g_assert_cmpuint(tcps_log_until(&f->log, at(10, 0)), ==, 1);
    g_assert_cmpuint(tcps_log_before(&f->log, at(25, 0)), ==, 2); /* between two */
    g_assert_cmpuint(tcps_log_until(&f->log, at(25, 0)), ==, 2);
    g_assert_cmpuint(tcps_log_before(&f->log, at(50, 0)), ==, 4); /* the last */
    g_assert_cmpuint(tcps_log_until(&f->log, at(50, 0)), ==, 5);
    g_assert_cmpuint(tcps_log_before(&f->log, at(51, 0)), ==, 5); /* behind it */
    g_assert_cmpuint(tcps_log_until(&f->log, at(UINT32_MAX, 0)), ==, 5);
}

static void test_one_position(struct fixture *f, gconstpointer data)
{
    (void)data;
    append(f, 10, 0, 1);
    for (unsigned i = 0; i < 3; i++) append(f, 20, 0, 2 + i);
    append(f, 30, 0, 5);
    g_assert_cmpuint(tcps_log_before(&f->log, at(20, 0)), ==, 1);
    g_assert_cmpuint(tcps_log_until(&f->log, at(20, 0)), ==, 4);
}

static void test_layers(struct fixture *f, gconstpointer data)
{
    (void)data;
    append(f, 20, 0, 1);
    append(f, 20, 2, 2);
    append(f, 20, 126, 3);
    g_assert_cmpuint(tcps_log_until(&f->log, at(20, 0)), ==, 1);
    g_assert_cmpuint(tcps_log_until(&f->log, at(20, 1)), ==, 1);
    g_assert_cmpuint(tcps_log_before(&f->log, at(20, 2)), ==, 1);
    g_assert_cmpuint(tcps_log_until(&f->log, at(20, 125)), ==, 2);
    g_assert_cmpuint(tcps_log_until(&f->log, at(20, 126)), ==, 3);
    g_assert_cmpuint(tcps_log_until(&f->log, at(20, 200)), ==, 3); /* 126 stands for "126 or more" */
    g_assert_cmpuint(tcps_log_before(&f->log, at(21, 0)), ==, 3);
}

static void test_give_up(struct fixture *f, gconstpointer data)
{
    (void)data;
    append(f, 10, 0, 1);
    append(f, 20, 0, 2);
    append(f, 20, 0, 3);
    tcps_log_give_up(&f->log, at(20, 0)); /* a read filter rejected frame 20; the next one gets its number */
    g_assert_cmpuint(f->log.count, ==, 3);
    g_assert_cmpuint(tcps_log_before(&f->log, at(20, 0)), ==, 3); /* its effect stays, but is not the new frame's own */
    g_assert_cmpuint(tcps_log_until(&f->log, at(10, 0)), ==, 1);
    append(f, 20, 0, 4);
    g_assert_cmpuint(tcps_log_before(&f->log, at(20, 0)), ==, 3);
    g_assert_cmpuint(tcps_log_until(&f->log, at(20, 0)), ==, 4);
}

static void test_give_up_twice(struct fixture *f, gconstpointer data)
{
    (void)data;
    for (unsigned i = 0; i < 4; i++) {
        append(f, 1, 0, i);
        tcps_log_give_up(&f->log, at(1, 0)); /* frame 1 again and again: the effect moves to the end of frame 0 */
        g_assert_cmpuint(tcps_log_before(&f->log, at(1, 0)), ==, i + 1);
    }
}

/* The rejected frame had changes at two layers; the next frame has this connection at the second only. */
static void test_give_up_lower_layer(struct fixture *f, gconstpointer data)
{
    (void)data;
    append(f, 20, 0, 1);
    append(f, 20, 1, 2);
    tcps_log_give_up(&f->log, at(20, 1));
    g_assert_cmpuint(tcps_log_before(&f->log, at(20, 0)), ==, 2);
    append(f, 20, 1, 3);
    for (uint32_t i = 1; i < f->log.count; i++)
        g_assert_cmpuint(f->log.entries[i - 1].frame * 128 + f->log.entries[i - 1].layer, <=,
                         f->log.entries[i].frame * 128 + f->log.entries[i].layer);
}

/* A frame's second layer is no new frame: what its first layer did stays its own. */
static void test_further_layer_gives_up_nothing(struct fixture *f, gconstpointer data)
{
    (void)data;
    append(f, 20, 0, 1);
    tcps_log_give_up(&f->log, at(20, 1));
    g_assert_cmpuint(f->log.entries[0].frame, ==, 20);
    g_assert_cmpuint(f->log.entries[0].layer, ==, 0);
}

static void test_no_memory(struct fixture *f, gconstpointer data)
{
    (void)data;
    f->heap.refuse = 1;
    g_assert_false(append(f, 1, 0, 1));
    g_assert_cmpuint(f->log.count, ==, 0);
    f->heap.refuse = 0;
    g_assert_true(append(f, 1, 0, 1));
    while (f->log.count < f->log.capacity) g_assert_true(append(f, 2, 0, 2));
    f->heap.refuse = 1;
    g_assert_false(append(f, 3, 0, 3));
    g_assert_cmpuint(f->log.entries[0].frame, ==, 1); /* what was there is there still */
}

static void test_limit(struct fixture *f, gconstpointer data)
{
    (void)data;
    for (uint32_t i = 0; i < TCPS_LOG_LIMIT; i++) g_assert_true(append(f, i + 1, 0, i & 7));
    g_assert_false(append(f, TCPS_LOG_LIMIT + 1, 0, 1));
    g_assert_cmpuint(f->log.count, ==, TCPS_LOG_LIMIT);
    g_assert_cmpuint(tcps_log_until(&f->log, at(TCPS_LOG_LIMIT / 2, 0)), ==, TCPS_LOG_LIMIT / 2);
    g_assert_cmpuint(f->heap.calls, <, 64); /* it grows by a share, not by a step */
}

/* Bisection against a linear scan, on logs with gaps, layers and repetitions. */
static void test_oracle(struct fixture *f, gconstpointer data)
{
    uint32_t frame = 1;
    unsigned layer = 0;

    (void)data;
    for (unsigned i = 0; i < 300; i++) {
        switch (g_test_rand_int_range(0, 3)) {
        case 0:
            frame += (uint32_t)g_test_rand_int_range(1, 4);
            layer = 0;
            break;
        case 1: layer = MIN(layer + 1, 126); break;
        default: break;
        }
        append(f, frame, layer, i);
    }
    for (uint32_t n = 0; n < frame + 3; n++) {
        for (uint8_t l = 0; l < 130; l++) {
            uint32_t before = 0, until = 0;
            unsigned seen_as = MIN(l, 126);

            for (uint32_t i = 0; i < f->log.count; i++) {
                const struct tcps_entry *entry = &f->log.entries[i];

                if (entry->frame < n || (entry->frame == n && entry->layer < seen_as)) before++;
                if (entry->frame < n || (entry->frame == n && entry->layer <= seen_as)) until++;
            }
            g_assert_cmpuint(tcps_log_before(&f->log, at(n, l)), ==, before);
            g_assert_cmpuint(tcps_log_until(&f->log, at(n, l)), ==, until);
        }
    }
}

static void test_size(struct fixture *f, gconstpointer data)
{
    (void)f, (void)data;
    g_assert_cmpuint(sizeof(struct tcps_entry), ==, 16); /* as log.h promises */
}

int main(int argc, char **argv)
{
#define ADD(name) g_test_add("/log/" #name, struct fixture, NULL, open_fixture, test_##name, close_fixture)
    g_test_init(&argc, &argv, NULL);
    ADD(empty);
    ADD(look_up);
    ADD(one_position);
    ADD(layers);
    ADD(give_up);
    ADD(give_up_twice);
    ADD(give_up_lower_layer);
    ADD(further_layer_gives_up_nothing);
    ADD(no_memory);
    ADD(limit);
    ADD(oracle);
    ADD(size);
    return g_test_run();
}
