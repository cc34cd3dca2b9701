/* The report of completed exchanges: three-way handshakes and four-way closes. Those that did not complete are counted.
 * Look next: core/exchange.h, where an exchange is read from a connection's log.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "kinds.h"

/* ---- handshakes ---- */

struct handshake {
    const struct tcpstate_connection *connection;
    struct tcps_opening opening;
};

enum {
    H_STREAM,
    H_INCARNATION,
    H_CLIENT,
    H_SERVER,
    H_KIND,
    H_SYN,
    H_SYNACK,
    H_ACK,
    H_SYN_SYNACK,
    H_SYNACK_ACK,
    H_TOTAL,
    H_SYN_AGAIN,
    H_SYNACK_AGAIN,
    H_COLUMNS
};

static const struct tcpstate_column handshake_columns[H_COLUMNS] = {
    TCPSTATE_STREAM_COLUMNS,
    TCPSTATE_END_COLUMNS,
    {"kind", "kind", TCPSTATE_COLUMN_TEXT, false, false, NULL},
    {"syn", "SYN", TCPSTATE_COLUMN_NUMBER, true, false, "SYN frame"},
    {"synack", "SYN,ACK", TCPSTATE_COLUMN_NUMBER, false, false, "SYN,ACK frame"},
    {"ack", "ACK", TCPSTATE_COLUMN_NUMBER, false, false, "ACK frame"},
    {"time_syn_synack", "->SYN,ACK", TCPSTATE_COLUMN_DURATION, false, false, "SYN to SYN,ACK"},
    {"time_synack_ack", "->ACK", TCPSTATE_COLUMN_DURATION, false, false, "SYN,ACK to ACK"},
    {"time", "total", TCPSTATE_COLUMN_DURATION, false, false, NULL},
    {"syn_retransmits", "SYN+", TCPSTATE_COLUMN_NUMBER, false, false, "SYNs again"},
    {"synack_retransmits", "SYN,ACK+", TCPSTATE_COLUMN_NUMBER, false, false, "SYN,ACKs again"},
};

static void fill_handshake(const void *item, struct tcpstate_cell *cells)
{
    const struct handshake *handshake = item;
    const struct tcps_opening *opening = &handshake->opening;

    tcpstate_cells_stream(&cells[H_STREAM], handshake->connection);
    tcpstate_cells_ends(&cells[H_CLIENT], handshake->connection);
    tcpstate_cell_text(&cells[H_KIND], tcps_open_kind_name(opening->kind));
    tcpstate_cell_frame(&cells[H_SYN], opening->syn.frame);
    tcpstate_cell_frame(&cells[H_SYNACK], opening->synack.frame);
    tcpstate_cell_frame(&cells[H_ACK], opening->ack.frame);
    tcpstate_cell_between(&cells[H_SYN_SYNACK], opening->syn, opening->synack);
    tcpstate_cell_between(&cells[H_SYNACK_ACK], opening->synack, opening->ack);
    tcpstate_cell_between(&cells[H_TOTAL], opening->syn, opening->ack);
    tcpstate_cell_number(&cells[H_SYN_AGAIN], opening->syn_retransmits);
    tcpstate_cell_number(&cells[H_SYNACK_AGAIN], opening->synack_retransmits);
}

/* ---- closes ---- */

struct close {
    const struct tcpstate_connection *connection;
    struct tcps_closing closing;
};

enum {
    C_STREAM,
    C_INCARNATION,
    C_CLIENT,
    C_SERVER,
    C_KIND,
    C_INITIATOR,
    C_FIN1,
    C_ACK1,
    C_FIN2,
    C_ACK2,
    C_HALF_CLOSED,
    C_TOTAL,
    C_COLUMNS
};

static const struct tcpstate_column close_columns[C_COLUMNS] = {
    TCPSTATE_STREAM_COLUMNS,
    TCPSTATE_END_COLUMNS,
    {"kind", "kind", TCPSTATE_COLUMN_TEXT, false, false, NULL},
    {"initiator", "closed first", TCPSTATE_COLUMN_TEXT, true, false, NULL},
    {"fin1", "FIN", TCPSTATE_COLUMN_NUMBER, false, false, "FIN frame"},
    {"ack1", "ACK", TCPSTATE_COLUMN_NUMBER, false, false, "ACK frame"},
    {"fin2", "2nd FIN", TCPSTATE_COLUMN_NUMBER, false, false, "2nd FIN"},
    {"ack2", "ACK", TCPSTATE_COLUMN_NUMBER, false, false, "2nd ACK"},
    {"half_closed_time", "half-closed", TCPSTATE_COLUMN_DURATION, false, false, NULL},
    {"time", "total", TCPSTATE_COLUMN_DURATION, false, false, NULL},
};

/* The close is over when both ACKs are there; with crossing FINs the first FIN may be acknowledged last. */
static struct tcps_moment last_ack(const struct tcps_closing *closing)
{
    bool first_is_later = closing->ack[0].frame && closing->ack[0].time > closing->ack[1].time;

    return first_is_later ? closing->ack[0] : closing->ack[1];
}

static void fill_close(const void *item, struct tcpstate_cell *cells)
{
    const struct close *close = item;
    const struct tcps_closing *closing = &close->closing;

    tcpstate_cells_stream(&cells[C_STREAM], close->connection);
    tcpstate_cells_ends(&cells[C_CLIENT], close->connection);
    tcpstate_cell_text(&cells[C_KIND], tcps_close_kind_name(closing->kind));
    tcpstate_cell_text(&cells[C_INITIATOR], tcpstate_who(close->connection, closing->initiator));
    tcpstate_cell_frame(&cells[C_FIN1], closing->fin[0].frame);
    tcpstate_cell_frame(&cells[C_ACK1], closing->ack[0].frame);
    tcpstate_cell_frame(&cells[C_FIN2], closing->fin[1].frame);
    tcpstate_cell_frame(&cells[C_ACK2], closing->ack[1].frame);
    tcpstate_cell_between(&cells[C_HALF_CLOSED], closing->fin[0], closing->fin[1]);
    tcpstate_cell_between(&cells[C_TOTAL], closing->fin[0], last_ack(closing));
}

/* ---- all of it ---- */

/* A connection that was open and neither closed nor was reset: still open at the end of the capture. */
static bool is_left_open(const struct tcps_opening *opening, const struct tcps_closing *closing)
{
    return closing->kind == TCPS_CLOSE_none &&
           (opening->status == TCPS_STATUS_complete || opening->status == TCPS_STATUS_unseen);
}

static void count_openings(struct tcpstate_document *document, const uint64_t *counts)
{
    tcpstate_document_count(document, "handshakes", "Handshakes", tcps_open_status_name(TCPS_STATUS_complete),
                            counts[TCPS_STATUS_complete]);
    for (unsigned status = TCPS_STATUS_none + 1; status < TCPS_STATUS_COUNT; status++) {
        if (status == TCPS_STATUS_complete || !counts[status]) continue;
        tcpstate_document_count(document, "handshakes", "Handshakes", tcps_open_status_name(status), counts[status]);
    }
}

static void count_closes(struct tcpstate_document *document, uint64_t complete, const uint64_t *counts,
                         uint64_t left_open)
{
    tcpstate_document_count(document, "closes", "Closes", "complete", complete);
    for (unsigned kind = TCPS_CLOSE_none + 1; kind < TCPS_CLOSE_COUNT; kind++)
        if (counts[kind])
            tcpstate_document_count(document, "closes", "Closes", tcps_close_kind_name(kind), counts[kind]);
    if (left_open) tcpstate_document_count(document, "closes", "Closes", "still_open", left_open);
}

void tcpstate_report_exchanges(const struct tcpstate_report_input *input, struct tcpstate_document *document)
{
    const GPtrArray *connections = input->gathering->connections;
    GArray *handshakes = g_array_new(FALSE, FALSE, sizeof(struct handshake));
    GArray *closes = g_array_new(FALSE, FALSE, sizeof(struct close));
    uint64_t openings[TCPS_STATUS_COUNT] = {0}, incomplete[TCPS_CLOSE_COUNT] = {0}, left_open = 0;

    for (guint i = 0; i < connections->len; i++) {
        const struct tcpstate_connection *connection = g_ptr_array_index(connections, i);
        const struct tcps_conn *conn = connection->conn;
        struct handshake handshake = {.connection = connection};
        struct close close = {.connection = connection};

        tcps_exchanges_of(conn, conn->log.count, &handshake.opening, &close.closing);
        openings[handshake.opening.status]++;
        if (handshake.opening.status == TCPS_STATUS_complete) g_array_append_val(handshakes, handshake);
        if (close.closing.complete)
            g_array_append_val(closes, close);
        else
            incomplete[close.closing.kind]++;
        left_open += is_left_open(&handshake.opening, &close.closing);
    }
    tcpstate_document_add(document, (struct tcpstate_table){.key = "handshakes",
                                                            .title = "Completed handshakes",
                                                            .nothing = "No handshake was completed.",
                                                            .columns = handshake_columns,
                                                            .column_count = H_COLUMNS,
                                                            .items = handshakes,
                                                            .fill = fill_handshake});
    tcpstate_document_add(document, (struct tcpstate_table){.key = "closes",
                                                            .title = "Completed closes",
                                                            .nothing = "No close was completed.",
                                                            .columns = close_columns,
                                                            .column_count = C_COLUMNS,
                                                            .items = closes,
                                                            .fill = fill_close});
    count_openings(document, openings);
    count_closes(document, closes->len, incomplete, left_open);
}
