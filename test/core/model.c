/* Conversations that nobody wrote down: two hosts after RFC 9293 (model_host.c) talk over a path that loses, reorders
 * and duplicates (model_world.c); an observer at a random point of it captures, and may miss packets. The core sees
 * what was captured and must tell each host's whole path of states - wherever a perfect observer at that point could
 * know it (model_knowable.c). A seed that fails is printed as a story. Look next: model_knowable.h; test/kernel does
 * the same with real kernels.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model_knowable.h"
#include "rig.h"

/* ---- the core's answer ---- */

struct answer {
    struct rig_heap heap;
    struct tcps_flow flow;
    struct rig_path path[2];
    bool opened[2];
    GString *shown;    /* per packet, for messages */
    char *false_claim; /* a state shown as observed in which the host had never been; NULL: none */
};

static bool had_been_in(const struct host *host, enum tcps_state state, int64_t by)
{
    if (state == host->initial) return true;
    for (unsigned i = 0; i < host->steps; i++)
        if (host->path[i].state == state && host->path[i].time <= by) return true;
    return false;
}

static void check_claims(const struct world *world, struct answer *answer, unsigned number,
                         const struct tcps_view *view, int64_t now)
{
    for (unsigned end = 0; end < 2 && !answer->false_claim; end++) {
        if (view->basis[end] != TCPS_BASIS_observed || had_been_in(&world->host[end], view->state[end], now)) continue;
        if (world_hides_claim(world, &world->host[end], number, now)) continue;
        answer->false_claim = g_strdup_printf("packet %u: %s is shown in %s (observed), and never was", number + 1,
                                              end ? "the server" : "the client", tcps_state_name(view->state[end]));
    }
}

static void ask_core(const struct world *world, struct answer *answer)
{
    struct tcps_memory memory;

    *answer = (struct answer){.flow.first.ports = {50000, 80}, .shown = g_string_new(NULL)};
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

    for (unsigned i = world_first_step(world, host); i < host->steps; i++)
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
    int64_t time = world->captured_count ? world->captured[0].seg.time - 10 * MODEL_MS : 0;

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
    const char *why = answer->opened[end] ? world_hides_path(world, host) : "nothing-captured";
    char *expected, *what = NULL;
    GString *got;

    if (!why && host->steps == 0 && !world_shows_rst(world, end))
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

    world_make(&world, seed);
    world_run(&world);
    world_begin_late(&world);
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

/* Ordinary packets take a short way through the core (conn.quiet). It must lead where the long one leads: the same
 * facts, the same log. */
static bool same_facts(struct tcps_endpoint a, struct tcps_endpoint b)
{
    /* Who has shown itself synchronized needs no ACK of its SYN: mid-stream the short way does not note it. */
    if (tcps_has(&a, TCPS_SYNCHRONIZED)) a.known |= TCPS_SYN_ACKED;
    if (tcps_has(&b, TCPS_SYNCHRONIZED)) b.known |= TCPS_SYN_ACKED;
    return memcmp(&a, &b, sizeof a) == 0;
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
                           tcps_reason_name(tcps_entry_why(&thorough->log.entries[thorough->log.count - 1], 0)),
                           tcps_reason_name(tcps_entry_why(&thorough->log.entries[thorough->log.count - 1], 1)));
    g_test_message("seed %u, packet %u: %s", seed, number + 1, text->str);
    g_string_free(text, TRUE);
}

static void feed_both_ways(const struct world *world, uint32_t seed)
{
    struct rig_heap heap;
    struct tcps_memory memory;
    struct tcps_flow quick = {.first.ports = {50000, 80}}, thorough = quick;

    rig_heap_open(&heap);
    memory = rig_heap_memory(&heap);
    for (unsigned i = 0; i < world->captured_count; i++) {
        struct tcps_segment seg = world->captured[i].seg;
        const struct tcps_conn *a, *b;

        seg.at.frame = i + 1;
        tcps_newest(&thorough)->quiet = 0;
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
        world_make(&world, seed);
        world_run(&world);
        world_begin_late(&world);
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

    for (uint32_t i = 0; i < count; i++) run_seed(first ? first : i + 1, &tally, tally.failed < TOLD);
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
