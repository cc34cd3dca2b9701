/* One line per connection, like Zeek's conn.log: who, when, how long, how it opened and closed, how much.
 * Look next: core/exchange.h, for Zeek's conn_state and history.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "kinds.h"

struct row {
    const struct tcpstate_connection *connection;
    int64_t capture_start;
};

enum {
    N_STREAM,
    N_INCARNATION,
    N_CLIENT,
    N_SERVER,
    N_EPOCH,
    N_START,
    N_DURATION,
    N_STATE,
    N_HISTORY,
    N_OPEN_KIND,
    N_OPEN_STATUS,
    N_CLOSE_KIND,
    N_INITIATOR,
    N_CLIENT_STATE,
    N_SERVER_STATE,
    N_CLIENT_OCTETS,
    N_SERVER_OCTETS,
    N_CLIENT_PACKETS,
    N_SERVER_PACKETS,
    N_ROLE_BASIS,
    N_FIRST_FRAME,
    N_LAST_FRAME,
    N_COLUMNS
};

static const struct tcpstate_column columns[N_COLUMNS] = {
    TCPSTATE_STREAM_COLUMNS,
    TCPSTATE_END_COLUMNS,
    {"ts", NULL, TCPSTATE_COLUMN_SECONDS, false, false, "Start since 1970"},
    {"start", "start", TCPSTATE_COLUMN_DURATION, false, false, "Start in capture"},
    {"duration", "duration", TCPSTATE_COLUMN_DURATION, false, false, NULL},
    {"conn_state", "Zeek", TCPSTATE_COLUMN_TEXT, true, false, "Zeek state"},
    {"history", "history", TCPSTATE_COLUMN_TEXT, false, false, "Zeek history"},
    {"open_kind", NULL, TCPSTATE_COLUMN_TEXT, false, false, "Opening kind"},
    {"open_status", "opened", TCPSTATE_COLUMN_TEXT, false, false, "Opening"},
    {"close_kind", "closed", TCPSTATE_COLUMN_TEXT, false, false, "Close"},
    {"close_initiator", "first", TCPSTATE_COLUMN_TEXT, false, false, "Closed first"},
    {"client_state", NULL, TCPSTATE_COLUMN_TEXT, false, false, "Client state"},
    {"server_state", NULL, TCPSTATE_COLUMN_TEXT, false, false, "Server state"},
    {"client_octets", "C octets", TCPSTATE_COLUMN_NUMBER, false, false, "Client octets"},
    {"server_octets", "S octets", TCPSTATE_COLUMN_NUMBER, false, false, "Server octets"},
    {"client_packets", NULL, TCPSTATE_COLUMN_NUMBER, false, false, "Client packets"},
    {"server_packets", NULL, TCPSTATE_COLUMN_NUMBER, false, false, "Server packets"},
    {"role_basis", NULL, TCPSTATE_COLUMN_TEXT, false, false, "Roles by"},
    {"first_frame", NULL, TCPSTATE_COLUMN_NUMBER, false, false, "First frame"},
    {"last_frame", NULL, TCPSTATE_COLUMN_NUMBER, false, false, "Last frame"},
};

/* Payload, from the sequence numbers: modulo 2^32, and up to the highest number seen or acknowledged. */
static uint32_t octets_of(const struct tcps_endpoint *endpoint)
{
    uint32_t octets;

    if (!tcps_has(endpoint, TCPS_HAS_NUMBERS) || tcps_has(endpoint, TCPS_OLD_LIFE)) return 0;
    octets = endpoint->snd_nxt - endpoint->iss;
    if (octets) octets--;
    if (octets && tcps_has(endpoint, TCPS_HAS_FIN) && endpoint->snd_nxt == endpoint->fin + 1) octets--;
    return octets;
}

static void fill_summary(const struct tcpstate_connection *connection, struct tcpstate_cell *cells)
{
    const struct tcps_conn *conn = connection->conn;
    struct tcps_position end = {.frame = UINT32_MAX, .layer = 0};
    struct tcps_opening opening;
    struct tcps_closing closing;
    char history[64];

    tcps_exchanges_of(conn, conn->log.count, &opening, &closing);
    tcps_history(conn, end, history, sizeof history);
    tcpstate_cell_text(&cells[N_STATE], tcps_conn_state(conn, end));
    tcpstate_cell_format(&cells[N_HISTORY], "%s", history);
    tcpstate_cell_text(&cells[N_OPEN_KIND], tcps_open_kind_name(opening.kind));
    tcpstate_cell_text(&cells[N_OPEN_STATUS], tcps_open_status_name(opening.status));
    tcpstate_cell_text(&cells[N_CLOSE_KIND], tcps_close_kind_name(closing.kind));
    tcpstate_cell_text(&cells[N_INITIATOR], tcpstate_who(connection, closing.initiator));
}

static void fill(const void *item, struct tcpstate_cell *cells)
{
    const struct row *row = item;
    const struct tcpstate_connection *connection = row->connection;
    const struct tcps_conn *conn = connection->conn;
    const struct tcps_entry *last = tcpstate_last_entry(connection);
    unsigned client = tcpstate_client_end(connection), server = !client;

    tcpstate_cells_stream(&cells[N_STREAM], connection);
    tcpstate_cells_ends(&cells[N_CLIENT], connection);
    tcpstate_cell_duration(&cells[N_EPOCH], connection->first_time);
    tcpstate_cell_duration(&cells[N_START], connection->first_time - row->capture_start);
    tcpstate_cell_duration(&cells[N_DURATION], connection->last_time - connection->first_time);
    fill_summary(connection, cells);
    tcpstate_cell_text(&cells[N_CLIENT_STATE], tcps_state_name(tcps_entry_state(last, client)));
    tcpstate_cell_text(&cells[N_SERVER_STATE], tcps_state_name(tcps_entry_state(last, server)));
    tcpstate_cell_number(&cells[N_CLIENT_OCTETS], octets_of(&conn->end[client]));
    tcpstate_cell_number(&cells[N_SERVER_OCTETS], octets_of(&conn->end[server]));
    tcpstate_cell_number(&cells[N_CLIENT_PACKETS], connection->packets[client]);
    tcpstate_cell_number(&cells[N_SERVER_PACKETS], connection->packets[server]);
    tcpstate_cell_text(&cells[N_ROLE_BASIS], tcps_role_basis_name(conn->role_basis));
    tcpstate_cell_frame(&cells[N_FIRST_FRAME], connection->first_frame);
    tcpstate_cell_frame(&cells[N_LAST_FRAME], connection->last_frame);
}

void tcpstate_report_connections(const struct tcpstate_report_input *input, struct tcpstate_document *document)
{
    const GPtrArray *connections = input->gathering->connections;
    GArray *rows = g_array_sized_new(FALSE, FALSE, sizeof(struct row), connections->len);

    for (guint i = 0; i < connections->len; i++) {
        struct row row = {.connection = g_ptr_array_index(connections, i), .capture_start = input->gathering->start};

        g_array_append_val(rows, row);
    }
    tcpstate_document_add(document, (struct tcpstate_table){.key = "connections",
                                                            .title = "Connections",
                                                            .nothing = "No TCP connection.",
                                                            .columns = columns,
                                                            .column_count = N_COLUMNS,
                                                            .items = rows,
                                                            .fill = fill});
}
