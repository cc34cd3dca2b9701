/* Runs the stories of test/stories: feeds the core what the capture holds and compares what it shows.
 * Every story runs at several pairs of initial sequence numbers, some of which wrap 2^31 and 2^32, with either side as
 * end 0 of the flow, and asks again for every position afterwards and in between, in other orders: one pass and two
 * passes must show the same. Knows the core's interface, nothing of how it decides.
 * Look next: story_file.h for the notation, story_teller.h for the packets, test/stories for the stories.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/explain.h"
#include "rig.h"
#include "story_teller.h"

/* The ISS of C and S. The first is plain; in the others numbers near the beginning pass 2^31, 2^32, or both, in one
 * direction or in both; with 2^32-1 the first ACK is the raw number 0 (REAL-STACKS 33). */
static const uint32_t iss_pairs[][2] = {
    {1000, 5000},           {0x7ffffff0, 0xfffffff0}, {0xffffff9c, 0x7fffffff}, {0xffffffff, 0xffffffff},
    {0x7ffffffe, 77777777}, {0x80000000, 0xfffffffe}, {0xfffffc18, 0xfffffc18}, {0, 0xfffffffd},
};

/* A position, and what was shown when it was fed. */
struct shown {
    struct tcps_position at;
    const struct tcps_conn *conn;
    struct tcps_view view;
};

struct run {
    const struct story *story;
    struct story_teller teller;
    struct rig_heap heap;
    struct tcps_memory memory;
    struct tcps_flow flow;
    struct tcps_conn *conn;  /* of the last packet */
    struct tcps_view view;   /* of the last packet */
    unsigned sender;         /* end that sent it */
    GArray *shown;           /* struct shown */
    struct rig_path path[2]; /* by end */
    uint8_t client_side;     /* whom the story expects to be shown as the client */
    uint32_t random;
    GString *trace;   /* what happened so far, for messages */
    GString *failure; /* empty as long as all is well */
};

static uint8_t end_of(const struct run *run, uint8_t side)
{
    return side ^ run->teller.c_end;
}

/* ---- messages ---- */

static void base_by_end(const struct run *run, uint32_t base[2])
{
    for (uint8_t side = 0; side < 2; side++) base[end_of(run, side)] = run->teller.iss[side];
}

static void states_text(GString *out, const uint8_t state[2], const uint8_t basis[2], unsigned client)
{
    g_string_append_printf(out, "client %s (%s) server %s (%s)", tcps_state_name(state[client]),
                           tcps_basis_name(basis[client]), tcps_state_name(state[!client]),
                           tcps_basis_name(basis[!client]));
}

G_GNUC_PRINTF(3, 4) static void fail(struct run *run, const struct story_line *line, const char *format, ...)
{
    uint32_t base[2];
    va_list args;

    if (run->failure->len) return;
    g_string_append_printf(run->failure, "%s:%u: ", run->story->file, line ? line->number : run->story->number);
    va_start(args, format);
    g_string_append_vprintf(run->failure, format, args);
    va_end(args);
    g_string_append_printf(run->failure, "\n  ISS %u and %u, C is end %u; so far:\n%s", run->teller.iss[0],
                           run->teller.iss[1], run->teller.c_end, run->trace->str);
    if (!run->conn) return;
    base_by_end(run, base);
    rig_facts_text(run->failure, run->conn, base);
}

static void trace(struct run *run, const struct story_line *line)
{
    g_string_append_printf(run->trace, "%7u %s\n        => ", line->number, line->text);
    states_text(run->trace, run->view.state, run->view.basis, run->view.client_end);
    g_string_append(run->trace, "  why ");
    rig_reasons_text(run->trace, run->conn, &run->view);
    g_string_append_c(run->trace, '\n');
}

/* ---- asking again ---- */

static void ask_again(struct run *run, guint i, const char *when)
{
    const struct shown *shown = &g_array_index(run->shown, struct shown, i);
    const struct tcps_conn *conn = tcps_flow_at(&run->flow, shown->at);
    struct tcps_view view;

    if (conn != shown->conn) {
        fail(run, NULL, "packet %u is in another connection when asked %s", i + 1, when);
        return;
    }
    tcps_conn_view(conn, shown->at, &view);
    if (!rig_views_equal(&view, &shown->view)) {
        GString *text = g_string_new(NULL);

        states_text(text, view.state, view.basis, view.client_end);
        g_string_append(text, ", at first ");
        states_text(text, shown->view.state, shown->view.basis, shown->view.client_end);
        fail(run, NULL, "packet %u shows something else when asked %s: %s", i + 1, when, text->str);
        g_string_free(text, TRUE);
    }
}

/* A frame of another connection between packet i and the next: the states stay, and nothing happens there. */
static void ask_between(struct run *run, guint i)
{
    const struct shown *shown = &g_array_index(run->shown, struct shown, i);
    struct tcps_position at = {.frame = shown->at.frame + STORY_FRAMES_APART / 2};
    const struct tcps_conn *conn;
    struct tcps_view view;

    if (i + 1 < run->shown->len && g_array_index(run->shown, struct shown, i + 1).at.frame <= at.frame) return;
    conn = tcps_flow_at(&run->flow, at);
    tcps_conn_view(conn, at, &view);
    if (conn != shown->conn || view.entries != 0 || memcmp(view.state, shown->view.state, sizeof view.state) != 0)
        fail(run, NULL, "a frame behind packet %u is not like it", i + 1);
}

static void ask_all_again(struct run *run)
{
    guint count = run->shown->len;

    for (guint i = 1; i < count; i += 2) ask_again(run, i, "out of order (odd ones first)");
    for (guint i = count; i-- > 0;) ask_again(run, i, "from the last to the first");
    for (guint i = 0; i < count; i++) {
        ask_again(run, i, "once more from the beginning");
        ask_between(run, i);
    }
}

/* ---- feeding ---- */

/* What is true of any packet: it begins where the packet before ended, and every number has a name. */
static void check_view(struct run *run, const struct story_line *line, bool same_conn)
{
    const struct shown *before;

    for (unsigned end = 0; end < 2; end++)
        if (run->view.state[end] >= TCPS_STATE_COUNT || run->view.basis[end] > TCPS_BASIS_assumed)
            fail(run, line, "state or basis out of range");
    if (!same_conn || run->shown->len < 2) return;
    before = &g_array_index(run->shown, struct shown, run->shown->len - 2);
    if (memcmp(before->view.state, run->view.before, sizeof run->view.before) != 0)
        fail(run, line, "the states before this packet are not those after the packet before");
}

static void restart_paths(struct run *run)
{
    for (unsigned end = 0; end < 2; end++) {
        rig_path_close(&run->path[end]);
        rig_path_open(&run->path[end], run->view.before[end]);
    }
}

static void take_note_of(struct run *run, const struct story_line *line, const struct tcps_segment *seg,
                         struct tcps_conn *conn)
{
    bool same_conn = conn == run->conn;
    struct shown shown = {.at = seg->at, .conn = conn};

    run->conn = conn;
    run->sender = seg->from;
    tcps_conn_view(conn, seg->at, &run->view);
    shown.view = run->view;
    g_array_append_val(run->shown, shown);
    if (!same_conn) restart_paths(run);
    for (unsigned end = 0; end < 2; end++) rig_path_follow(&run->path[end], conn, &run->view, run->sender, end);
    trace(run, line);
    check_view(run, line, same_conn);
    if (tcps_flow_at(&run->flow, seg->at) != conn) fail(run, line, "the packet is not found where it was put");
    /* A user clicks on an earlier packet while the capture goes on. */
    if (run->shown->len % 2 == 0) {
        run->random = run->random * 1664525u + 1013904223u;
        ask_again(run, (run->random >> 16) % run->shown->len, "while the capture goes on");
    }
}

static void feed(struct run *run, const struct story_line *line)
{
    struct tcps_segment seg;
    struct tcps_conn *conn;

    if (!story_teller_next(&run->teller, line, &seg)) return;
    if (line->kind == STORY_UNREACHABLE)
        conn = tcps_flow_unreachable(&run->flow, &run->memory, &seg);
    else
        conn = tcps_flow_feed(&run->flow, &run->memory, &seg);
    if (conn)
        take_note_of(run, line, &seg, conn);
    else
        fail(run, line, "the packet belongs to no connection");
}

/* ---- expectations ---- */

static void expect_states(struct run *run, const struct story_line *line, char **words, bool before)
{
    const uint8_t *state = before ? run->view.before : run->view.state;
    const uint8_t *basis = before ? run->view.before_basis : run->view.basis;
    unsigned client = run->view.client_end;
    GString *got = g_string_new(NULL);

    states_text(got, state, basis, client);
    if (client != end_of(run, run->client_side))
        fail(run, line, "the other end is shown as the client");
    else if (state[client] != rig_state_named(words[1]) || state[!client] != rig_state_named(words[3]))
        fail(run, line, "expected %s, got %s", line->text, got->str);
    else if (words[4] && (basis[client] != rig_basis_named(words[5]) || basis[!client] != rig_basis_named(words[6])))
        fail(run, line, "expected %s, got %s", line->text, got->str);
    g_string_free(got, TRUE);
}

static void expect_text(struct run *run, const struct story_line *line, char **words, GString *got)
{
    char *expected = g_strjoinv(" ", words);

    if (strcmp(expected, got->str) != 0) fail(run, line, "expected %s, got %s", line->text, got->str);
    g_free(expected);
    g_string_free(got, TRUE);
}

static void expect_reasons(struct run *run, const struct story_line *line, char **words)
{
    GString *text = g_string_new(NULL);
    char **got;

    rig_reasons_text(text, run->conn, &run->view);
    got = g_strsplit(text->str, " ", -1);
    for (; *words; words++) {
        bool wanted = **words != '!', found = false;
        const char *name = *words + !wanted;

        for (char **reason = got; *reason; reason++) {
            const char *bare = strchr(*reason, ':');

            found = found || strcmp(*reason, name) == 0 || (bare && strcmp(bare + 1, name) == 0);
        }
        if (found != wanted) fail(run, line, "expected %s, got %s", line->text, text->str);
    }
    g_strfreev(got);
    g_string_free(text, TRUE);
}

static void expect_path(struct run *run, const struct story_line *line, char **words)
{
    GString *got = g_string_new(NULL);
    unsigned client = run->view.client_end;
    unsigned end = strcmp(words[0], "client") == 0 ? client : !client;

    rig_path_text(got, &run->path[end]);
    expect_text(run, line, words + 1, got);
}

static void expect_corrections(struct run *run, const struct story_line *line, char **words)
{
    GString *got = g_string_new(NULL);
    struct tcps_event event;

    for (unsigned i = 0; tcps_event_at(run->conn, &run->view, run->sender, i, &event); i++)
        if (event.taken_back)
            g_string_append_printf(got, "%s%u", got->len ? " " : "", event.taken_back / STORY_FRAMES_APART);
    if (!got->len) g_string_append(got, "none");
    expect_text(run, line, words, got);
}

static void expect_roles(struct run *run, const struct story_line *line, char **words)
{
    if (words[1]) run->client_side = words[1][0] == 'S';
    if (run->view.role_basis != rig_role_basis_named(words[0]) || run->view.client_end != end_of(run, run->client_side))
        fail(run, line, "expected %s, got %s, and the client is %c", line->text,
             tcps_role_basis_name(run->view.role_basis), run->view.client_end == end_of(run, 0) ? 'C' : 'S');
}

static void expect(struct run *run, const struct story_line *line)
{
    const char *what = line->words[0];
    char **rest = line->words + 1;

    if (strcmp(what, "client") == 0) {
        expect_states(run, line, line->words, false);
    } else if (strcmp(what, "before") == 0) {
        expect_states(run, line, rest, true);
    } else if (strcmp(what, "trans") == 0) {
        GString *got = g_string_new(NULL);

        rig_transitions_text(got, run->conn, &run->view, run->sender);
        expect_text(run, line, rest, got);
    } else if (strcmp(what, "why") == 0) {
        expect_reasons(run, line, rest);
    } else if (strcmp(what, "path") == 0) {
        expect_path(run, line, rest);
    } else if (strcmp(what, "corrects") == 0) {
        expect_corrections(run, line, rest);
    } else if (strcmp(what, "incarnation") == 0) {
        if (tcps_incarnation(run->conn) != (uint32_t)atoi(rest[0]))
            fail(run, line, "expected %s, got %u", line->text, tcps_incarnation(run->conn));
    } else {
        expect_roles(run, line, rest);
    }
}

/* ---- running ---- */

static void open_run(struct run *run, const struct story *story, const uint32_t iss[2], uint8_t c_end)
{
    *run = (struct run){.story = story, .random = 12345};
    story_teller_open(&run->teller, story, iss, c_end);
    rig_heap_open(&run->heap);
    run->memory = rig_heap_memory(&run->heap);
    for (uint8_t side = 0; side < 2; side++) run->flow.first.ports[end_of(run, side)] = story->ports[side];
    run->shown = g_array_new(FALSE, FALSE, sizeof(struct shown));
    run->trace = g_string_new(NULL);
    run->failure = g_string_new(NULL);
}

static char *close_run(struct run *run)
{
    for (unsigned end = 0; end < 2; end++) rig_path_close(&run->path[end]);
    story_teller_close(&run->teller);
    g_array_free(run->shown, TRUE);
    g_string_free(run->trace, TRUE);
    rig_heap_close(&run->heap);
    return g_string_free(run->failure, FALSE);
}

/* Runs a story once. Returns what went wrong, "" if nothing. */
static char *run_once(const struct story *story, const uint32_t iss[2], uint8_t c_end)
{
    struct run run;

    open_run(&run, story, iss, c_end);
    for (guint i = 0; i < story->lines->len && !run.failure->len; i++) {
        const struct story_line *line = g_ptr_array_index(story->lines, i);

        if (line->kind == STORY_EXPECT)
            expect(&run, line);
        else
            feed(&run, line);
    }
    if (!run.failure->len) ask_all_again(&run);
    return close_run(&run);
}

static void run_story(gconstpointer data)
{
    const struct story *story = data;
    unsigned runs = 0, failures = 0;
    char *first = NULL;

    for (uint8_t c_end = 0; c_end < 2; c_end++) {
        for (unsigned i = 0; i < G_N_ELEMENTS(iss_pairs); i++) {
            char *failure = run_once(story, iss_pairs[i], c_end);

            runs++;
            if (*failure) failures++;
            if (*failure && !first)
                first = failure;
            else
                g_free(failure);
        }
    }
    if (!first) return;
    /* Not g_printerr(), which writes "?" for "→" where the locale is not UTF-8. */
    fprintf(stderr, "\n%s:%u: %s\n%s  %u of %u runs failed, this is the first\n", story->file, story->number,
            story->title, first, failures, runs);
    g_free(first);
    g_test_fail();
}

/* A test's path must not hold what GLib or ctest take for more than a name. */
static char *test_name(const struct story *story)
{
    char *base = g_path_get_basename(story->file), *title = g_strdup(story->title), *name;

    g_strcanon(title, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,", '_');
    base[strcspn(base, ".")] = '\0';
    name = g_strdup_printf("/stories/%s/%u_%s", base, story->number, title);
    g_free(base);
    g_free(title);
    return name;
}

int main(int argc, char **argv)
{
    GPtrArray *files;
    int result;

    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions(); /* one wrong story must not hide the others */
    if (argc < 2) {
        g_printerr("usage: %s [GLib test options] STORY...\n", argv[0]);
        return 2;
    }
    files = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
    for (int i = 1; i < argc; i++) {
        GPtrArray *stories = story_file_read(argv[i]);

        if (stories->len == 0) g_error("%s holds no story", argv[i]);
        g_ptr_array_add(files, stories);
        for (guint j = 0; j < stories->len; j++) {
            char *name = test_name(g_ptr_array_index(stories, j));

            g_test_add_data_func(name, g_ptr_array_index(stories, j), run_story);
            g_free(name);
        }
    }
    result = g_test_run();
    g_ptr_array_free(files, TRUE);
    return result;
}
