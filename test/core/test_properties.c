/* What must hold of any conversation, checked on conversations of all shapes: a segment fed twice changes nothing,
 * facts only grow, the log is sorted, every text fits, memory may fail at any point, a frame number may be used again.
 * Look next: model.c, which checks the states themselves.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include "core/explain.h"
#include "core/seq.h"
#include "rig.h"

enum { CLIENT, SERVER, BOTH };

/* A conversation, one line per segment, numbers relative to ISS of 0: enough to visit every state. */
struct line {
    uint8_t from;
    uint16_t flags;
    uint32_t seq, ack, len;
};

#define S TCPS_SYN
#define SA (TCPS_SYN | TCPS_ACK)
#define A TCPS_ACK
#define FA (TCPS_FIN | TCPS_ACK)
#define R TCPS_RST

static const struct line plain[] = {
    {CLIENT, S, 0, 0, 0},    {SERVER, SA, 0, 1, 0},    {CLIENT, A, 1, 1, 0},    {CLIENT, A, 1, 1, 100},
    {SERVER, A, 1, 101, 0},  {SERVER, A, 1, 101, 50},  {CLIENT, A, 101, 51, 0}, {CLIENT, FA, 101, 51, 0},
    {SERVER, A, 51, 102, 0}, {SERVER, A, 51, 102, 30}, {CLIENT, A, 102, 81, 0}, {SERVER, FA, 81, 102, 0},
    {CLIENT, A, 102, 82, 0},
};
static const struct line crossing[] = {
    {CLIENT, S, 0, 0, 0},  {SERVER, S, 0, 0, 0},   {CLIENT, SA, 0, 1, 0},  {SERVER, SA, 0, 1, 0}, {CLIENT, A, 1, 1, 10},
    {SERVER, A, 1, 11, 0}, {CLIENT, FA, 11, 1, 0}, {SERVER, FA, 1, 11, 0}, {CLIENT, A, 12, 2, 0}, {SERVER, A, 2, 12, 0},
};
static const struct line midstream[] = {
    {SERVER, A, 900, 400, 100}, {CLIENT, A, 400, 1000, 0},  {SERVER, FA, 1000, 400, 0},
    {CLIENT, A, 400, 1001, 20}, {CLIENT, FA, 420, 1001, 0}, {SERVER, A, 1001, 421, 0},
};
static const struct line aborted[] = {
    {CLIENT, S, 0, 0, 0}, {SERVER, SA, 0, 1, 0}, {CLIENT, A, 1, 1, 0}, {CLIENT, A, 1, 1, 5}, {SERVER, R, 1, 0, 0},
};

static const struct conversation {
    const char *name;
    const struct line *lines;
    unsigned count;
} conversations[] = {
    {"plain", plain, G_N_ELEMENTS(plain)},
    {"crossing", crossing, G_N_ELEMENTS(crossing)},
    {"midstream", midstream, G_N_ELEMENTS(midstream)},
    {"aborted", aborted, G_N_ELEMENTS(aborted)},
};

struct bench {
    struct rig_heap heap;
    struct tcps_memory memory;
    struct tcps_flow flow;
    uint32_t frame;
    uint16_t ip_id;
};

static void open_bench(struct bench *bench)
{
    *bench = (struct bench){.flow.first.ports = {40000, 443}};
    rig_heap_open(&bench->heap);
    bench->memory = rig_heap_memory(&bench->heap);
}

static struct tcps_segment segment_of(struct bench *bench, const struct line *line)
{
    static const uint32_t iss[BOTH] = {0xffffffe0u, 0x7fffffe0u};
    uint32_t frame = ++bench->frame;

    return (struct tcps_segment){
        .time = INT64_C(1000000000) * frame,
        .at = {.frame = frame},
        .seq = iss[line->from] + line->seq,
        .ack = line->flags & TCPS_ACK ? iss[!line->from] + line->ack : 0,
        .len = line->len,
        .wnd = 8000,
        .flags = line->flags,
        .ip_id = ++bench->ip_id,
        .checksum = (uint16_t)(line->seq * 31 + line->ack * 7 + line->len + line->flags),
        .from = line->from,
        .wscale = TCPS_NO_WSCALE,
    };
}

static bool states_equal(const struct tcps_conn *a, const struct tcps_conn *b)
{
    return a->end[0].state == b->end[0].state && a->end[1].state == b->end[1].state;
}

/* ---- a segment that repeats data or a pure ACK ---- */

static void test_twice(gconstpointer data)
{
    const struct conversation *talk = data;
    struct bench bench;

    open_bench(&bench);
    for (unsigned i = 0; i < talk->count; i++) {
        struct tcps_segment seg = segment_of(&bench, &talk->lines[i]), again;
        struct tcps_conn *conn = tcps_flow_feed(&bench.flow, &bench.memory, &seg);
        struct tcps_conn before = *conn;

        if (seg.flags & (TCPS_SYN | TCPS_FIN | TCPS_RST)) continue;
        again = segment_of(&bench, &talk->lines[i]);
        g_assert_true(tcps_flow_feed(&bench.flow, &bench.memory, &again) == conn);
        g_assert_true(states_equal(conn, &before));
        for (unsigned end = 0; end < 2; end++) {
            g_assert_cmpuint(conn->end[end].snd_una, ==, before.end[end].snd_una);
            g_assert_cmpuint(conn->end[end].snd_nxt, ==, before.end[end].snd_nxt);
            g_assert_cmpuint(conn->end[end].rcv_nxt, ==, before.end[end].rcv_nxt);
        }
    }
    rig_heap_close(&bench.heap);
}

/* ---- facts grow ---- */

static void check_grown(const struct tcps_endpoint *before, const struct tcps_endpoint *after)
{
    const uint32_t lasting =
        TCPS_SEEN | TCPS_HAS_ISS | TCPS_HAS_NUMBERS | TCPS_HAS_RCV | TCPS_SENT_SYNACK | TCPS_HAS_WSCALE | TCPS_HAS_TS;

    g_assert_cmphex(before->known & lasting & ~after->known, ==, 0);
    if (tcps_has(before, TCPS_HAS_NUMBERS)) g_assert_true(seq_geq(after->snd_nxt, before->snd_nxt));
    if (tcps_has(before, TCPS_HAS_RCV)) {
        g_assert_true(seq_geq(after->rcv_nxt, before->rcv_nxt));
        g_assert_true(seq_geq(after->rcv_edge, before->rcv_edge));
    }
    if (tcps_has(before, TCPS_HAS_FIN)) g_assert_true(tcps_has(after, TCPS_HAS_FIN) && after->fin == before->fin);
}

static void test_facts_grow(gconstpointer data)
{
    const struct conversation *talk = data;
    struct tcps_endpoint before[2] = {{0}};
    struct bench bench;

    open_bench(&bench);
    for (unsigned i = 0; i < talk->count; i++) {
        struct tcps_segment seg = segment_of(&bench, &talk->lines[i]);
        struct tcps_conn *conn = tcps_flow_feed(&bench.flow, &bench.memory, &seg);

        for (unsigned end = 0; end < 2; end++) {
            check_grown(&before[end], &conn->end[end]);
            before[end] = conn->end[end];
        }
    }
    rig_heap_close(&bench.heap);
}

/* ---- no memory per packet that changes nothing ---- */

static void test_quiet_packets_cost_nothing(void)
{
    static const struct line data = {CLIENT, A, 1, 1, 100}, ack = {SERVER, A, 1, 101, 0};
    struct bench bench;
    unsigned calls;

    open_bench(&bench);
    for (unsigned i = 0; i < 3; i++) {
        struct tcps_segment seg = segment_of(&bench, &plain[i]);

        tcps_flow_feed(&bench.flow, &bench.memory, &seg);
    }
    for (unsigned i = 0; i < 4; i++) {
        struct tcps_segment seg = segment_of(&bench, i % 2 ? &ack : &data);

        tcps_flow_feed(&bench.flow, &bench.memory, &seg);
    }
    calls = bench.heap.calls;
    for (uint32_t i = 1; i < 10000; i++) {
        struct line next_data = data, next_ack = ack;
        struct tcps_segment seg;

        next_data.seq += 100 * i;
        next_ack.ack += 100 * i;
        seg = segment_of(&bench, &next_data);
        tcps_flow_feed(&bench.flow, &bench.memory, &seg);
        seg = segment_of(&bench, &next_ack);
        tcps_flow_feed(&bench.flow, &bench.memory, &seg);
    }
    g_assert_cmpuint(bench.heap.calls, ==, calls);
    rig_heap_close(&bench.heap);
}

/* ---- memory may fail at any point ---- */

static void test_no_memory(gconstpointer data)
{
    const struct conversation *talk = data;

    for (unsigned refuse = 1; refuse < 8; refuse++) {
        struct bench bench;

        open_bench(&bench);
        bench.heap.refuse = refuse;
        for (unsigned i = 0; i < talk->count; i++) {
            struct tcps_segment seg = segment_of(&bench, &talk->lines[i]);
            struct tcps_conn *conn = tcps_flow_feed(&bench.flow, &bench.memory, &seg);
            struct tcps_view view;

            if (conn) tcps_conn_view(conn, seg.at, &view);
        }
        if (refuse == 1) g_assert_cmpuint(bench.flow.first.log.count, ==, 0);
        if (refuse < 3) g_assert_cmpuint(bench.heap.refusals, >, 0); /* a connection and its log: two calls at least */
        rig_heap_close(&bench.heap);
    }
}

/* ---- a rejected frame's number is given to the next frame ---- */

static void test_number_used_again(gconstpointer data)
{
    const struct conversation *talk = data;

    for (unsigned rejected = 0; rejected + 1 < talk->count; rejected++) {
        struct bench bench;
        struct tcps_conn *conn = NULL;
        struct tcps_view view;
        struct tcps_segment seg;

        open_bench(&bench);
        for (unsigned i = 0; i < talk->count; i++) {
            unsigned before[2] = {0, 0};
            bool again = i == rejected + 1;

            for (unsigned end = 0; conn && end < 2; end++) before[end] = conn->end[end].state;
            if (again) bench.frame--;
            seg = segment_of(&bench, &talk->lines[i]);
            conn = tcps_flow_feed(&bench.flow, &bench.memory, &seg);
            tcps_conn_view(conn, seg.at, &view);
            /* The rejected frame's effect lasts, but it happened before: who has the number now shows its own. */
            if (!again) continue;
            g_assert_cmpuint(view.before[0], ==, before[0]);
            g_assert_cmpuint(view.before[1], ==, before[1]);
            for (uint32_t n = 0; n < view.entries; n++)
                g_assert_cmpint(conn->log.entries[view.first_entry + n].time, ==, seg.time);
        }
        rig_heap_close(&bench.heap);
    }
}

/* ---- every reason has a sentence that can be written ---- */

static void test_sentences(void)
{
    struct bench bench;

    open_bench(&bench);
    for (unsigned why = 0; why < TCPS_REASON_COUNT; why++) {
        struct tcps_segment seg = segment_of(&bench, &plain[0]);
        struct tcps_conn *conn = tcps_flow_feed(&bench.flow, &bench.memory, &seg);
        struct tcps_event event = {.why = (uint8_t)why, .from = TCPS_SYN_SENT, .to = TCPS_SYN_SENT};
        struct tcps_view view;
        char text[200];

        tcps_conn_view(conn, seg.at, &view);
        tcps_event_reason(conn, &view, &event, &seg, text, sizeof text);
        g_assert_null(strpbrk(text, "{}")); /* a placeholder that nothing fills in */
        g_assert_cmpuint(strlen(text), <, 160);
        if (why != TCPS_WHY_NONE) g_assert_cmpstr(tcps_reason_sentence(why), !=, "");
        g_assert_cmpint(rig_reason_named(tcps_reason_name(why)), ==, (int)why);
        for (size_t size = 1; size < sizeof text; size++) {
            memset(text, 'x', sizeof text);
            tcps_event_reason(conn, &view, &event, &seg, text, size);
            g_assert_nonnull(memchr(text, '\0', size));
            g_assert_cmpint(text[size], ==, size < sizeof text ? 'x' : text[size]);
        }
    }
    g_assert_cmpuint(TCPS_REASON_COUNT, <=, 64); /* the log stores them in six bits */
    g_assert_cmpint(tcps_reason_kind(TCPS_REASON_COUNT), ==, TCPS_VERDICT);
    g_assert_cmpstr(tcps_reason_sentence(TCPS_REASON_COUNT), ==, "");
    rig_heap_close(&bench.heap);
}

/* ---- the log's limit ---- */

/* Retransmitted FINs that are acknowledged each time: two changes per round, until the log is full. */
static void test_log_full(void)
{
    static const struct line fin = {CLIENT, FA, 101, 51, 0}, ack = {SERVER, A, 51, 102, 0};
    struct tcps_conn *conn = NULL;
    struct bench bench;
    struct tcps_view view;
    struct tcps_segment seg;

    open_bench(&bench);
    for (unsigned i = 0; i < 7; i++) {
        seg = segment_of(&bench, &plain[i]);
        conn = tcps_flow_feed(&bench.flow, &bench.memory, &seg);
    }
    for (unsigned i = 0; i < TCPS_LOG_LIMIT && !conn->full; i++) {
        seg = segment_of(&bench, i % 2 ? &ack : &fin);
        conn = tcps_flow_feed(&bench.flow, &bench.memory, &seg);
    }
    g_assert_true(conn->full);
    g_assert_cmpuint(conn->log.count, <=, TCPS_LOG_LIMIT);
    tcps_conn_view(conn, seg.at, &view);
    g_assert_cmpuint(view.state[0], ==, TCPS_UNKNOWN);
    g_assert_cmpuint(view.state[1], ==, TCPS_UNKNOWN);
    g_assert_cmpuint(tcps_entry_why(&conn->log.entries[conn->log.count - 1], 0), ==, TCPS_WHY_LOG_FULL);
    tcps_conn_view(conn, (struct tcps_position){.frame = 8}, &view); /* what was known before stays known */
    g_assert_cmpuint(view.state[0], ==, TCPS_FIN_WAIT_1);
    rig_heap_close(&bench.heap);
}

/* ---- sizes ---- */

static void test_sizes(void)
{
    g_assert_cmpuint(sizeof(struct tcps_conn), <=, 300); /* docs/performance.md */
}

static void add_for_each(const char *name, GTestDataFunc run)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(conversations); i++) {
        char *path = g_strdup_printf("/properties/%s/%s", name, conversations[i].name);

        g_test_add_data_func(path, &conversations[i], run);
        g_free(path);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_for_each("twice", test_twice);
    add_for_each("facts-grow", test_facts_grow);
    add_for_each("no-memory", test_no_memory);
    add_for_each("number-used-again", test_number_used_again);
    g_test_add_func("/properties/quiet-packets-cost-nothing", test_quiet_packets_cost_nothing);
    g_test_add_func("/properties/sentences", test_sentences);
    g_test_add_func("/properties/log-full", test_log_full);
    g_test_add_func("/properties/sizes", test_sizes);
    return g_test_run();
}
