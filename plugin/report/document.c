/* Building a document, and how single values read. See document.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "document.h"

#include <inttypes.h>
#include <stdarg.h>

#include <epan/to_str.h>

static void clear_table(void *table)
{
    g_array_unref(((struct tcpstate_table *)table)->items);
}

struct tcpstate_document *tcpstate_document_new(const char *name)
{
    struct tcpstate_document *document = g_new0(struct tcpstate_document, 1);

    document->name = name;
    document->tables = g_array_new(FALSE, FALSE, sizeof(struct tcpstate_table));
    g_array_set_clear_func(document->tables, clear_table);
    document->totals = g_array_new(FALSE, FALSE, sizeof(struct tcpstate_total));
    document->notes = g_ptr_array_new_with_free_func(g_free);
    return document;
}

void tcpstate_document_free(struct tcpstate_document *document)
{
    g_array_unref(document->tables);
    g_array_unref(document->totals);
    g_ptr_array_unref(document->notes);
    if (document->keeps) g_ptr_array_unref(document->keeps);
    g_free(document);
}

void tcpstate_document_add(struct tcpstate_document *document, struct tcpstate_table table)
{
    g_assert(table.column_count <= TCPSTATE_MAX_COLUMNS);
    g_array_append_val(document->tables, table);
}

void tcpstate_document_count(struct tcpstate_document *document, const char *group, const char *label, const char *key,
                             uint64_t count)
{
    struct tcpstate_total total = {.group = group, .label = label, .key = key, .count = count};

    g_array_append_val(document->totals, total);
}

void tcpstate_document_note(struct tcpstate_document *document, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_ptr_array_add(document->notes, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

void tcpstate_cell_text(struct tcpstate_cell *cell, const char *text)
{
    cell->filled = text[0] != '\0';
    cell->text = text;
}

void tcpstate_cell_format(struct tcpstate_cell *cell, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_vsnprintf(cell->buffer, sizeof cell->buffer, format, arguments);
    va_end(arguments);
    tcpstate_cell_text(cell, cell->buffer);
}

void tcpstate_cell_number(struct tcpstate_cell *cell, uint64_t number)
{
    cell->filled = true;
    cell->number = (int64_t)number;
}

void tcpstate_cell_frame(struct tcpstate_cell *cell, uint32_t frame)
{
    cell->filled = frame != 0;
    cell->number = frame;
}

void tcpstate_cell_duration(struct tcpstate_cell *cell, int64_t nanoseconds)
{
    cell->filled = true;
    cell->number = nanoseconds;
}

void tcpstate_cell_endpoint(struct tcpstate_cell *cell, const address *address, uint16_t port)
{
    cell->filled = true;
    cell->address = address;
    cell->port = port;
}

void tcpstate_duration_text(int64_t nanoseconds, char *text, size_t size)
{
    double seconds = (double)nanoseconds / 1e9;
    double magnitude = seconds < 0 ? -seconds : seconds;

    if (magnitude < 1)
        g_snprintf(text, (gulong)size, "%.3f ms", seconds * 1e3);
    else if (magnitude < 100)
        g_snprintf(text, (gulong)size, "%.3f s", seconds);
    else
        g_snprintf(text, (gulong)size, "%.0f s", seconds);
}

void tcpstate_endpoint_text(const address *address, uint16_t port, char *text, size_t size)
{
    char *host = address_to_str(NULL, address);

    g_snprintf(text, (gulong)size, address->type == AT_IPv6 ? "[%s]:%" PRIu16 : "%s:%" PRIu16, host, port);
    wmem_free(NULL, host);
}
