/* Any bytes, read as segments and fed to a flow: nothing may crash, overrun or contradict itself.
 * The same file is the libFuzzer target (preset "fuzz") and, with TCPS_FUZZ_REPLAY, a plain program that replays the
 * files of a corpus and a number of pseudo-random inputs. Knows the core's interface only.
 * Look next: test/core/test_properties.c, for what is checked on sensible conversations.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/exchange.h"
#include "core/explain.h"
#include "core/flow.h"
#include "core/reset_words.h"

/* One record per segment. Numbers are mostly small steps from what the end sent before, as in real conversations:
 * numbers at random would all be implausible and never get past the door. */
enum { RECORD = 8, MAX_SEGMENTS = 400, MAX_BLOCKS = 4096 };

#define REQUIRE(what)                                                                                                  \
    do {                                                                                                               \
        if (!(what)) {                                                                                                 \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #what);                                       \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

struct shown {
    struct tcps_segment seg;
    const struct tcps_conn *conn;
    struct tcps_view view;
    char told[3000]; /* all that the plugin's fields say of the packet */
};

struct bench {
    void *blocks[MAX_BLOCKS];
    unsigned block_count;
    struct tcps_memory memory;
    struct tcps_flow flow;
    uint32_t next[2]; /* by end: the number after the last that it sent */
    uint32_t last[2]; /* by end: the number of its last segment */
    int64_t time;
    struct tcps_position at;
    bool reused; /* a position was fed twice: what was shown there first does not count any more */
    struct shown shown[MAX_SEGMENTS];
    unsigned count, told;
};

/* ---- memory ---- */

static void *resize(void *context, void *old, size_t old_bytes, size_t bytes)
{
    struct bench *bench = context;
    void *block;

    REQUIRE(old ? old_bytes > 0 && old_bytes < bytes : old_bytes == 0);
    if (!old && bench->block_count == MAX_BLOCKS) return NULL;
    block = realloc(old, bytes);
    if (!block) return NULL;
    for (unsigned i = 0; i < bench->block_count; i++) {
        if (bench->blocks[i] != old) continue;
        bench->blocks[i] = block;
        return block;
    }
    REQUIRE(!old);
    bench->blocks[bench->block_count++] = block;
    return block;
}

/* ---- bytes to segments ---- */

static uint32_t number_from(uint8_t how, uint32_t next, uint32_t last)
{
    static const int32_t steps[] = {0, 0, 0, 1, -1, 10, -10, 100, 1000, -1000, 70000, 2000000, 1000000000, INT32_MIN};

    if (how & 0x80) return last;
    return next + (uint32_t)steps[how % (sizeof steps / sizeof steps[0])];
}

static void advance(struct bench *bench, uint8_t how)
{
    static const int64_t pauses[] = {0, 1000, 20000, 10000000, 200000000, 1000000000, INT64_C(61000000000), -5000000};

    bench->time += pauses[how & 7];
    switch (how >> 3 & 7) {
    case 0: /* a further layer of the same frame */
        if (bench->at.frame > 0 && bench->at.layer < 255) {
            bench->at.layer++;
            break;
        }
        /* fall through */
    default:
        bench->at.frame++;
        bench->at.layer = 0;
        break;
    case 1: /* the same position again: a read filter rejected the frame */
        if (bench->at.frame == 0) bench->at.frame = 1;
        bench->reused = true;
        break;
    }
}

static struct tcps_segment segment_from(struct bench *bench, const uint8_t *bytes)
{
    static const uint16_t flags[] = {TCPS_SYN, TCPS_SYN | TCPS_ACK, TCPS_ACK, TCPS_ACK | TCPS_PSH, TCPS_FIN | TCPS_ACK,
                                     TCPS_RST, TCPS_RST | TCPS_ACK};
    uint8_t from = bytes[0] & 1, kind = bytes[1];
    struct tcps_segment seg = {.from = from, .wscale = TCPS_NO_WSCALE, .time = bench->time, .at = bench->at};

    seg.flags = kind & 0x80 ? kind & 0x3f : flags[kind % (sizeof flags / sizeof flags[0])];
    seg.seq = number_from(bytes[2], bench->next[from], bench->last[from]);
    seg.ack = number_from(bytes[3], bench->next[!from], bench->last[!from]);
    seg.len = bytes[4] < 128 ? 0 : bytes[4] < 250 ? bytes[4] : bytes[4] * 4000000u;
    seg.wnd = (uint16_t)(bytes[5] << 8 | bytes[5]);
    if (bytes[6] & 1) seg.wscale = bytes[6] >> 4;
    if (bytes[6] & 2) seg.fast_open = true;
    if (bytes[6] & 4) seg.has_ts = true;
    seg.tsval = bytes[7] & 0x0f;
    seg.malformed = (bytes[6] & 0xf8) == 0xf8;
    seg.ip_id = bytes[7] >> 4;
    seg.checksum = (uint16_t)(seg.seq * 7 + seg.ack * 3 + seg.flags);
    bench->last[from] = seg.seq;
    if (kind % 16 < 12) bench->next[from] = seg.seq + tcps_segment_space(&seg);
    return seg;
}

/* ---- what must hold ---- */

static uint64_t rank(uint32_t frame, unsigned layer)
{
    return (uint64_t)frame << 8 | layer;
}

static void check_log(const struct tcps_log *log)
{
    REQUIRE(log->count <= log->capacity && log->count <= TCPS_LOG_LIMIT);
    for (uint32_t i = 0; i < log->count; i++) {
        const struct tcps_entry *entry = &log->entries[i];

        for (unsigned end = 0; end < 2; end++) {
            REQUIRE(tcps_entry_state(entry, end) < TCPS_STATE_COUNT);
            REQUIRE(tcps_entry_why(entry, end) < TCPS_REASON_COUNT);
        }
        if (i > 0) REQUIRE(rank(entry[-1].frame, entry[-1].layer) <= rank(entry->frame, entry->layer));
    }
}

/* Bisection must say what a linear scan says. */
static void check_look_up(const struct tcps_log *log, struct tcps_position at)
{
    uint64_t here = rank(at.frame, at.layer < 126 ? at.layer : 126);
    uint32_t before = 0, until = 0;

    for (uint32_t i = 0; i < log->count; i++) {
        before += rank(log->entries[i].frame, log->entries[i].layer) < here;
        until += rank(log->entries[i].frame, log->entries[i].layer) <= here;
    }
    REQUIRE(tcps_log_before(log, at) == before);
    REQUIRE(tcps_log_until(log, at) == until);
}

static void check_text(const char *text, size_t size)
{
    REQUIRE(memchr(text, '\0', size));
    REQUIRE(text[size] == 'x');
}

static void check_words(const struct tcps_conn *conn, const struct tcps_view *view, const struct tcps_segment *seg)
{
    static const size_t sizes[] = {1, 2, 7, 20, 160};
    struct tcps_event event;

    for (unsigned i = 0; tcps_event_at(conn, view, seg->from, i, &event); i++) {
        REQUIRE(i < 64);
        REQUIRE(event.end < 2 && event.from < TCPS_STATE_COUNT && event.to < TCPS_STATE_COUNT);
        REQUIRE(event.why < TCPS_REASON_COUNT);
        REQUIRE(event.taken_back <= seg->at.frame);
        for (unsigned n = 0; n < sizeof sizes / sizeof sizes[0]; n++) {
            char text[161];

            memset(text, 'x', sizeof text);
            tcps_event_text(conn, view, &event, text, sizes[n]);
            check_text(text, sizes[n]);
            memset(text, 'x', sizeof text);
            tcps_event_reason(conn, view, &event, seg, text, sizes[n]);
            check_text(text, sizes[n]);
        }
    }
}

static void check_exchanges(const struct tcps_conn *conn, struct tcps_position at)
{
    uint32_t entries = tcps_log_until(&conn->log, at);
    struct tcps_opening opening;
    struct tcps_closing closing;
    char text[33];

    tcps_opening_of(conn, entries, &opening);
    tcps_closing_of(conn, entries, &closing);
    REQUIRE(tcps_open_kind_name(opening.kind) && tcps_open_status_name(opening.status));
    REQUIRE(tcps_close_kind_name(closing.kind) && closing.initiator >= -1 && closing.initiator <= 2);
    REQUIRE(tcps_conn_state(conn, at));
    for (size_t size = 1; size < sizeof text; size += 5) {
        memset(text, 'x', sizeof text);
        tcps_history(conn, at, text, size);
        check_text(text, size);
    }
}

/* ---- what is told ---- */

static void tell(char *text, size_t size, const char *format, ...)
{
    size_t length = strlen(text);
    va_list args;

    REQUIRE(length < size);
    va_start(args, format);
    vsnprintf(text + length, size - length, format, args);
    va_end(args);
}

static void tell_exchanges(const struct tcps_conn *conn, uint32_t entries, char *text, size_t size)
{
    struct tcps_opening open;
    struct tcps_closing close;

    tcps_exchanges_of(conn, entries, &open, &close);
    tell(text, size, "%s %s at %u %u %u again %u %u\n", tcps_open_kind_name(open.kind),
         tcps_open_status_name(open.status), open.syn.frame, open.synack.frame, open.ack.frame, open.syn_retransmits,
         open.synack_retransmits);
    tell(text, size, "%s by %d at %u %u %u %u RST %u complete %d\n", tcps_close_kind_name(close.kind), close.initiator,
         close.fin[0].frame, close.ack[0].frame, close.fin[1].frame, close.ack[1].frame, close.rst.frame,
         close.complete);
}

/* As host/fields.c does it. */
static void tell_all(const struct tcps_conn *conn, const struct tcps_view *view, const struct tcps_segment *seg,
                     char *text, size_t size)
{
    struct tcps_event event;
    char words[200];

    *text = '\0';
    for (unsigned i = 0; tcps_event_at(conn, view, seg->from, i, &event); i++) {
        tcps_event_text(conn, view, &event, words, sizeof words);
        tell(text, size, "%s: ", words);
        tcps_event_reason(conn, view, &event, seg, words, sizeof words);
        tell(text, size, "%s, corrects %u\n", words, event.taken_back);
    }
    tell_exchanges(conn, view->first_entry, text, size);
    tell_exchanges(conn, tcps_log_until(&conn->log, seg->at), text, size);
    tell(text, size, "RST %s %s\n", tcps_rst_validity_name(tcps_rst_validity_of(conn, view, seg->from)),
         tcps_rst_cause_name(tcps_rst_cause_of(conn, view, seg->from)));
    tcps_history(conn, seg->at, words, sizeof words);
    tell(text, size, "%s %s incarnation %u\n", tcps_conn_state(conn, seg->at), words, tcps_incarnation(conn));
}

static void check_view(const struct tcps_view *view)
{
    for (unsigned end = 0; end < 2; end++) {
        REQUIRE(view->state[end] < TCPS_STATE_COUNT && view->before[end] < TCPS_STATE_COUNT);
        REQUIRE(view->basis[end] <= TCPS_BASIS_assumed && view->before_basis[end] <= TCPS_BASIS_assumed);
    }
    REQUIRE(view->client_end < 2 && view->role_basis <= TCPS_ROLE_first);
}

static bool views_equal(const struct tcps_view *a, const struct tcps_view *b)
{
    return memcmp(a->state, b->state, 2) == 0 && memcmp(a->basis, b->basis, 2) == 0 &&
           memcmp(a->before, b->before, 2) == 0 && memcmp(a->before_basis, b->before_basis, 2) == 0 &&
           memcmp(a->since, b->since, sizeof a->since) == 0 && a->entries == b->entries &&
           a->client_end == b->client_end && a->role_basis == b->role_basis;
}

/* One pass and two passes show the same. */
static void ask_again(struct bench *bench)
{
    for (unsigned i = bench->count; i-- > 0 && !bench->reused;) {
        const struct shown *shown = &bench->shown[i];
        const struct tcps_conn *conn = tcps_flow_at(&bench->flow, shown->seg.at);
        struct tcps_view view;
        char told[sizeof shown->told];

        REQUIRE(conn == shown->conn);
        tcps_conn_view(conn, shown->seg.at, &view);
        REQUIRE(views_equal(&view, &shown->view));
        tell_all(conn, &view, &shown->seg, told, sizeof told);
        if (strcmp(told, shown->told) == 0) continue;
        fprintf(stderr, "packet %u, asked again:\n%s--- and at first:\n%s", i + 1, told, shown->told);
        abort();
    }
}

/* The host shows the layers of a frame when it has fed them all. */
static void show_frame(struct bench *bench)
{
    for (; bench->told < bench->count; bench->told++) {
        struct shown *shown = &bench->shown[bench->told];

        tcps_conn_view(shown->conn, shown->seg.at, &shown->view);
        tell_all(shown->conn, &shown->view, &shown->seg, shown->told, sizeof shown->told);
    }
}

static void feed(struct bench *bench, const uint8_t *bytes)
{
    struct tcps_segment seg;
    struct tcps_conn *conn;
    struct shown *shown = &bench->shown[bench->count];

    advance(bench, bytes[0] >> 1);
    if (bench->at.layer == 0) show_frame(bench);
    seg = segment_from(bench, bytes);
    if (bytes[1] % 32 == 31 && bench->flow.first.log.count)
        conn = tcps_flow_unreachable(&bench->flow, &bench->memory, &seg);
    else
        conn = tcps_flow_feed(&bench->flow, &bench->memory, &seg);
    if (!conn) return;
    shown->seg = seg;
    shown->conn = conn;
    REQUIRE(tcps_flow_at(&bench->flow, bench->at) == conn);
    tcps_conn_view(conn, bench->at, &shown->view);
    check_view(&shown->view);
    check_log(&conn->log);
    check_look_up(&conn->log, bench->at);
    check_look_up(&conn->log, (struct tcps_position){.frame = bench->at.frame / 2});
    check_words(conn, &shown->view, &seg);
    check_exchanges(conn, bench->at);
    bench->count++;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct bench bench;

    memset(&bench, 0, offsetof(struct bench, shown));
    bench.count = bench.told = 0;
    bench.memory = (struct tcps_memory){.resize = resize, .context = &bench};
    if (size < RECORD) return 0;
    /* The first record gives ports and initial numbers. */
    bench.flow.first.ports[0] = (uint16_t)(bytes[0] * 100);
    bench.flow.first.ports[1] = (uint16_t)(bytes[1] * 100);
    bench.next[0] = (uint32_t)bytes[2] << 24 | (bytes[3] & 0x80 ? 0xfffff0 : bytes[3]);
    bench.next[1] = (uint32_t)bytes[4] << 24 | (bytes[5] & 0x80 ? 0xfffff0 : bytes[5]);
    for (size_t at = RECORD; at + RECORD <= size && bench.count < MAX_SEGMENTS; at += RECORD) feed(&bench, bytes + at);
    show_frame(&bench);
    ask_again(&bench);
    for (unsigned i = 0; i < bench.block_count; i++) free(bench.blocks[i]);
    return 0;
}

#ifdef TCPS_FUZZ_REPLAY

#include <glib.h>

/* Replays one file, or every file of a folder. Returns how many. */
static unsigned replay(const char *path)
{
    GDir *folder = g_dir_open(path, 0, NULL);
    const char *name;
    unsigned count = 0;
    char *content;
    gsize size;

    if (folder) {
        while ((name = g_dir_read_name(folder))) {
            char *inside = g_build_filename(path, name, NULL);

            count += replay(inside);
            g_free(inside);
        }
        g_dir_close(folder);
        return count;
    }
    if (!g_file_get_contents(path, &content, &size, NULL)) return 0;
    LLVMFuzzerTestOneInput((const uint8_t *)content, size);
    g_free(content);
    return 1;
}

static void replay_random(unsigned inputs)
{
    for (unsigned i = 0; i < inputs; i++) {
        GRand *source = g_rand_new_with_seed(i);
        uint8_t bytes[RECORD * 60];
        size_t size = (size_t)g_rand_int_range(source, 2, 60) * RECORD;

        for (size_t n = 0; n < size; n++) bytes[n] = (uint8_t)g_rand_int_range(source, 0, 256);
        g_rand_free(source);
        LLVMFuzzerTestOneInput(bytes, size);
    }
}

/* usage: fuzz_replay INPUTS [FILE-OR-FOLDER...] */
int main(int argc, char **argv)
{
    unsigned inputs, files = 0;

    if (argc < 2) {
        fprintf(stderr, "usage: %s PSEUDO-RANDOM-INPUTS [FILE-OR-FOLDER...]\n", argv[0]);
        return 2;
    }
    inputs = (unsigned)strtoul(argv[1], NULL, 10);
    for (int i = 2; i < argc; i++) files += replay(argv[i]);
    if (argc > 2 && files == 0) {
        fprintf(stderr, "%s: no file could be read\n", argv[0]);
        return 1;
    }
    replay_random(inputs);
    printf("%u files and %u pseudo-random inputs replayed\n", files, inputs);
    return 0;
}

#endif
