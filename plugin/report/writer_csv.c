/* A report as CSV: one header, one line per row; totals and notes are left to text and JSON.
 * Knows rows and commas, no report. Look next: writer_forms.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "writer_forms.h"

#include <inttypes.h>
#include <string.h>

/* Each field brings its comma; csv_raw() drops the first. */
static void csv_field(GString *line, const char *text)
{
    g_string_append_c(line, ',');
    if (!strpbrk(text, ",\"\r\n")) {
        g_string_append(line, text);
        return;
    }
    g_string_append_c(line, '"');
    for (; *text; text++) {
        if (*text == '"') g_string_append_c(line, '"');
        g_string_append_c(line, *text);
    }
    g_string_append_c(line, '"');
}

/* The columns of all tables, each key once. */
static GPtrArray *all_columns(const struct tcpstate_document *document)
{
    GPtrArray *columns = g_ptr_array_new();

    for (guint t = 0; t < document->tables->len; t++) {
        const struct tcpstate_table *table = &g_array_index(document->tables, struct tcpstate_table, t);

        for (unsigned i = 0; i < table->column_count; i++) {
            bool known = false;

            for (guint k = 0; k < columns->len && !known; k++)
                known = strcmp(((const struct tcpstate_column *)g_ptr_array_index(columns, k))->key,
                               table->columns[i].key) == 0;
            if (!known) g_ptr_array_add(columns, (gpointer)&table->columns[i]);
        }
    }
    return columns;
}

static int column_index(const struct tcpstate_table *table, const char *key)
{
    for (unsigned i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].key, key) == 0) return (int)i;
    return -1;
}

static void csv_raw(struct tcpstate_writer *writer, GString *line)
{
    g_string_append(writer->text, line->len ? line->str + 1 : "");
    g_string_append_c(writer->text, '\n');
    g_string_truncate(line, 0);
    tcpstate_writer_flush(writer);
}

static void csv_header(struct tcpstate_writer *writer, const GPtrArray *columns, bool several)
{
    GString *line = g_string_new(several ? ",table" : "");

    for (guint k = 0; k < columns->len; k++) {
        const struct tcpstate_column *column = g_ptr_array_index(columns, k);

        csv_field(line, column->key);
        if (column->type == TCPSTATE_COLUMN_ENDPOINT) g_string_append_printf(line, ",%s_port", column->key);
    }
    csv_raw(writer, line);
    g_string_free(line, TRUE);
}

static void csv_row(const struct tcpstate_table *table, struct tcpstate_cell *cells, const GPtrArray *columns,
                    GString *line)
{
    char text[TCPSTATE_PLAIN_SIZE];

    for (guint k = 0; k < columns->len; k++) {
        const struct tcpstate_column *column = g_ptr_array_index(columns, k);
        int i = column_index(table, column->key);

        csv_field(line, i < 0 ? "" : tcpstate_cell_plain(column, &cells[i], text, sizeof text));
        if (column->type != TCPSTATE_COLUMN_ENDPOINT) continue;
        if (i >= 0 && cells[i].filled)
            g_string_append_printf(line, ",%" PRIu16, cells[i].port);
        else
            g_string_append_c(line, ',');
    }
}

void tcpstate_write_csv(struct tcpstate_writer *writer, const struct tcpstate_document *document)
{
    struct tcpstate_cell cells[TCPSTATE_MAX_COLUMNS];
    GPtrArray *columns = all_columns(document);
    bool several = document->tables->len > 1;
    GString *line = g_string_new(NULL);

    csv_header(writer, columns, several);
    for (guint t = 0; t < document->tables->len; t++) {
        const struct tcpstate_table *table = &g_array_index(document->tables, struct tcpstate_table, t);

        for (guint row = 0; row < table->items->len; row++) {
            tcpstate_row_fill(table, row, cells);
            if (several) csv_field(line, table->key);
            csv_row(table, cells, columns, line);
            csv_raw(writer, line);
        }
    }
    g_string_free(line, TRUE);
    g_ptr_array_unref(columns);
}
