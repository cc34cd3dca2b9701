/* One line per RST: was it valid, what was its cause, what was lost by it.
 * A copy of a RST, and one whose header no TCP sends, are not listed: the log knows no flags.
 * Look next: core/reset_words.h, the words for validity and cause.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "kinds.h"

#include "core/explain.h"
#include "core/notable.h"
#include "core/reset_words.h"

struct reset {
    const struct tcpstate_connection *connection;
    uint32_t frame;
    uint8_t layer, sender;
    int64_t time;
};

enum {
    R_STREAM,
    R_INCARNATION,
    R_CLIENT,
    R_SERVER,
    R_SENDER,
    R_FRAME,
    R_TIME,
    R_VALIDITY,
    R_CAUSE,
    R_BEFORE,
    R_CLIENT_LOST,
    R_SERVER_LOST,
    R_COLUMNS
};

/* First which RST, then what it did: in text, a line each. The states are not the last, since they are wide: a window
 * gives its last column only what the others leave. */
static const struct tcpstate_column columns[R_COLUMNS] = {
    TCPSTATE_STREAM_COLUMNS,
    TCPSTATE_END_COLUMNS,
    {"sender", "from", TCPSTATE_COLUMN_TEXT, false, false, "Sender"},
    {"frame", "frame", TCPSTATE_COLUMN_NUMBER, false, false, NULL},
    {"time", "at", TCPSTATE_COLUMN_DURATION, false, false, "Time"},
    {"validity", "validity", TCPSTATE_COLUMN_TEXT, true, false, NULL},
    {"cause", "cause", TCPSTATE_COLUMN_TEXT, false, false, NULL},
    {"states_before", "states before", TCPSTATE_COLUMN_TEXT, false, false, NULL},
    {"client_unacked", "C lost", TCPSTATE_COLUMN_NUMBER, false, true, "Client lost"},
    {"server_unacked", "S lost", TCPSTATE_COLUMN_NUMBER, false, true, "Server lost"},
};

/* The facts are those of the last packet, so what is lost can be told of the RST that closed for good. */
static bool closed_for_good(const struct reset *reset)
{
    struct tcps_closing closing;

    tcps_closing_of(reset->connection->conn, reset->connection->conn->log.count, &closing);
    return closing.rst.frame == reset->frame;
}

static void fill(const void *item, struct tcpstate_cell *cells)
{
    const struct reset *reset = item;
    const struct tcpstate_connection *connection = reset->connection;
    struct tcps_position at = {.frame = reset->frame, .layer = reset->layer};
    unsigned client = tcpstate_client_end(connection);
    struct tcps_view view;

    tcps_conn_view(connection->conn, at, &view);
    tcpstate_cells_stream(&cells[R_STREAM], connection);
    tcpstate_cells_ends(&cells[R_CLIENT], connection);
    tcpstate_cell_frame(&cells[R_FRAME], reset->frame);
    tcpstate_cell_duration(&cells[R_TIME], reset->time);
    tcpstate_cell_text(&cells[R_SENDER], tcps_role_name(reset->sender, client));
    tcpstate_cell_text(&cells[R_VALIDITY],
                       tcps_rst_validity_name(tcps_rst_validity_of(connection->conn, &view, reset->sender)));
    tcpstate_cell_text(&cells[R_CAUSE], tcps_rst_cause_name(tcps_rst_cause_of(connection->conn, &view, reset->sender)));
    tcpstate_cell_format(&cells[R_BEFORE], "%s:%s", tcps_state_name(view.before[client]),
                         tcps_state_name(view.before[!client]));
    if (!closed_for_good(reset)) return;
    tcpstate_cell_number(&cells[R_CLIENT_LOST], tcps_unacked(connection->conn, client));
    tcpstate_cell_number(&cells[R_SERVER_LOST], tcps_unacked(connection->conn, !client));
}

static void add_resets(GArray *items, const struct tcpstate_connection *connection, int64_t capture_start)
{
    const struct tcps_log *log = &connection->conn->log;
    struct reset reset = {.connection = connection};

    for (uint32_t i = 0; i < log->count; i++) {
        const struct tcps_entry *entry = &log->entries[i];
        int sender = tcps_reset_sender(connection->conn, i);

        if (sender < 0 || (reset.frame == entry->frame && reset.layer == entry->layer)) continue;
        reset.frame = entry->frame;
        reset.layer = entry->layer;
        reset.sender = (uint8_t)sender;
        reset.time = entry->time - capture_start;
        g_array_append_val(items, reset);
    }
}

static gint by_frame(gconstpointer one, gconstpointer other)
{
    const struct reset *a = one, *b = other;

    if (a->frame != b->frame) return a->frame < b->frame ? -1 : 1;
    return a->layer - b->layer;
}

static void count_causes(const GArray *items, struct tcpstate_document *document)
{
    uint64_t counts[TCPS_CAUSE_COUNT] = {0};

    for (guint i = 0; i < items->len; i++) {
        const struct reset *reset = &g_array_index(items, struct reset, i);
        struct tcps_position at = {.frame = reset->frame, .layer = reset->layer};
        struct tcps_view view;

        tcps_conn_view(reset->connection->conn, at, &view);
        counts[tcps_rst_cause_of(reset->connection->conn, &view, reset->sender)]++;
    }
    for (unsigned cause = TCPS_CAUSE_none + 1; cause < TCPS_CAUSE_COUNT; cause++)
        if (counts[cause])
            tcpstate_document_count(document, "causes", "Causes", tcps_rst_cause_name(cause), counts[cause]);
}

void tcpstate_report_resets(const struct tcpstate_report_input *input, struct tcpstate_document *document)
{
    const GPtrArray *connections = input->gathering->connections;
    GArray *items = g_array_new(FALSE, FALSE, sizeof(struct reset));

    for (guint i = 0; i < connections->len; i++)
        add_resets(items, g_ptr_array_index(connections, i), input->gathering->start);
    g_array_sort(items, by_frame);
    tcpstate_document_add(document, (struct tcpstate_table){.key = "resets",
                                                            .title = "Resets",
                                                            .nothing = "No RST.",
                                                            .columns = columns,
                                                            .column_count = R_COLUMNS,
                                                            .items = items,
                                                            .fill = fill});
    count_causes(items, document);
}
