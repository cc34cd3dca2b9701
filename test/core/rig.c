/* What the core's tests share. See rig.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "rig.h"

#include <string.h>

#include "core/explain.h"

/* ---- memory ---- */

static void *rig_resize(void *context, void *old, size_t old_bytes, size_t bytes)
{
    struct rig_heap *heap = context;
    void *block;

    heap->calls++;
    if (heap->refuse && heap->calls % heap->refuse == 0) {
        heap->refusals++;
        return NULL;
    }
    block = g_malloc(bytes);
    if (old) {
        memcpy(block, old, MIN(old_bytes, bytes)); /* under the sanitizers a wrong size is seen */
        g_assert_true(g_hash_table_remove(heap->blocks, old));
        g_free(old);
    }
    g_hash_table_add(heap->blocks, block);
    return block;
}

void rig_heap_open(struct rig_heap *heap)
{
    *heap = (struct rig_heap){.blocks = g_hash_table_new(g_direct_hash, g_direct_equal)};
}

struct tcps_memory rig_heap_memory(struct rig_heap *heap)
{
    return (struct tcps_memory){.resize = rig_resize, .context = heap};
}

void rig_heap_close(struct rig_heap *heap)
{
    GHashTableIter blocks;
    gpointer block;

    g_hash_table_iter_init(&blocks, heap->blocks);
    while (g_hash_table_iter_next(&blocks, &block, NULL)) g_free(block);
    g_hash_table_destroy(heap->blocks);
    heap->blocks = NULL;
}

/* ---- comparing and naming ---- */

bool rig_views_equal(const struct tcps_view *a, const struct tcps_view *b)
{
    for (int end = 0; end < 2; end++)
        if (a->state[end] != b->state[end] || a->basis[end] != b->basis[end] || a->before[end] != b->before[end] ||
            a->before_basis[end] != b->before_basis[end] || a->since[end] != b->since[end] ||
            a->since_time[end] != b->since_time[end])
            return false;
    return a->first_entry == b->first_entry && a->entries == b->entries && a->client_end == b->client_end &&
           a->role_basis == b->role_basis;
}

static int named(const char *name, unsigned count, const char *(*name_of)(unsigned))
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(name, name_of(i)) == 0) return (int)i;
    return -1;
}

int rig_state_named(const char *name)
{
    return named(name, TCPS_STATE_COUNT, tcps_state_name);
}

int rig_reason_named(const char *name)
{
    return named(name, TCPS_REASON_COUNT, tcps_reason_name);
}

int rig_basis_named(const char *name)
{
    return named(name, TCPS_BASIS_assumed + 1, tcps_basis_name);
}

int rig_role_basis_named(const char *name)
{
    return named(name, TCPS_ROLE_first + 1, tcps_role_basis_name);
}

/* ---- text ---- */

void rig_flags_text(GString *out, unsigned flags)
{
    static const char *const names[] = {"FIN", "SYN", "RST", "PSH", "ACK"};
    gsize start = out->len;

    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
        if (flags & 1u << i) g_string_append_printf(out, "%s%s", out->len > start ? "," : "", names[i]);
    if (out->len == start) g_string_append(out, "none");
}

static const struct {
    uint32_t fact;
    const char *name;
} fact_names[] = {
    {TCPS_SEEN, "seen"},
    {TCPS_HAS_ISS, "has_iss"},
    {TCPS_HAS_NUMBERS, "has_numbers"},
    {TCPS_HAS_RCV, "has_rcv"},
    {TCPS_SENT_SYNACK, "sent_synack"},
    {TCPS_SYNCHRONIZED, "synchronized"},
    {TCPS_SYN_ACKED, "syn_acked"},
    {TCPS_HAS_FIN, "has_fin"},
    {TCPS_FIN_DOUBTED, "fin_doubted"},
    {TCPS_FIN_CROSSED, "fin_crossed"},
    {TCPS_RST_GOT, "rst_got"},
    {TCPS_RST_MADE, "rst_made"},
    {TCPS_LISTENS, "listens"},
    {TCPS_OLD_LIFE, "old_life"},
    {TCPS_FAST_OPEN, "fast_open"},
    {TCPS_ALT_ISS, "alt_iss"},
    {TCPS_PRESUMED_OPEN, "presumed_open"},
    {TCPS_HAS_DOUBT, "has_doubt"},
    {TCPS_ASKS_FAST_OPEN, "asks_fast_open"},
};

static void rarities_text(GString *out, const struct tcps_conn *conn, unsigned end, uint32_t mine)
{
    const struct tcps_rarities *rare = conn->rarities;

    if (!rare) return;
    g_string_append_printf(out, "doubt %d hole %d..%d ", (int32_t)(rare->doubt[end] - mine),
                           (int32_t)(rare->hole_start[end] - mine), (int32_t)(rare->hole_end[end] - mine));
}

static void endpoint_text(GString *out, const struct tcps_endpoint *end, uint32_t mine, uint32_t theirs)
{
    g_string_append_printf(out,
                           "iss %d una %d nxt %d rcv_nxt %d rcv_edge %d fin %d fin_ack %d doubts %u "
                           "retracted %u ts %u mark %#x first %u/%u:",
                           (int32_t)(end->iss - mine), (int32_t)(end->snd_una - mine), (int32_t)(end->snd_nxt - mine),
                           (int32_t)(end->rcv_nxt - theirs), (int32_t)(end->rcv_edge - theirs),
                           (int32_t)(end->fin - mine), (int32_t)(end->fin_ack - theirs), end->doubts, end->retractions,
                           end->ts_recent, end->mark, end->first_data, end->first_ack);
    for (unsigned i = 0; i < G_N_ELEMENTS(fact_names); i++)
        if (end->known & fact_names[i].fact) g_string_append_printf(out, " %s", fact_names[i].name);
    g_string_append_printf(out, " (%#x)\n", end->known);
}

void rig_facts_text(GString *out, const struct tcps_conn *conn, const uint32_t base[2])
{
    for (unsigned end = 0; end < 2; end++) {
        g_string_append_printf(out, "    %s: ", tcps_role_name(end, conn->client_end));
        rarities_text(out, conn, end, base[end]);
        endpoint_text(out, &conn->end[end], base[end], base[!end]);
    }
}

void rig_reasons_text(GString *out, const struct tcps_conn *conn, const struct tcps_view *view)
{
    gsize start = out->len;

    for (uint32_t i = 0; i < view->entries; i++) {
        const struct tcps_entry *entry = &conn->log.entries[view->first_entry + i];

        for (unsigned end = 0; end < 2; end++) {
            unsigned why = tcps_entry_why(entry, end);

            if (why == TCPS_WHY_NONE) continue;
            g_string_append_printf(out, "%s%s:%s", out->len > start ? " " : "", tcps_role_name(end, view->client_end),
                                   tcps_reason_name(why));
        }
    }
}

void rig_transitions_text(GString *out, const struct tcps_conn *conn, const struct tcps_view *view, unsigned sender)
{
    gsize start = out->len;
    struct tcps_event event;

    for (unsigned i = 0; tcps_event_at(conn, view, sender, i, &event); i++) {
        char text[64];

        if (!tcps_event_is_transition(&event)) continue;
        tcps_event_text(conn, view, &event, text, sizeof text);
        g_string_append_printf(out, "%s%s", out->len > start ? " " : "", text);
    }
    if (out->len == start) g_string_append(out, "none");
}

/* ---- paths ---- */

void rig_path_open(struct rig_path *path, unsigned initial)
{
    path->initial = (uint8_t)initial;
    path->states = g_array_new(FALSE, FALSE, sizeof(uint8_t));
}

void rig_path_close(struct rig_path *path)
{
    if (path->states) g_array_free(path->states, TRUE);
    path->states = NULL;
}

/* Drops what a correction back to `state` takes back; a state never left before is appended. */
static void take_back(struct rig_path *path, uint8_t state)
{
    for (guint i = path->states->len; i-- > 0;) {
        if (g_array_index(path->states, uint8_t, i) != state) continue;
        g_array_set_size(path->states, i + 1);
        return;
    }
    g_array_set_size(path->states, 0);
    if (state != path->initial) g_array_append_val(path->states, state);
}

void rig_path_follow(struct rig_path *path, const struct tcps_conn *conn, const struct tcps_view *view, unsigned sender,
                     unsigned end)
{
    struct tcps_event event;

    for (unsigned i = 0; tcps_event_at(conn, view, sender, i, &event); i++) {
        if (event.end != end || event.from == event.to || !tcps_event_is_transition(&event)) continue;
        if (tcps_reason_kind(event.why) == TCPS_CORRECTION)
            take_back(path, event.to);
        else
            g_array_append_val(path->states, event.to);
    }
}

void rig_path_text(GString *out, const struct rig_path *path)
{
    for (guint i = 0; i < path->states->len; i++)
        g_string_append_printf(out, "%s%s", i ? " " : "", tcps_state_name(g_array_index(path->states, uint8_t, i)));
    if (path->states->len == 0) g_string_append(out, "none");
}
