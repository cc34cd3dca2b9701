/* Building a document, and how single values read. See document.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "document.h"

#include <stdarg.h>
#include <string.h>

#include <epan/to_str.h>
#include <wsutil/to_str.h>

#include "core/segment.h"

#define SECOND ((uint64_t)TCPS_SECOND)

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

void tcpstate_row_fill(const struct tcpstate_table *table, guint row, struct tcpstate_cell *cells)
{
    for (unsigned i = 0; i < table->column_count; i++) {
        cells[i].filled = false;
        cells[i].text = "";
    }
    table->fill(tcpstate_item_at(table, row), cells);
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

/* Nanoseconds as a number of `unit` nanoseconds with three decimals, rounded. */
static char *thousandths_back(char *end, uint64_t nanoseconds, uint64_t unit)
{
    uint64_t thousandths = (nanoseconds + unit / 2000) / (unit / 1000);

    end = uint64_to_str_back_len(end, thousandths % 1000, 3);
    *--end = '.';
    return uint64_to_str_back(end, thousandths / 1000);
}

/* printf() would do, at a tenth of the speed. */
char *tcpstate_duration_back(char *end, int64_t nanoseconds)
{
    uint64_t magnitude = nanoseconds < 0 ? 0 - (uint64_t)nanoseconds : (uint64_t)nanoseconds;

    *--end = 's';
    if (magnitude < SECOND) *--end = 'm';
    *--end = ' ';
    if (magnitude < SECOND)
        end = thousandths_back(end, magnitude, SECOND / 1000);
    else if (magnitude < 100 * SECOND)
        end = thousandths_back(end, magnitude, SECOND);
    else
        end = uint64_to_str_back(end, (magnitude + SECOND / 2) / SECOND);
    if (nanoseconds < 0) *--end = '-';
    return end;
}

void tcpstate_duration_text(int64_t nanoseconds, char *text)
{
    char room[TCPSTATE_NUMBER_SIZE], *end = room + sizeof room - 1;

    *end = '\0';
    g_strlcpy(text, tcpstate_duration_back(end, nanoseconds), sizeof room);
}

size_t tcpstate_endpoint_text(const address *address, uint16_t port, char *text, size_t size)
{
    char digits[10], *first = uint_to_str_back(digits + sizeof digits, port), *end = text;

    if (address->type == AT_IPv6) *end++ = '[';
    *end = '\0';
    address_to_str_buf(address, end, (int)size - 9); /* room for brackets, colon and port */
    end += strlen(end);
    if (address->type == AT_IPv6) *end++ = ']';
    *end++ = ':';
    memcpy(end, first, (size_t)(digits + sizeof digits - first));
    end += digits + sizeof digits - first;
    *end = '\0';
    return (size_t)(end - text);
}

static unsigned decimals_of(unsigned number)
{
    return 1u + (number >= 10) + (number >= 100) + (number >= 1000) + (number >= 10000);
}

unsigned tcpstate_endpoint_width(const address *address, uint16_t port)
{
    const uint8_t *octets = address->data;
    char text[160];

    if (address->type != AT_IPv4) return (unsigned)tcpstate_endpoint_text(address, port, text, sizeof text);
    return decimals_of(octets[0]) + decimals_of(octets[1]) + decimals_of(octets[2]) + decimals_of(octets[3]) + 4 +
           decimals_of(port);
}
