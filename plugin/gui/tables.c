/* Any table of any report as one of Wireshark's simple tables. See tables.h.
 * Which tables and columns there are, the reports themselves tell: they are computed once on nothing, and a report has
 * the same tables whatever it finds. The program has no call for "all packets were seen, now compute": the pass ends
 * when its dissection is cleaned up, and rows are made then. Knows documents and Wireshark's tables, not what reports
 * say. Look next: report/document.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <wireshark.h>

#include "tables.h"

#include <string.h>

#include <epan/epan.h>
#include <epan/epan_dissect.h>
#include <epan/packet.h>
#include <epan/stat_tap_ui.h>
#include <epan/tap.h>

#include "report/tap_payload.h"

enum { FORMAT_SIZE = 16 };

#define ROOM_FOR_ARROW "   "

struct table;

/* The clock's listener needs a key of its own: a tap listener is known by its data. */
struct clock {
    struct table *table;
};

struct table {
    stat_tap_table_ui ui; /* what Wireshark knows of us; given back to our callbacks */
    const struct tcpstate_report_kind *kind;
    unsigned index; /* which of the report's tables */
    char *label;    /* "Stuck"; "Exchanges: closes" when the report has several */
    char formats[TCPSTATE_MAX_COLUMNS][FORMAT_SIZE];
    unsigned digits[TCPSTATE_MAX_COLUMNS]; /* that the largest number of a column has */

    struct tcpstate_gathering gathering;
    bool gathers;               /* a pass is going on, or about to begin */
    bool in_window;             /* one pass for each time that the window fills itself; tshark has one for good */
    const epan_dissect_t *pass; /* the dissection whose end is the end of the pass */
    struct clock clock;
    GPtrArray *old_rows; /* rows that another window of the same table may still look at */
};

static GPtrArray *tables; /* struct table * */

/* ---- rows ----------------------------------------------------------------------------------------------------- */

static void free_item(stat_tap_table *shown, guint row, guint column, stat_tap_table_item_type *item)
{
    (void)shown;
    (void)row;
    (void)column;
    if (item->type == TABLE_ITEM_STRING) g_free((char *)item->value.string_value);
    item->type = TABLE_ITEM_NONE;
}

/* A row ends with an item of no type: it may outlive the table that tells its length. */
static void free_row(gpointer data)
{
    stat_tap_table_item_type *row = data;

    for (guint column = 0; row[column].type != TABLE_ITEM_NONE; column++) free_item(NULL, 0, column, &row[column]);
    g_free(row);
}

static struct table *table_of(const stat_tap_table *shown)
{
    for (guint i = 0; i < tables->len; i++) {
        struct table *table = g_ptr_array_index(tables, i);

        if (stat_tap_find_table(&table->ui, shown->title) == shown) return table;
    }
    return NULL;
}

/* Windows of the same table share it, and each keeps pointers into its rows, also after another one has had it made
 * anew. So rows are freed when there is no other window. */
static void drop_rows(stat_tap_table *shown)
{
    struct table *table = table_of(shown);

    if (!table) return;
    if (table->ui.refcount <= 1) g_ptr_array_set_size(table->old_rows, 0);
    for (guint row = 0; row < shown->num_elements; row++) g_ptr_array_add(table->old_rows, shown->elements[row]);
    shown->num_elements = 0;
    if (table->ui.refcount <= 1) g_ptr_array_set_size(table->old_rows, 0);
}

static bool is_time(enum tcpstate_column_type type)
{
    return type == TCPSTATE_COLUMN_DURATION || type == TCPSTATE_COLUMN_SECONDS;
}

static bool is_number(enum tcpstate_column_type type)
{
    return type == TCPSTATE_COLUMN_NUMBER || is_time(type);
}

/* A cell as text. Numbers, too, are text in a column where some row has none: to the left of them goes what makes the
 * order of the texts the order of the numbers, up to the `digits` that the column's largest has. */
static char *text_of(const struct tcpstate_column *column, const struct tcpstate_cell *cell, unsigned digits)
{
    char text[80];

    if (!cell->filled) return g_strdup("");
    switch (column->type) {
    case TCPSTATE_COLUMN_NUMBER: return g_strdup_printf("%*" G_GINT64_FORMAT, (int)digits, cell->number);
    case TCPSTATE_COLUMN_DURATION:
    case TCPSTATE_COLUMN_SECONDS: return g_strdup_printf("%*.6f", (int)digits, (double)cell->number / 1e9);
    case TCPSTATE_COLUMN_ENDPOINT:
        tcpstate_endpoint_text(cell->address, cell->port, text, sizeof text);
        return g_strdup(text);
    default: return g_strdup(cell->text);
    }
}

/* What is known of a column of numbers when all of its rows have been looked at. */
struct span {
    int64_t least, most;
    bool has_empty;
};

/* The program sorts by the type of one of two items and trusts that the other one's is the same, so a column with an
 * empty cell holds texts only; so does one with numbers that the program's integers cannot hold. */
static stat_tap_table_item_enum type_for(enum tcpstate_column_type type, const struct span *span)
{
    bool fits = type != TCPSTATE_COLUMN_NUMBER || (span->least >= 0 && span->most <= (int64_t)G_MAXUINT);

    if (!is_number(type) || span->has_empty || !fits) return TABLE_ITEM_STRING;
    return type == TCPSTATE_COLUMN_NUMBER ? TABLE_ITEM_UINT : TABLE_ITEM_FLOAT;
}

static unsigned digits_of(const struct tcpstate_column *column, int64_t number)
{
    struct tcpstate_cell cell = {.filled = true, .number = number};
    char *text = text_of(column, &cell, 0);
    size_t length = strlen(text);

    g_free(text);
    return (unsigned)length;
}

static void add_to_span(struct span *span, const struct tcpstate_cell *cell)
{
    if (!cell->filled) {
        span->has_empty = true;
        return;
    }
    span->least = MIN(span->least, cell->number);
    span->most = MAX(span->most, cell->number);
}

static void choose_types(struct table *table, const struct tcpstate_table *from)
{
    struct tcpstate_cell cells[TCPSTATE_MAX_COLUMNS];
    struct span spans[TCPSTATE_MAX_COLUMNS] = {{0}};

    for (guint row = 0; row < from->items->len; row++) {
        tcpstate_row_fill(from, row, cells);
        for (unsigned column = 0; column < from->column_count; column++)
            if (is_number(from->columns[column].type)) add_to_span(&spans[column], &cells[column]);
    }
    for (unsigned column = 0; column < from->column_count; column++) {
        const struct tcpstate_column *of = &from->columns[column];

        table->ui.fields[column].type = type_for(of->type, &spans[column]);
        if (is_number(of->type))
            table->digits[column] = MAX(digits_of(of, spans[column].least), digits_of(of, spans[column].most));
    }
}

static void set_item(stat_tap_table_item_type *item, stat_tap_table_item_enum type,
                     const struct tcpstate_column *column, const struct tcpstate_cell *cell, unsigned digits)
{
    item->type = type;
    if (type == TABLE_ITEM_UINT)
        item->value.uint_value = (guint)cell->number;
    else if (type == TABLE_ITEM_FLOAT)
        item->value.float_value = (double)cell->number / 1e9;
    else
        item->value.string_value = text_of(column, cell, digits);
}

static void add_row(stat_tap_table *shown, const struct table *table, const struct tcpstate_table *from, guint row,
                    size_t *widths)
{
    struct tcpstate_cell cells[TCPSTATE_MAX_COLUMNS];
    stat_tap_table_item_type *items = g_new0(stat_tap_table_item_type, from->column_count + 1);

    tcpstate_row_fill(from, row, cells);
    for (unsigned column = 0; column < from->column_count; column++) {
        set_item(&items[column], table->ui.fields[column].type, &from->columns[column], &cells[column],
                 table->digits[column]);
        if (items[column].type == TABLE_ITEM_STRING)
            widths[column] = MAX(widths[column], strlen(items[column].value.string_value));
    }
    shown->elements[row] = items;
}

/* For tshark, which prints with these formats. */
static void choose_formats(struct table *table, const struct tcpstate_table *from, const size_t *widths)
{
    for (unsigned column = 0; column < from->column_count; column++) {
        char *format = table->formats[column];

        if (table->ui.fields[column].type == TABLE_ITEM_UINT)
            g_snprintf(format, FORMAT_SIZE, "%%6u");
        else if (table->ui.fields[column].type == TABLE_ITEM_FLOAT)
            g_snprintf(format, FORMAT_SIZE, "%%12.6f");
        else
            g_snprintf(format, FORMAT_SIZE, "%%-%us", (unsigned)MIN(widths[column], 200));
    }
}

static void fill_table(struct table *table, stat_tap_table *shown, const struct tcpstate_table *from)
{
    size_t widths[TCPSTATE_MAX_COLUMNS] = {0};

    drop_rows(shown);
    choose_types(table, from);
    shown->elements = g_renew(stat_tap_table_item_type *, shown->elements, from->items->len);
    for (guint row = 0; row < from->items->len; row++) add_row(shown, table, from, row, widths);
    shown->num_elements = from->items->len;
    choose_formats(table, from, widths);
}

/* ---- a pass over the packets ---------------------------------------------------------------------------------- */

static tap_packet_status take_time(void *data, packet_info *pinfo, epan_dissect_t *edt, const void *payload,
                                   tap_flags_t flags)
{
    struct table *table = ((struct clock *)data)->table;

    (void)payload;
    (void)flags;
    table->pass = edt;
    if (table->gathers) tcpstate_gather_time(&table->gathering, pinfo);
    return TAP_PACKET_DONT_REDRAW;
}

static tap_packet_status take_packet(void *data, packet_info *pinfo, epan_dissect_t *edt, const void *payload,
                                     tap_flags_t flags)
{
    struct table *table = (struct table *)((stat_data_t *)data)->stat_tap_data;
    const struct tcpstate_tap *tap = payload;

    (void)pinfo;
    (void)flags;
    table->pass = edt;
    if (table->gathers && tap->conn) tcpstate_gather(&table->gathering, tap);
    return TAP_PACKET_DONT_REDRAW;
}

static void start_over(struct table *table)
{
    if (table->gathers) tcpstate_gathering_clear(&table->gathering);
    tcpstate_gathering_init(&table->gathering);
    table->pass = NULL;
}

static void reset(stat_tap_table *shown)
{
    struct table *table = table_of(shown);

    if (!table) return;
    drop_rows(shown);
    table->in_window = true; /* tshark has nothing to reset */
    if (table->gathers) start_over(table);
}

/* Called before each pass: by a window as it opens or gets another filter, by tshark at the start. */
static void start_pass(stat_tap_table_ui *ui)
{
    struct table *table = (struct table *)ui;
    stat_tap_table *shown = stat_tap_find_table(ui, ui->title);
    GString *error;

    if (shown)
        drop_rows(shown);
    else
        stat_tap_add_table(ui, stat_tap_init_table(ui->title, (int)ui->nfields, 0, NULL));
    start_over(table);
    if (table->gathers) return;
    table->gathers = true;
    error = register_tap_listener("frame", &table->clock, NULL, TL_REQUIRES_NOTHING, NULL, take_time, NULL, NULL);
    if (error) g_string_free(error, TRUE);
}

/* tshark, capturing, has a dissection for every few packets: it goes on gathering. */
static void end_pass(struct table *table)
{
    stat_tap_table *shown = stat_tap_find_table(&table->ui, table->ui.title);
    struct tcpstate_document *document = tcpstate_document_new(table->kind->name);
    struct tcpstate_report_input input = {.gathering = &table->gathering, .argument = -1};

    table->kind->compute(&input, document);
    /* The window may have closed meanwhile. */
    if (shown && table->index < document->tables->len)
        fill_table(table, shown, &g_array_index(document->tables, struct tcpstate_table, table->index));
    tcpstate_document_free(document);
    table->pass = NULL;
    if (!table->in_window) return;
    remove_tap_listener(&table->clock);
    tcpstate_gathering_clear(&table->gathering);
    table->gathers = false;
}

static void dissection_ends(epan_dissect_t *edt)
{
    for (guint i = 0; tables && i < tables->len; i++) {
        struct table *table = g_ptr_array_index(tables, i);

        if (table->gathers && table->pass == edt) end_pass(table);
    }
}

/* As the reports do: the end of a session is the end of its connections. */
static void session_ends(void)
{
    for (guint i = 0; tables && i < tables->len; i++) {
        struct table *table = g_ptr_array_index(tables, i);

        if (table->gathers) start_over(table);
    }
}

static void dissection_begins(epan_dissect_t *edt)
{
    (void)edt;
}

static void nothing(void) {}

void tcpstate_register_table_passes(void)
{
    static const epan_plugin plugin = {
        .init = nothing,
        .post_init = nothing,
        .dissect_init = dissection_begins,
        .dissect_cleanup = dissection_ends,
        .cleanup = nothing,
    };

    epan_register_plugin(&plugin);
    register_cleanup_routine(session_ends);
}

/* ---- registration --------------------------------------------------------------------------------------------- */

/* "Client state", "SYN,ACK to ACK (s)". A column is made as wide as its heading before there is an arrow in it that
 * tells how rows are sorted: the blanks are what the arrow covers then. */
static char *heading_of(const struct tcpstate_column *column)
{
    GString *heading = g_string_new(column->title ? column->title : column->heading);

    heading->str[0] = g_ascii_toupper(heading->str[0]);
    if (is_time(column->type)) g_string_append(heading, " (s)");
    if (is_number(column->type))
        g_string_prepend(heading, ROOM_FOR_ARROW);
    else
        g_string_append(heading, ROOM_FOR_ARROW);
    return g_string_free(heading, FALSE);
}

static void register_table(const struct tcpstate_report_kind *kind, const struct tcpstate_table *example,
                           unsigned index, bool only)
{
    static tap_param parameters[] = {{PARAM_FILTER, "filter", "Filter", NULL, TRUE}};
    struct table *table = g_new0(struct table, 1);

    table->kind = kind;
    table->index = index;
    table->label = only ? g_strdup(kind->title) : g_strdup_printf("%s: %s", kind->title, example->key);
    table->clock.table = table;
    table->old_rows = g_ptr_array_new_with_free_func(free_row);
    table->ui = (stat_tap_table_ui){
        /* In no menu of the program's own making: menu.c has one for all reports. Wireshark leaves the group of logs to
         * its sibling that is for logs. */
        .group = REGISTER_LOG_STAT_GROUP_UNSORTED,
        .title = g_strdup_printf("TCP State: %s", example->title),
        .tap_name = TCPSTATE_TAP,
        .cli_string = only ? g_strdup_printf("tcpstate,table-%s", kind->name)
                           : g_strdup_printf("tcpstate,table-%s-%s", kind->name, example->key),
        .stat_tap_init_cb = start_pass,
        .packet_func = take_packet,
        .stat_tap_reset_table_cb = reset,
        .stat_tap_free_table_item_cb = free_item,
        .nfields = example->column_count,
        .fields = g_new0(stat_tap_table_item, example->column_count),
        .nparams = G_N_ELEMENTS(parameters),
        .params = parameters,
    };
    for (unsigned column = 0; column < example->column_count; column++)
        table->ui.fields[column] = (stat_tap_table_item){
            .type = TABLE_ITEM_STRING,
            .align = is_number(example->columns[column].type) ? TAP_ALIGN_RIGHT : TAP_ALIGN_LEFT,
            .column_name = heading_of(&example->columns[column]),
            .field_format = strcpy(table->formats[column], "%s"),
        };
    register_stat_tap_table_ui(&table->ui);
    g_ptr_array_add(tables, table);
}

void tcpstate_register_tables(void)
{
    struct tcpstate_gathering no_capture;
    struct tcpstate_report_input input = {.gathering = &no_capture, .argument = -1};

    tables = g_ptr_array_new();
    tcpstate_gathering_init(&no_capture);
    for (unsigned i = 0; i < tcpstate_report_count; i++) {
        const struct tcpstate_report_kind *kind = &tcpstate_report_kinds[i];
        struct tcpstate_document *document = tcpstate_document_new(kind->name);

        if (!tcpstate_is_picture(kind)) kind->compute(&input, document);
        for (guint j = 0; j < document->tables->len; j++)
            register_table(kind, &g_array_index(document->tables, struct tcpstate_table, j), j,
                           document->tables->len == 1);
        tcpstate_document_free(document);
    }
    tcpstate_gathering_clear(&no_capture);
}

void tcpstate_tables_of(const struct tcpstate_report_kind *kind, tcpstate_use_table *use, void *context)
{
    for (guint i = 0; i < tables->len; i++) {
        const struct table *table = g_ptr_array_index(tables, i);

        if (table->kind == kind) use(context, table->ui.cli_string, table->label);
    }
}
