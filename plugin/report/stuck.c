/* Endpoints that have waited too long at the end of the capture, and who must act next: the tool for CLOSE_WAIT leaks,
 * peers that vanished, and half-open connections. Look next: gathering.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "kinds.h"

#include <string.h>

#include "core/explain.h"

struct stuck {
    const struct tcpstate_connection *connection;
    unsigned end;
    uint32_t frame; /* since then */
    int64_t waits;
};

enum {
    K_STREAM,
    K_INCARNATION,
    K_CLIENT,
    K_SERVER,
    K_WHO,
    K_STATE,
    K_SINCE,
    K_WAITS,
    K_MUST_ACT,
    K_SENTENCE,
    K_COLUMNS
};

static const struct tcpstate_column columns[K_COLUMNS] = {
    TCPSTATE_STREAM_COLUMNS,
    TCPSTATE_END_COLUMNS,
    {"who", "who", TCPSTATE_COLUMN_TEXT, true, false, NULL},
    {"state", "state", TCPSTATE_COLUMN_TEXT, false, false, NULL},
    {"since", "since", TCPSTATE_COLUMN_NUMBER, false, false, "Since frame"},
    {"waits", "waits", TCPSTATE_COLUMN_DURATION, false, false, NULL},
    {"must_act", "must act", TCPSTATE_COLUMN_TEXT, false, false, NULL},
    {"sentence", "", TCPSTATE_COLUMN_SENTENCE, false, false, "In words"},
};

/* {me} and {peer} are roles, {time} how long, {fin} and {pfin} the frames of the FINs, {since} that of the state.
 * X(state, whose part must act: me or peer, which part, sentence) */
#define WAITING(X)                                                                                                     \
    X(SYN_RECEIVED, peer, "host", "the {peer} has not acknowledged the {me}'s SYN,ACK for {time} (frame {since})")     \
    X(CLOSE_WAIT, me, "application",                                                                                   \
      "the {me}'s application has not closed its socket for {time} after the {peer}'s FIN (frame {pfin})")             \
    X(FIN_WAIT_1, peer, "host", "the {peer} has not acknowledged the {me}'s FIN for {time} (frame {fin})")             \
    X(FIN_WAIT_2, peer, "application",                                                                                 \
      "the {me} has waited {time} for the {peer}'s FIN since its own was acknowledged (frame {since})")                \
    X(CLOSING, peer, "host", "the {peer} has not acknowledged the {me}'s FIN for {time} (frame {fin})")                \
    X(LAST_ACK, peer, "host", "the {peer} has not acknowledged the {me}'s FIN for {time} (frame {fin})")

struct waiting {
    unsigned state;
    bool me_acts;
    const char *part, *sentence;
};

enum { me = true, peer = false };

static const struct waiting *waiting_in(unsigned state)
{
    static const struct waiting list[] = {
#define X(state, who, part, sentence) {TCPS_##state, who, part, sentence},
        WAITING(X)
#undef X
    };

    for (size_t i = 0; i < G_N_ELEMENTS(list); i++)
        if (list[i].state == state) return &list[i];
    return NULL;
}

/* The frame of the FIN that `end` sent, and without one, that of the state. */
static uint32_t fin_frame(const struct stuck *stuck, unsigned end)
{
    const struct tcps_log *log = &stuck->connection->conn->log;

    for (uint32_t i = 0; i < log->count; i++)
        if (tcps_entry_why(&log->entries[i], end) == TCPS_WHY_FIN_SENT) return log->entries[i].frame;
    return stuck->frame;
}

/* The value of the placeholder that `text` begins with, in `value`; returns how long the placeholder is, 0: none. */
static size_t placeholder(const char *text, const struct stuck *stuck, char *value, size_t size)
{
    unsigned client = tcpstate_client_end(stuck->connection);
    size_t length = strcspn(text, "}") + 1;

    if (strncmp(text, "{me}", length) == 0)
        g_strlcpy(value, tcps_role_name(stuck->end, client), size);
    else if (strncmp(text, "{peer}", length) == 0)
        g_strlcpy(value, tcps_role_name(!stuck->end, client), size);
    else if (strncmp(text, "{time}", length) == 0)
        tcpstate_duration_text(stuck->waits, value);
    else if (strncmp(text, "{since}", length) == 0)
        g_snprintf(value, (gulong)size, "%u", stuck->frame);
    else if (strncmp(text, "{fin}", length) == 0)
        g_snprintf(value, (gulong)size, "%u", fin_frame(stuck, stuck->end));
    else
        g_snprintf(value, (gulong)size, "%u", fin_frame(stuck, !stuck->end));
    return length;
}

static void spell_out(const char *sentence, const struct stuck *stuck, struct tcpstate_cell *cell)
{
    GString *text = g_string_new(NULL);
    char value[TCPSTATE_NUMBER_SIZE];

    while (*sentence) {
        if (*sentence == '{') {
            sentence += placeholder(sentence, stuck, value, sizeof value);
            g_string_append(text, value);
        } else {
            g_string_append_c(text, *sentence++);
        }
    }
    tcpstate_cell_format(cell, "%s", text->str);
    g_string_free(text, TRUE);
}

static void fill(const void *item, struct tcpstate_cell *cells)
{
    const struct stuck *stuck = item;
    unsigned client = tcpstate_client_end(stuck->connection);
    unsigned state = tcps_entry_state(tcpstate_last_entry(stuck->connection), stuck->end);
    const struct waiting *waiting = waiting_in(state);
    unsigned actor = waiting && waiting->me_acts ? stuck->end : !stuck->end;

    if (!waiting) return; /* only who waits gets a row */
    tcpstate_cells_stream(&cells[K_STREAM], stuck->connection);
    tcpstate_cells_ends(&cells[K_CLIENT], stuck->connection);
    tcpstate_cell_text(&cells[K_WHO], tcps_role_name(stuck->end, client));
    tcpstate_cell_text(&cells[K_STATE], tcps_state_name(state));
    tcpstate_cell_frame(&cells[K_SINCE], stuck->frame);
    tcpstate_cell_duration(&cells[K_WAITS], stuck->waits);
    tcpstate_cell_format(&cells[K_MUST_ACT], "%s %s", tcps_role_name(actor, client), waiting->part);
    spell_out(waiting->sentence, stuck, &cells[K_SENTENCE]);
}

static gint longest_first(gconstpointer one, gconstpointer other)
{
    int64_t a = ((const struct stuck *)one)->waits, b = ((const struct stuck *)other)->waits;

    return (a < b) - (a > b);
}

static void add_end(GArray *items, const struct tcpstate_connection *connection, unsigned end, int64_t capture_end,
                    int64_t limit)
{
    const struct tcps_entry *since = tcpstate_entered(connection->conn, connection->conn->log.count - 1, end);
    struct stuck stuck = {
        .connection = connection, .end = end, .frame = since->frame, .waits = capture_end - since->time};

    if (!waiting_in(tcps_entry_state(since, end)) || stuck.waits < limit) return;
    if (tcpstate_replaced_at(connection) != INT64_MAX) return;
    g_array_append_val(items, stuck);
}

void tcpstate_report_stuck(const struct tcpstate_report_input *input, struct tcpstate_document *document)
{
    const GPtrArray *connections = input->gathering->connections;
    GArray *items = g_array_new(FALSE, FALSE, sizeof(struct stuck));
    double seconds = input->argument > 0 ? input->argument : tcpstate_preferences()->stuck_seconds;

    for (guint i = 0; i < connections->len; i++)
        for (unsigned end = 0; end < 2; end++)
            add_end(items, g_ptr_array_index(connections, i), end, input->gathering->end,
                    (int64_t)(seconds * TCPS_SECOND));
    g_array_sort(items, longest_first);
    tcpstate_document_add(document, (struct tcpstate_table){.key = "stuck",
                                                            .title = "Endpoints that wait at the end of the capture",
                                                            .nothing = "No endpoint waits.",
                                                            .columns = columns,
                                                            .column_count = K_COLUMNS,
                                                            .items = items,
                                                            .fill = fill});
    tcpstate_document_note(document,
                           "Shown are waits of %g s and longer; the capture ends %.3f s after its first frame.",
                           seconds, (double)(input->gathering->end - input->gathering->start) / 1e9);
}
