/* How long endpoints stay in each state: those stays that ended, and those that the capture's end cut off.
 * Look next: gathering.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "kinds.h"

struct dwell_row {
    unsigned state;
    int64_t half, most, longest; /* p50, p95, the longest */
    uint64_t ended;
    const struct tcpstate_connection *where; /* the longest that ended */
    uint32_t frame;
    uint64_t going_on;
    int64_t so_far;
};

enum { D_STATE, D_ENDED, D_P50, D_P95, D_MAX, D_STREAM, D_FRAME, D_GOING_ON, D_SO_FAR, D_COLUMNS };

static const struct tcpstate_column columns[D_COLUMNS] = {
    {"state", "state", TCPSTATE_COLUMN_TEXT, false, false, NULL},
    {"ended", "ended", TCPSTATE_COLUMN_NUMBER, false, false, "Stays that ended"},
    {"p50", "p50", TCPSTATE_COLUMN_DURATION, false, false, "Median"},
    {"p95", "p95", TCPSTATE_COLUMN_DURATION, false, false, "95th percentile"},
    {"max", "max", TCPSTATE_COLUMN_DURATION, false, false, "Longest"},
    {"stream", "stream", TCPSTATE_COLUMN_NUMBER, false, false, "Longest in stream"},
    {"frame", NULL, TCPSTATE_COLUMN_NUMBER, false, false, "Longest from frame"},
    {"going_on", "at end", TCPSTATE_COLUMN_NUMBER, false, false, "Stays not ended"},
    {"longest_so_far", "longest", TCPSTATE_COLUMN_DURATION, false, false, "Longest not ended"},
};

static void fill(const void *item, struct tcpstate_cell *cells)
{
    const struct dwell_row *row = item;

    tcpstate_cell_text(&cells[D_STATE], tcps_state_name(row->state));
    tcpstate_cell_number(&cells[D_ENDED], row->ended);
    tcpstate_cell_number(&cells[D_GOING_ON], row->going_on);
    if (row->going_on) tcpstate_cell_duration(&cells[D_SO_FAR], row->so_far);
    if (!row->ended) return;
    tcpstate_cell_duration(&cells[D_P50], row->half);
    tcpstate_cell_duration(&cells[D_P95], row->most);
    tcpstate_cell_duration(&cells[D_MAX], row->longest);
    if (row->where->conn->stream != TCPSTATE_NO_STREAM)
        tcpstate_cell_number(&cells[D_STREAM], row->where->conn->stream);
    tcpstate_cell_frame(&cells[D_FRAME], row->frame);
}

/* What a capture says nothing about: how long a socket listened, and since when there is none. */
static bool has_duration(unsigned state)
{
    return state != TCPS_UNKNOWN && state != TCPS_CLOSED && state != TCPS_LISTEN;
}

struct stays {
    struct dwell_row rows[TCPS_STATE_COUNT];
    GArray *times[TCPS_STATE_COUNT]; /* of the stays that ended */
};

static void end_stay(struct stays *stays, const struct tcpstate_connection *connection, unsigned state,
                     const struct tcps_entry *since, int64_t end)
{
    struct dwell_row *row = &stays->rows[state];
    int64_t time = end - since->time;

    if (!has_duration(state)) return;
    g_array_append_val(stays->times[state], time);
    if (row->where && time <= row->longest) return;
    row->longest = time;
    row->where = connection;
    row->frame = since->frame;
}

/* The last state lasts until another connection takes its place, or until the capture ends. */
static void last_stay(struct stays *stays, const struct tcpstate_connection *connection, unsigned state,
                      const struct tcps_entry *since, int64_t capture_end)
{
    int64_t replaced = tcpstate_replaced_at(connection);

    if (replaced != INT64_MAX) {
        end_stay(stays, connection, state, since, replaced);
    } else if (has_duration(state)) {
        stays->rows[state].going_on++;
        stays->rows[state].so_far = MAX(stays->rows[state].so_far, capture_end - since->time);
    }
}

static void add_end(struct stays *stays, const struct tcpstate_connection *connection, unsigned end,
                    int64_t capture_end)
{
    const struct tcps_log *log = &connection->conn->log;
    const struct tcps_entry *since = &log->entries[0];

    for (uint32_t i = 1; i < log->count; i++) {
        unsigned state = tcps_entry_state(since, end);

        if (tcps_entry_state(&log->entries[i], end) == state) continue;
        end_stay(stays, connection, state, since, log->entries[i].time);
        since = &log->entries[i];
    }
    last_stay(stays, connection, tcps_entry_state(since, end), since, capture_end);
}

void tcpstate_report_dwell(const struct tcpstate_report_input *input, struct tcpstate_document *document)
{
    const GPtrArray *connections = input->gathering->connections;
    GArray *rows = g_array_new(FALSE, FALSE, sizeof(struct dwell_row));
    struct stays stays = {.rows = {{0}}};

    for (unsigned state = 0; state < TCPS_STATE_COUNT; state++)
        stays.times[state] = g_array_new(FALSE, FALSE, sizeof(int64_t));
    for (guint i = 0; i < connections->len; i++)
        for (unsigned end = 0; end < 2; end++)
            add_end(&stays, g_ptr_array_index(connections, i), end, input->gathering->end);
    for (unsigned state = 0; state < TCPS_STATE_COUNT; state++) {
        struct dwell_row *row = &stays.rows[state];

        tcpstate_sort_times(stays.times[state]);
        row->state = state;
        row->ended = stays.times[state]->len;
        row->half = tcpstate_percentile(stays.times[state], 50);
        row->most = tcpstate_percentile(stays.times[state], 95);
        if (row->ended || row->going_on) g_array_append_val(rows, *row);
        g_array_unref(stays.times[state]);
    }
    tcpstate_document_add(document, (struct tcpstate_table){.key = "dwell",
                                                            .title = "Time that endpoints stay in each state",
                                                            .nothing = "No TCP connection.",
                                                            .columns = columns,
                                                            .column_count = D_COLUMNS,
                                                            .items = rows,
                                                            .fill = fill});
}
