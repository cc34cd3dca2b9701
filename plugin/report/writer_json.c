/* A report as one JSON object: an array per table, totals, notes.
 * Knows rows and braces, no report. Look next: writer_forms.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "writer_forms.h"

#include <inttypes.h>

#include <wsutil/json_dumper.h>

static void json_cell(json_dumper *json, const struct tcpstate_column *column, struct tcpstate_cell *cell)
{
    char text[TCPSTATE_PLAIN_SIZE];
    bool is_text = column->type == TCPSTATE_COLUMN_TEXT || column->type == TCPSTATE_COLUMN_SENTENCE ||
                   column->type == TCPSTATE_COLUMN_ENDPOINT;

    json_dumper_set_member_name(json, column->key);
    if (!cell->filled)
        json_dumper_value_anyf(json, "null");
    else if (is_text)
        json_dumper_value_string(json, tcpstate_cell_plain(column, cell, text, sizeof text));
    else
        json_dumper_value_anyf(json, "%s", tcpstate_cell_plain(column, cell, text, sizeof text));
    if (column->type != TCPSTATE_COLUMN_ENDPOINT) return;
    g_snprintf(text, sizeof text, "%s_port", column->key);
    json_dumper_set_member_name(json, text);
    if (cell->filled)
        json_dumper_value_anyf(json, "%" PRIu16, cell->port);
    else
        json_dumper_value_anyf(json, "null");
}

static void json_table(struct tcpstate_writer *writer, json_dumper *json, const struct tcpstate_table *table)
{
    struct tcpstate_cell cells[TCPSTATE_MAX_COLUMNS];

    json_dumper_set_member_name(json, table->key);
    json_dumper_begin_array(json);
    for (guint row = 0; row < table->items->len; row++) {
        tcpstate_row_fill(table, row, cells);
        json_dumper_begin_object(json);
        for (unsigned i = 0; i < table->column_count; i++) json_cell(json, &table->columns[i], &cells[i]);
        json_dumper_end_object(json);
        tcpstate_writer_flush(writer);
    }
    json_dumper_end_array(json);
}

static void json_totals(json_dumper *json, const GArray *totals)
{
    const char *group = NULL;

    json_dumper_set_member_name(json, "totals");
    json_dumper_begin_object(json);
    for (guint i = 0; i < totals->len; i++) {
        const struct tcpstate_total *total = &g_array_index(totals, struct tcpstate_total, i);

        if (g_strcmp0(group, total->group) != 0) {
            if (group) json_dumper_end_object(json);
            group = total->group;
            json_dumper_set_member_name(json, group);
            json_dumper_begin_object(json);
        }
        json_dumper_set_member_name(json, total->key);
        json_dumper_value_anyf(json, "%" PRIu64, total->count);
    }
    if (group) json_dumper_end_object(json);
    json_dumper_end_object(json);
}

void tcpstate_write_json(struct tcpstate_writer *writer, const struct tcpstate_document *document)
{
    json_dumper json = {.output_string = writer->text, .flags = JSON_DUMPER_FLAGS_PRETTY_PRINT};

    json_dumper_begin_object(&json);
    json_dumper_set_member_name(&json, "report");
    json_dumper_value_string(&json, document->name);
    for (guint t = 0; t < document->tables->len; t++)
        json_table(writer, &json, &g_array_index(document->tables, struct tcpstate_table, t));
    if (document->totals->len) json_totals(&json, document->totals);
    if (document->notes->len) {
        json_dumper_set_member_name(&json, "notes");
        json_dumper_begin_array(&json);
        for (guint i = 0; i < document->notes->len; i++)
            json_dumper_value_string(&json, g_ptr_array_index(document->notes, i));
        json_dumper_end_array(&json);
    }
    json_dumper_end_object(&json);
    json_dumper_finish(&json);
}
