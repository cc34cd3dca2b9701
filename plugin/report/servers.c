/* One line per server address and port: how attempts fared, how many were half-open at once, how long handshakes took,
 * who closed. Look next: half_open.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "half_open.h"

enum {
    V_SERVER,
    V_ATTEMPTS,
    V_COMPLETE,
    V_REFUSED,
    V_UNANSWERED,
    V_OTHER,
    V_PEAK,
    V_PEAK_TIME,
    V_PENDING,
    V_PENDING_TIME,
    V_SOURCES,
    V_SYNACK_AGAIN,
    V_P50,
    V_P95,
    V_BY_CLIENT,
    V_BY_SERVER,
    V_BY_BOTH,
    V_RESET,
    V_COLUMNS
};

static const struct tcpstate_column columns[V_COLUMNS] = {
    {"server", "server", TCPSTATE_COLUMN_ENDPOINT, false, false, NULL},
    {"attempts", "attempts", TCPSTATE_COLUMN_NUMBER, false, false, NULL},
    {"complete", "complete", TCPSTATE_COLUMN_NUMBER, false, false, NULL},
    {"refused", "refused", TCPSTATE_COLUMN_NUMBER, false, true, NULL},
    {"unanswered", "unanswered", TCPSTATE_COLUMN_NUMBER, false, true, NULL},
    {"failed_otherwise", "other", TCPSTATE_COLUMN_NUMBER, false, true, "Failed otherwise"},
    {"half_open_peak", "half-open", TCPSTATE_COLUMN_NUMBER, false, true, "Half-open at once"},
    {"half_open_peak_time", NULL, TCPSTATE_COLUMN_DURATION, false, false, "Most half-open at"},
    {"pending_peak", NULL, TCPSTATE_COLUMN_NUMBER, false, false, "Pending at once"},
    {"pending_peak_time", NULL, TCPSTATE_COLUMN_DURATION, false, false, "Most pending at"},
    {"failed_sources", NULL, TCPSTATE_COLUMN_NUMBER, false, false, "Sources of failed"},
    {"synack_retransmits", NULL, TCPSTATE_COLUMN_NUMBER, false, false, "SYN,ACKs again"},
    {"handshake_p50", "p50", TCPSTATE_COLUMN_DURATION, true, false, "Handshake median"},
    {"handshake_p95", "p95", TCPSTATE_COLUMN_DURATION, false, false, "Handshake 95th percentile"},
    {"closed_by_client", "closed by client", TCPSTATE_COLUMN_NUMBER, false, true, NULL},
    {"closed_by_server", "by server", TCPSTATE_COLUMN_NUMBER, false, true, "Closed by server"},
    {"closed_by_both", "by both", TCPSTATE_COLUMN_NUMBER, false, true, "Closed by both"},
    {"reset", "RST", TCPSTATE_COLUMN_NUMBER, false, true, "Reset"},
};

static void fill(const void *item, struct tcpstate_cell *cells)
{
    const struct tcpstate_server *server = *(struct tcpstate_server *const *)item;
    uint64_t refused = server->by_status[TCPS_STATUS_refused], unanswered = server->by_status[TCPS_STATUS_unanswered];

    tcpstate_cell_endpoint(&cells[V_SERVER], server->address, server->port);
    tcpstate_cell_number(&cells[V_ATTEMPTS], server->attempts);
    tcpstate_cell_number(&cells[V_COMPLETE], server->by_status[TCPS_STATUS_complete]);
    tcpstate_cell_number(&cells[V_REFUSED], refused);
    tcpstate_cell_number(&cells[V_UNANSWERED], unanswered);
    tcpstate_cell_number(&cells[V_OTHER], tcpstate_failures_of(server) - refused - unanswered);
    tcpstate_cell_number(&cells[V_PEAK], server->half_open_peak);
    if (server->half_open_peak) tcpstate_cell_duration(&cells[V_PEAK_TIME], server->peak_time);
    tcpstate_cell_number(&cells[V_PENDING], server->pending_peak);
    if (server->pending_peak) tcpstate_cell_duration(&cells[V_PENDING_TIME], server->pending_time);
    tcpstate_cell_number(&cells[V_SOURCES], server->sources);
    tcpstate_cell_number(&cells[V_SYNACK_AGAIN], server->synack_retransmits);
    if (server->times->len) {
        tcpstate_cell_duration(&cells[V_P50], server->p50);
        tcpstate_cell_duration(&cells[V_P95], server->p95);
    }
    tcpstate_cell_number(&cells[V_BY_CLIENT], server->closed_by_client);
    tcpstate_cell_number(&cells[V_BY_SERVER], server->closed_by_server);
    tcpstate_cell_number(&cells[V_BY_BOTH], server->closed_by_both);
    tcpstate_cell_number(&cells[V_RESET], server->reset);
}

static gint busiest_first(gconstpointer one, gconstpointer other)
{
    uint64_t a = (*(struct tcpstate_server *const *)one)->attempts;
    uint64_t b = (*(struct tcpstate_server *const *)other)->attempts;

    return (a < b) - (a > b);
}

void tcpstate_report_servers(const struct tcpstate_report_input *input, struct tcpstate_document *document)
{
    GArray *items = g_array_new(FALSE, FALSE, sizeof(struct tcpstate_server *));

    document->keeps = tcpstate_servers_of(input->gathering);
    g_array_append_vals(items, document->keeps->pdata, document->keeps->len);
    g_array_sort(items, busiest_first);
    tcpstate_document_add(
        document,
        (struct tcpstate_table){.key = "servers",
                                .title = "Servers: attempts, most half-open at once, handshake times, who closed first",
                                .nothing = "No TCP connection.",
                                .columns = columns,
                                .column_count = V_COLUMNS,
                                .items = items,
                                .fill = fill});
    tcpstate_note_floods(document->keeps, document);
}
