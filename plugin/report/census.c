/* The census: how many endpoints are in each state, as netstat counts them, but from the capture: at its end, or at the
 * end of each interval, ready for gnuplot. TIME_WAIT ends after 2MSL of the capture's clock (rule 9).
 * Look next: gathering.h, for when a state is over.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "kinds.h"

/* ---- at the end ---- */

struct census_row {
    unsigned state;
    uint64_t client, server;
};

enum { E_STATE, E_CLIENT, E_SERVER, E_ALL, E_COLUMNS };

static const struct tcpstate_column end_columns[E_COLUMNS] = {
    {"state", "state", TCPSTATE_COLUMN_TEXT, false, false, NULL},
    {"client", "clients", TCPSTATE_COLUMN_NUMBER, false, false, NULL},
    {"server", "servers", TCPSTATE_COLUMN_NUMBER, false, false, NULL},
    {"endpoints", "endpoints", TCPSTATE_COLUMN_NUMBER, false, false, NULL},
};

static void fill_end(const void *item, struct tcpstate_cell *cells)
{
    const struct census_row *row = item;

    tcpstate_cell_text(&cells[E_STATE], tcps_state_name(row->state));
    tcpstate_cell_number(&cells[E_CLIENT], row->client);
    tcpstate_cell_number(&cells[E_SERVER], row->server);
    tcpstate_cell_number(&cells[E_ALL], row->client + row->server);
}

static void count_at_end(const struct tcpstate_report_input *input, struct tcpstate_document *document)
{
    const GPtrArray *connections = input->gathering->connections;
    GArray *rows = g_array_new(FALSE, FALSE, sizeof(struct census_row));
    uint64_t counts[TCPS_STATE_COUNT][2] = {{0}};

    for (guint i = 0; i < connections->len; i++) {
        const struct tcpstate_connection *connection = g_ptr_array_index(connections, i);
        uint32_t last = connection->conn->log.count - 1;

        for (unsigned end = 0; end < 2; end++) {
            const struct tcps_entry *since = tcpstate_entered(connection->conn, last, end);
            unsigned state =
                tcpstate_state_at(connection, tcps_entry_state(since, end), since->time, input->gathering->end);

            counts[state][end != tcpstate_client_end(connection)]++;
        }
    }
    for (unsigned state = 0; state < TCPS_STATE_COUNT; state++) {
        struct census_row row = {.state = state, .client = counts[state][0], .server = counts[state][1]};

        if (row.client + row.server) g_array_append_val(rows, row);
    }
    tcpstate_document_add(document, (struct tcpstate_table){.key = "census",
                                                            .title = "Endpoints per state at the end of the capture",
                                                            .nothing = "No TCP connection.",
                                                            .columns = end_columns,
                                                            .column_count = E_COLUMNS,
                                                            .items = rows,
                                                            .fill = fill_end});
    tcpstate_document_note(document, "The capture lasts %.3f s; TIME_WAIT is taken to end after %u s (2MSL).",
                           (double)(input->gathering->end - input->gathering->start) / 1e9,
                           tcpstate_preferences()->two_msl);
}

/* ---- per interval ---- */

/* Where netstat's names are too long for 80 columns. X(state, heading) */
/* clang-format off */
#define COUNTED_STATES(X)                                                                                              \
    X(SYN_SENT, "SYN_S") X(SYN_RECEIVED, "SYN_R") X(ESTABLISHED, "ESTAB") X(FIN_WAIT_1, "FIN_1")                       \
    X(FIN_WAIT_2, "FIN_2") X(CLOSE_WAIT, "CLO_W") X(CLOSING, "CLSNG") X(LAST_ACK, "L_ACK") X(TIME_WAIT, "TIM_W")
/* clang-format on */

static const unsigned counted_states[] = {
#define X(name, heading) TCPS_##name,
    COUNTED_STATES(X)
#undef X
};

enum { S_TIME, S_CONNECTIONS, S_STATES, S_COLUMNS = S_STATES + G_N_ELEMENTS(counted_states) };

static const struct tcpstate_column series_columns[S_COLUMNS] = {
    {"time", "time", TCPSTATE_COLUMN_SECONDS, false, false, NULL},
    {"connections", "conns", TCPSTATE_COLUMN_NUMBER, false, false, NULL},
#define X(name, heading) {#name, heading, TCPSTATE_COLUMN_NUMBER, false, false, NULL},
    COUNTED_STATES(X)
#undef X
};

enum { MOST_INTERVALS = 100000 }; /* a day in seconds; clocks that jump would else fill the disk */

struct census_moment {
    int64_t time;
    int32_t connections;
    int32_t states[TCPS_STATE_COUNT];
};

static void fill_series(const void *item, struct tcpstate_cell *cells)
{
    const struct census_moment *moment = item;

    tcpstate_cell_duration(&cells[S_TIME], moment->time);
    tcpstate_cell_number(&cells[S_CONNECTIONS], (uint64_t)moment->connections);
    for (unsigned i = 0; i < G_N_ELEMENTS(counted_states); i++)
        tcpstate_cell_number(&cells[S_STATES + i], (uint64_t)moment->states[counted_states[i]]);
}

/* The moments of a series: at first how each differs from the one before, then the counts. */
struct series {
    GArray *moments;
    int64_t start, interval;
};

static struct census_moment *moment_at(const struct series *series, int64_t time)
{
    int64_t index = time <= series->start ? 0 : (time - series->start + series->interval - 1) / series->interval;

    if (index >= series->moments->len) return NULL;
    return &g_array_index(series->moments, struct census_moment, index);
}

static void move_state(const struct series *series, int64_t time, unsigned from, unsigned to)
{
    struct census_moment *moment = moment_at(series, time);

    if (!moment || from == to) return;
    moment->states[from]--;
    moment->states[to]++;
}

/* A connection counts while an end of it is between its SYN and the end of its close. */
static bool is_alive(unsigned state)
{
    return state != TCPS_UNKNOWN && state != TCPS_CLOSED && state != TCPS_LISTEN && state != TCPS_TIME_WAIT;
}

static void count_alive(const struct series *series, int64_t time, bool was, bool is)
{
    struct census_moment *moment = moment_at(series, time);

    if (moment && was != is) moment->connections += is ? 1 : -1;
}

/* When TIME_WAIT, entered at `since`, ends; or the connection, whatever its state. */
static int64_t over_at(const struct tcpstate_connection *connection, unsigned state, int64_t since)
{
    int64_t replaced = tcpstate_replaced_at(connection);
    int64_t expired = state == TCPS_TIME_WAIT ? since + tcpstate_preferences()->two_msl * TCPS_SECOND : INT64_MAX;

    return MIN(replaced, expired);
}

static void add_end(const struct series *series, const struct tcpstate_connection *connection, unsigned end)
{
    const struct tcps_log *log = &connection->conn->log;
    unsigned state = TCPS_UNKNOWN;
    int64_t since = log->entries[0].time;

    for (uint32_t i = 0; i < log->count; i++) {
        unsigned next = tcps_entry_state(&log->entries[i], end);

        if (next == state) continue;
        move_state(series, log->entries[i].time, state, next);
        state = next;
        since = log->entries[i].time;
    }
    if (over_at(connection, state, since) != INT64_MAX)
        move_state(series, over_at(connection, state, since), state, TCPS_CLOSED);
}

static void add_connection(const struct series *series, const struct tcpstate_connection *connection)
{
    const struct tcps_log *log = &connection->conn->log;
    bool alive = false;

    add_end(series, connection, 0);
    add_end(series, connection, 1);
    for (uint32_t i = 0; i < log->count; i++) {
        bool now = is_alive(tcps_entry_state(&log->entries[i], 0)) || is_alive(tcps_entry_state(&log->entries[i], 1));

        count_alive(series, log->entries[i].time, alive, now);
        alive = now;
    }
    if (alive && tcpstate_replaced_at(connection) != INT64_MAX)
        count_alive(series, tcpstate_replaced_at(connection), true, false);
}

static void add_up(const struct series *series)
{
    for (guint i = 0; i < series->moments->len; i++) {
        struct census_moment *moment = &g_array_index(series->moments, struct census_moment, i);

        moment->time = series->interval * i;
        if (i == 0) continue;
        moment->connections += moment[-1].connections;
        for (unsigned state = 0; state < TCPS_STATE_COUNT; state++) moment->states[state] += moment[-1].states[state];
    }
}

static void count_per_interval(const struct tcpstate_report_input *input, struct tcpstate_document *document)
{
    const struct tcpstate_gathering *gathering = input->gathering;
    int64_t lasts = gathering->end - gathering->start;
    int64_t wanted = MAX((int64_t)(input->argument * 1e9), 1);
    struct series series = {.start = gathering->start, .interval = MAX(wanted, lasts / MOST_INTERVALS + 1)};

    if (lasts / wanted < MOST_INTERVALS) series.interval = wanted;
    series.moments = g_array_new(FALSE, TRUE, sizeof(struct census_moment));
    if (gathering->connections->len)
        g_array_set_size(series.moments, (guint)((lasts + series.interval - 1) / series.interval + 1));
    for (guint i = 0; i < gathering->connections->len; i++)
        add_connection(&series, g_ptr_array_index(gathering->connections, i));
    add_up(&series);
    document->for_plotting = true;
    tcpstate_document_add(
        document,
        (struct tcpstate_table){.key = "census",
                                .title = "Connections that are not over, and endpoints per state, at these seconds",
                                .nothing = "No TCP connection.",
                                .columns = series_columns,
                                .column_count = S_COLUMNS,
                                .items = series.moments,
                                .fill = fill_series});
    if (series.interval != wanted)
        tcpstate_document_note(document, "The interval is %.9g s, for at most %d lines.", (double)series.interval / 1e9,
                               MOST_INTERVALS);
}

void tcpstate_report_census(const struct tcpstate_report_input *input, struct tcpstate_document *document)
{
    if (input->argument > 0)
        count_per_interval(input, document);
    else
        count_at_end(input, document);
}
