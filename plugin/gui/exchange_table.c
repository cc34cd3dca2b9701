/* Handshakes and closes as one of Wireshark's simple tables. See exchange_table.h.
 * The program draws such a table from the rows that packets added, so a row is added at the packet that completes an
 * exchange; an exchange that is taken back and completed again has two. Look next: report/exchanges.c, the text.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <wireshark.h>

#include "exchange_table.h"

#include <epan/stat_tap_ui.h>
#include <epan/tap.h>

#include "core/exchange.h"
#include "core/explain.h"
#include "report/document.h"
#include "report/tap_payload.h"

/* X(name, type, alignment, heading, printf format for tshark) */
#define COLUMNS(X)                                                                                                     \
    X(EXCHANGE, STRING, LEFT, "Exchange", "%-9s")                                                                      \
    X(STREAM, UINT, RIGHT, "Stream", "%d")                                                                             \
    X(CLIENT, STRING, LEFT, "Client", "%-21s")                                                                         \
    X(SERVER, STRING, LEFT, "Server", "%-21s")                                                                         \
    X(KIND, STRING, LEFT, "Kind", "%-13s")                                                                             \
    X(CLOSED_FIRST, STRING, LEFT, "Closed first", "%-6s")                                                              \
    X(FIRST_FRAME, UINT, RIGHT, "First frame", "%d")                                                                   \
    X(LAST_FRAME, UINT, RIGHT, "Last frame", "%d")                                                                     \
    X(SECONDS, FLOAT, RIGHT, "Seconds", "%.6f")

enum column {
#define X(name, type, alignment, heading, format) COLUMN_##name,
    COLUMNS(X)
#undef X
    COLUMN_COUNT
};

static stat_tap_table_item columns[] = {
#define X(name, type, alignment, heading, format) {TABLE_ITEM_##type, TAP_ALIGN_##alignment, heading, format},
    COLUMNS(X)
#undef X
};

static const char *const table_name = "TCP handshakes and closes";

static void make_table(stat_tap_table_ui *ui)
{
    stat_tap_table *table = stat_tap_find_table(ui, table_name);

    if (table) {
        if (ui->stat_tap_reset_table_cb) ui->stat_tap_reset_table_cb(table);
        return;
    }
    stat_tap_add_table(ui, stat_tap_init_table(table_name, COLUMN_COUNT, 0, NULL));
}

static void free_item(stat_tap_table *table, guint row, guint column, stat_tap_table_item_type *item)
{
    (void)table;
    (void)row;
    (void)column;
    if (item->type == TABLE_ITEM_STRING) g_free((char *)item->value.string_value);
    item->type = TABLE_ITEM_NONE;
}

static void drop_rows(stat_tap_table *table)
{
    for (guint row = 0; row < table->num_elements; row++) {
        for (guint column = 0; column < table->num_fields; column++)
            free_item(table, row, column, &table->elements[row][column]);
        g_free(table->elements[row]);
    }
    table->num_elements = 0;
}

static void set_text(stat_tap_table_item_type *item, const char *text)
{
    item->type = TABLE_ITEM_STRING;
    item->value.string_value = g_strdup(text);
}

static void set_number(stat_tap_table_item_type *item, uint32_t number)
{
    item->type = TABLE_ITEM_UINT;
    item->value.uint_value = number;
}

static void add_row(stat_tap_table *table, const struct tcpstate_tap *tap, const char *exchange, const char *kind,
                    const char *closed_first, struct tcps_moment first)
{
    stat_tap_table_item_type row[COLUMN_COUNT] = {{0}};
    unsigned client = tap->view.client_end;
    char end[80];

    set_text(&row[COLUMN_EXCHANGE], exchange);
    set_number(&row[COLUMN_STREAM], tap->conn->stream);
    tcpstate_endpoint_text(&tap->address[client], tap->flow->ports[client], end, sizeof end);
    set_text(&row[COLUMN_CLIENT], end);
    tcpstate_endpoint_text(&tap->address[!client], tap->flow->ports[!client], end, sizeof end);
    set_text(&row[COLUMN_SERVER], end);
    set_text(&row[COLUMN_KIND], kind);
    set_text(&row[COLUMN_CLOSED_FIRST], closed_first);
    set_number(&row[COLUMN_FIRST_FRAME], first.frame);
    set_number(&row[COLUMN_LAST_FRAME], tap->segment.at.frame);
    row[COLUMN_SECONDS].type = TABLE_ITEM_FLOAT;
    row[COLUMN_SECONDS].value.float_value = first.frame ? (double)(tap->segment.time - first.time) / 1e9 : 0;
    stat_tap_init_table_row(table, table->num_elements, COLUMN_COUNT, row);
}

static bool add_opening(stat_tap_table *table, const struct tcpstate_tap *tap, uint32_t before, uint32_t until)
{
    struct tcps_opening was, is;

    tcps_opening_of(tap->conn, before, &was);
    tcps_opening_of(tap->conn, until, &is);
    if (is.status != TCPS_STATUS_complete || was.status == TCPS_STATUS_complete) return false;
    add_row(table, tap, "handshake", tcps_open_kind_name(is.kind), "", is.syn);
    return true;
}

static bool add_closing(stat_tap_table *table, const struct tcpstate_tap *tap, uint32_t before, uint32_t until)
{
    struct tcps_closing was, is;
    const char *closed_first;

    tcps_closing_of(tap->conn, before, &was);
    tcps_closing_of(tap->conn, until, &is);
    if (!is.complete || was.complete) return false;
    closed_first = is.initiator < 0   ? ""
                   : is.initiator > 1 ? "both"
                                      : tcps_role_name((unsigned)is.initiator, tap->view.client_end);
    add_row(table, tap, "close", tcps_close_kind_name(is.kind), closed_first, is.fin[0]);
    return true;
}

static tap_packet_status take_packet(void *data, packet_info *pinfo, epan_dissect_t *edt, const void *payload,
                                     tap_flags_t flags)
{
    const struct tcpstate_tap *tap = payload;
    stat_tap_table *table = g_array_index(((stat_data_t *)data)->stat_tap_data->tables, stat_tap_table *, 0);
    uint32_t before = tap->view.first_entry, until = before + tap->view.entries;
    bool opened, closed;

    (void)pinfo;
    (void)edt;
    (void)flags;
    if (!tap->conn || tap->view.entries == 0) return TAP_PACKET_DONT_REDRAW;
    opened = add_opening(table, tap, before, until);
    closed = add_closing(table, tap, before, until);
    return opened || closed ? TAP_PACKET_REDRAW : TAP_PACKET_DONT_REDRAW;
}

void tcpstate_register_exchange_table(void)
{
    static tap_param parameters[] = {{PARAM_FILTER, "filter", "Filter", NULL, TRUE}};
    static stat_tap_table_ui ui = {
        .group = REGISTER_PACKET_STAT_GROUP_UNSORTED,
        .title = "TCP Handshakes and Closes",
        .tap_name = TCPSTATE_TAP,
        .cli_string = "tcpstate,table",
        .stat_tap_init_cb = make_table,
        .packet_func = take_packet,
        .stat_tap_reset_table_cb = drop_rows,
        .stat_tap_free_table_item_cb = free_item,
        .nfields = COLUMN_COUNT,
        .fields = columns,
        .nparams = G_N_ELEMENTS(parameters),
        .params = parameters,
    };

    register_stat_tap_table_ui(&ui);
}
