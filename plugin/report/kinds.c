/* The reports by name, and the helpers they share. See kinds.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "kinds.h"

#include "core/explain.h"

const struct tcpstate_report_kind tcpstate_report_kinds[] = {
#define X(name, argument, title, what, question, reads)                                                                \
    {#name, title, what, question, TCPSTATE_ARGUMENT_##argument, TCPSTATE_READS_##reads, tcpstate_report_##name},
    TCPSTATE_REPORT_KINDS(X)
#undef X
};
const unsigned tcpstate_report_count = G_N_ELEMENTS(tcpstate_report_kinds);

void tcpstate_cells_stream(struct tcpstate_cell *cells, const struct tcpstate_connection *connection)
{
    if (connection->conn->stream != TCPSTATE_NO_STREAM) tcpstate_cell_number(&cells[0], connection->conn->stream);
    tcpstate_cell_number(&cells[1], tcps_incarnation(connection->conn));
}

void tcpstate_cells_ends(struct tcpstate_cell *cells, const struct tcpstate_connection *connection)
{
    unsigned client = tcpstate_client_end(connection);

    tcpstate_cell_endpoint(&cells[0], &connection->address[client], connection->port[client]);
    tcpstate_cell_endpoint(&cells[1], &connection->address[!client], connection->port[!client]);
}

const char *tcpstate_who(const struct tcpstate_connection *connection, int end)
{
    if (end < 0) return "";
    return end > 1 ? "both" : tcps_role_name((unsigned)end, tcpstate_client_end(connection));
}

void tcpstate_cell_between(struct tcpstate_cell *cell, struct tcps_moment from, struct tcps_moment to)
{
    if (tcps_was_seen(&from) && tcps_was_seen(&to)) tcpstate_cell_duration(cell, to.time - from.time);
}

static gint compare_times(gconstpointer one, gconstpointer other)
{
    int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;

    return (a > b) - (a < b);
}

void tcpstate_sort_times(GArray *values)
{
    g_array_sort(values, compare_times);
}

int64_t tcpstate_percentile(const GArray *values, unsigned percent)
{
    guint rank = (guint)(((uint64_t)values->len * percent + 99) / 100);

    if (values->len == 0) return 0;
    return g_array_index(values, int64_t, rank ? rank - 1 : 0);
}
