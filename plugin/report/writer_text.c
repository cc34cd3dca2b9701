/* A report as text: columns that fit the width of the terminal, rows that do not go on in the next line, sentences in
 * as many lines as they need. A capture of many connections is told in as many lines, so nothing here is formatted by
 * printf() or copied twice. Look next: writer_forms.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "writer_forms.h"

#include <inttypes.h>
#include <string.h>

#include <wsutil/to_str.h>

enum { INDENT = 8, GAP = 2 };

/* ---- lines ---- */

/* The line at the end of writer->text. */
struct line {
    struct tcpstate_writer *writer;
    size_t begin;
    bool said; /* it holds more than blanks */
};

/* Makes room for `octets` at the end of the text, and returns it. */
static char *append_room(GString *text, size_t octets)
{
    gsize length = text->len;

    if (length + octets < text->allocated_len) {
        text->len += octets;
        text->str[text->len] = '\0';
    } else {
        g_string_set_size(text, length + octets);
    }
    return text->str + length;
}

static void append_blanks(GString *text, unsigned count)
{
    if (count) memset(append_room(text, count), ' ', count);
}

static void append_text(struct line *line, const char *text, size_t octets)
{
    memcpy(append_room(line->writer->text, octets), text, octets);
    line->said = line->said || octets > 0;
}

static struct line line_begin(struct tcpstate_writer *writer, const char *prefix)
{
    struct line line = {.writer = writer, .begin = writer->text->len};

    if (*prefix) g_string_append(writer->text, prefix);
    line.said = prefix[strspn(prefix, " ")] != '\0';
    return line;
}

static void line_end(struct line *line)
{
    tcpstate_writer_end_line(line->writer, line->begin);
    line->begin = line->writer->text->len;
    line->said = false;
}

/* Goes on in a new line; one that says nothing so far is used for it. */
static void line_break(struct line *line, unsigned indent)
{
    if (line->said) line_end(line);
    g_string_truncate(line->writer->text, line->begin);
    append_blanks(line->writer->text, indent);
}

/* A line that continues a row is written if it says anything. */
static void line_end_if_said(struct line *line)
{
    if (line->said)
        line_end(line);
    else
        g_string_truncate(line->writer->text, line->begin);
}

static unsigned characters(const char *text)
{
    unsigned count = 0;

    for (; *text; text++) count += (*text & 0xc0) != 0x80; /* UTF-8: what continues a character does not count */
    return count;
}

/* Appends words, going on in indented lines where the width ends. */
static void append_words(struct line *line, const char *text, unsigned indent)
{
    unsigned used = characters(line->writer->text->str + line->begin);
    bool first = true;

    while (text) {
        size_t octets = strcspn(text, " ");
        unsigned length = (unsigned)g_utf8_strlen(text, (gssize)octets);

        if (!first && used + 1 + length > line->writer->width) {
            line_break(line, indent);
            used = indent;
            first = true;
        }
        if (!first) append_blanks(line->writer->text, 1);
        append_text(line, text, octets);
        used += length + (first ? 0 : 1);
        first = false;
        text = text[octets] ? text + octets + 1 : NULL;
    }
}

/* ---- cells ---- */

/* What stands in a place of a table. */
struct shown {
    const char *text;
    size_t octets;
    unsigned width; /* in characters */
};

static bool is_shown(const struct tcpstate_column *column)
{
    return column->heading != NULL;
}

static bool is_right_aligned(const struct tcpstate_column *column)
{
    return column->type == TCPSTATE_COLUMN_NUMBER || column->type == TCPSTATE_COLUMN_DURATION ||
           column->type == TCPSTATE_COLUMN_SECONDS;
}

/* UTF-8: the octets that continue a character take no place. */
static struct shown shown_text(const char *text)
{
    struct shown shown = {.text = text};

    for (; text[shown.octets]; shown.octets++) shown.width += (text[shown.octets] & 0xc0) != 0x80;
    return shown;
}

/* The heading, with its arrow in `arrow`, which has room for any. */
static struct shown shown_heading(const struct tcpstate_writer *writer, const struct tcpstate_column *column,
                                  char *arrow, size_t size)
{
    if (writer->ascii || !g_str_has_prefix(column->heading, "->")) return shown_text(column->heading);
    g_snprintf(arrow, (gulong)size, "→%s", column->heading + 2);
    return shown_text(arrow);
}

static bool is_empty(const struct tcpstate_column *column, const struct tcpstate_cell *cell)
{
    return !cell->filled || (column->quiet && cell->number == 0);
}

/* What most columns show. */
static bool is_figure(const struct tcpstate_column *column)
{
    return column->type == TCPSTATE_COLUMN_NUMBER || column->type == TCPSTATE_COLUMN_DURATION;
}

/* Writes the figure before `end`; returns where it begins. */
static char *figure_back(char *end, const struct tcpstate_column *column, const struct tcpstate_cell *cell)
{
    return column->type == TCPSTATE_COLUMN_NUMBER ? int64_to_str_back(end, cell->number)
                                                  : tcpstate_duration_back(end, cell->number);
}

/* What a cell that is no figure shows. */
static struct shown shown_cell(const struct tcpstate_column *column, struct tcpstate_cell *cell)
{
    struct shown shown = {cell->buffer, 0, 0};

    if (is_empty(column, cell)) return shown;
    if (column->type == TCPSTATE_COLUMN_SECONDS)
        shown.octets = (size_t)g_snprintf(cell->buffer, sizeof cell->buffer, "%.3f", (double)cell->number / 1e9);
    else if (column->type == TCPSTATE_COLUMN_ENDPOINT)
        shown.octets = tcpstate_endpoint_text(cell->address, cell->port, cell->buffer, sizeof cell->buffer);
    else
        return shown_text(cell->text);
    shown.width = (unsigned)shown.octets;
    return shown;
}

/* ---- tables ---- */

/* How the table's columns are laid out. */
struct layout {
    unsigned width[TCPSTATE_MAX_COLUMNS];     /* in characters */
    uint64_t fitting[TCPSTATE_MAX_COLUMNS];   /* numbers below this one are known to fit */
    bool new_line[TCPSTATE_MAX_COLUMNS];      /* the column starts a line */
    struct shown known[TCPSTATE_MAX_COLUMNS]; /* the text counted last: most rows have the same */
};

/* Goes to the next row that text shows, from -1 on; false after the last. `left_out` counts the rows of the group of
 * `row` that are skipped at its end. */
static bool next_shown(const struct tcpstate_table *table, gint64 *row, guint *in_group, guint *left_out)
{
    gint64 next = *row + 1;

    *left_out = 0;
    if (*row >= 0 && table->text_limit && *in_group >= table->text_limit) {
        unsigned group = table->group ? table->group(tcpstate_item_at(table, (guint)*row)) : 0;

        while (next < table->items->len &&
               (!table->group || table->group(tcpstate_item_at(table, (guint)next)) == group)) {
            next++;
            ++*left_out;
        }
        *in_group = 0;
    } else if (*row >= 0 && table->group && next < table->items->len &&
               table->group(tcpstate_item_at(table, (guint)*row)) !=
                   table->group(tcpstate_item_at(table, (guint)next))) {
        *in_group = 0;
    }
    *row = next;
    ++*in_group;
    return next < table->items->len;
}

/* What the cell in column `i` shows, if it is no figure. A text that is not the cell's own is the same wherever it
 * stands at the same place. */
static struct shown shown_in_column(struct layout *layout, unsigned i, const struct tcpstate_column *column,
                                    struct tcpstate_cell *cell)
{
    if (column->type != TCPSTATE_COLUMN_TEXT || !cell->filled || cell->text == cell->buffer)
        return shown_cell(column, cell);
    if (layout->known[i].text != cell->text) layout->known[i] = shown_text(cell->text);
    return layout->known[i];
}

static unsigned width_of(struct layout *layout, unsigned i, const struct tcpstate_column *column,
                         struct tcpstate_cell *cell)
{
    char *end = cell->buffer + sizeof cell->buffer;

    if (column->type == TCPSTATE_COLUMN_ENDPOINT) return tcpstate_endpoint_width(cell->address, cell->port);
    if (is_figure(column)) return (unsigned)(end - figure_back(end, column, cell));
    return shown_in_column(layout, i, column, cell).width;
}

/* Can the cell be wider than all before it in its column? Most numbers need not be spelt out to say no. Durations below
 * a second have one unit, and so the larger is the wider. */
static bool may_be_wider(struct layout *layout, unsigned i, const struct tcpstate_column *column,
                         const struct tcpstate_cell *cell)
{
    bool number = column->type == TCPSTATE_COLUMN_NUMBER;

    if (is_empty(column, cell)) return false;
    if (!number && (column->type != TCPSTATE_COLUMN_DURATION || cell->number >= TCPS_SECOND)) return true;
    if (cell->number < 0) return true;
    if ((uint64_t)cell->number < layout->fitting[i]) return false;
    layout->fitting[i] = number ? 10 : (uint64_t)cell->number + 1;
    while (layout->fitting[i] <= (uint64_t)cell->number) layout->fitting[i] *= 10;
    return true;
}

static void measure(const struct tcpstate_writer *writer, const struct tcpstate_table *table, struct layout *layout)
{
    struct tcpstate_cell cells[TCPSTATE_MAX_COLUMNS];
    guint in_group = 0, left_out;
    gint64 row = -1;
    char arrow[32];

    for (unsigned i = 0; i < table->column_count; i++) {
        layout->fitting[i] = 0;
        layout->width[i] =
            is_shown(&table->columns[i]) ? shown_heading(writer, &table->columns[i], arrow, sizeof arrow).width : 0;
    }
    while (next_shown(table, &row, &in_group, &left_out)) {
        tcpstate_row_fill(table, (guint)row, cells);
        for (unsigned i = 0; i < table->column_count; i++) {
            const struct tcpstate_column *column = &table->columns[i];

            if (!is_shown(column) || column->type == TCPSTATE_COLUMN_SENTENCE) continue;
            if (may_be_wider(layout, i, column, &cells[i]))
                layout->width[i] = MAX(layout->width[i], width_of(layout, i, column, &cells[i]));
        }
    }
}

/* Starts lines where rows would be wider than `width`: only where the table likes it, if that is enough. */
static void break_lines(const struct tcpstate_table *table, struct layout *layout, unsigned width)
{
    unsigned total = 0, used = 0;

    for (unsigned i = 0; i < table->column_count; i++)
        if (is_shown(&table->columns[i]) && table->columns[i].type != TCPSTATE_COLUMN_SENTENCE)
            total += layout->width[i] + 2;
    for (unsigned i = 0; i < table->column_count; i++) {
        const struct tcpstate_column *column = &table->columns[i];

        layout->new_line[i] = false;
        if (!is_shown(column)) continue;
        layout->new_line[i] = column->type == TCPSTATE_COLUMN_SENTENCE || (column->breaks && total > width + 2) ||
                              (used && used + layout->width[i] > width);
        if (layout->new_line[i]) used = INDENT;
        used += layout->width[i] + 2;
    }
}

static void append_padded(struct line *line, const struct shown *shown, unsigned width, bool right)
{
    unsigned missing = width > shown->width ? width - shown->width : 0;

    if (right) append_blanks(line->writer->text, missing);
    append_text(line, shown->text, shown->octets);
    if (!right) append_blanks(line->writer->text, missing);
}

static void append_figure(struct line *line, const struct tcpstate_column *column, const struct tcpstate_cell *cell,
                          unsigned width)
{
    char text[TCPSTATE_NUMBER_SIZE], *end = text + sizeof text, *first = end, *field;
    size_t length, blanks;

    if (!is_empty(column, cell)) {
        first = figure_back(end, column, cell);
        line->said = true;
    }
    length = (size_t)(end - first);
    blanks = width > length ? width - length : 0;
    field = append_room(line->writer->text, blanks + length);
    memset(field, ' ', blanks);
    memcpy(field + blanks, first, length);
}

/* Appends column `i`. `cell` NULL: its heading. */
static void append_column(struct line *line, struct layout *layout, unsigned i, const struct tcpstate_column *column,
                          struct tcpstate_cell *cell)
{
    struct shown shown;
    char arrow[32];

    if (cell && is_figure(column)) {
        append_figure(line, column, cell, layout->width[i]);
        return;
    }
    shown = cell ? shown_in_column(layout, i, column, cell) : shown_heading(line->writer, column, arrow, sizeof arrow);
    append_padded(line, &shown, layout->width[i], is_right_aligned(column));
}

static void append_sentence(struct line *line, const struct tcpstate_cell *cell)
{
    if (!cell->filled) return;
    line_break(line, INDENT);
    append_words(line, cell->text, INDENT);
}

/* `cells` NULL: the headings. */
static void write_row(struct tcpstate_writer *writer, const struct tcpstate_table *table, struct layout *layout,
                      struct tcpstate_cell *cells, const char *prefix)
{
    struct line line = line_begin(writer, prefix);
    bool first = true;

    for (unsigned i = 0; i < table->column_count; i++) {
        const struct tcpstate_column *column = &table->columns[i];

        if (!is_shown(column)) continue;
        if (column->type == TCPSTATE_COLUMN_SENTENCE) {
            if (cells) append_sentence(&line, &cells[i]);
            continue;
        }
        if (layout->new_line[i])
            line_break(&line, INDENT);
        else if (!first)
            append_blanks(writer->text, GAP);
        append_column(&line, layout, i, column, cells ? &cells[i] : NULL);
        first = false;
    }
    line_end_if_said(&line);
}

static void write_rows(struct tcpstate_writer *writer, const struct tcpstate_table *table, struct layout *layout,
                       const char *prefix)
{
    struct tcpstate_cell cells[TCPSTATE_MAX_COLUMNS];
    guint in_group = 0, left_out;
    gint64 row = -1;
    bool more;

    do {
        more = next_shown(table, &row, &in_group, &left_out);
        if (left_out) {
            struct line line = line_begin(writer, prefix);

            append_blanks(writer->text, INDENT);
            g_string_append_printf(writer->text, "… %u more (CSV and JSON have all)", left_out);
            line_end(&line);
        }
        if (!more) break;
        tcpstate_row_fill(table, (guint)row, cells);
        write_row(writer, table, layout, cells, prefix);
    } while (more);
}

static void write_table(struct tcpstate_writer *writer, const struct tcpstate_table *table, bool for_plotting)
{
    struct line line = line_begin(writer, for_plotting ? "# " : "");
    struct layout layout = {.width = {0}};

    g_string_append(writer->text, table->items->len ? table->title : table->nothing);
    line_end(&line);
    if (!table->items->len) return;
    measure(writer, table, &layout);
    break_lines(table, &layout, for_plotting ? writer->width - 2 : writer->width);
    write_row(writer, table, &layout, NULL, for_plotting ? "# " : "");
    write_rows(writer, table, &layout, for_plotting ? "  " : "");
}

/* ---- the rest ---- */

/* "Handshakes: 3 unanswered, 1 refused": the counts of the group that begins at `first`. Returns where the next begins.
 */
static guint write_group(struct tcpstate_writer *writer, const GArray *totals, guint first)
{
    const struct tcpstate_total *head = &g_array_index(totals, struct tcpstate_total, first);
    struct line line = line_begin(writer, "");
    GString *words = g_string_new(head->label);
    guint i;

    for (i = first; i < totals->len; i++) {
        const struct tcpstate_total *total = &g_array_index(totals, struct tcpstate_total, i);

        if (strcmp(total->group, head->group) != 0) break;
        g_string_append_printf(words, "%s %" PRIu64 " %s", i == first ? ":" : ",", total->count, total->key);
    }
    append_words(&line, words->str, INDENT);
    line_end(&line);
    g_string_free(words, TRUE);
    return i;
}

static void write_notes(struct tcpstate_writer *writer, const GPtrArray *notes, const char *prefix)
{
    for (guint i = 0; i < notes->len; i++) {
        struct line line = line_begin(writer, prefix);

        append_words(&line, g_ptr_array_index(notes, i), 2);
        line_end(&line);
    }
}

void tcpstate_write_text(struct tcpstate_writer *writer, const struct tcpstate_document *document)
{
    for (guint i = 0; i < document->tables->len; i++) {
        const struct tcpstate_table *table = &g_array_index(document->tables, struct tcpstate_table, i);

        if (!table->items->len && !table->nothing) continue;
        if (i) tcpstate_write_line(writer, document->for_plotting ? "#" : "");
        write_table(writer, table, document->for_plotting);
    }
    if (document->totals->len) tcpstate_write_line(writer, "");
    for (guint i = 0; i < document->totals->len;) i = write_group(writer, document->totals, i);
    if (document->notes->len) {
        if (!document->for_plotting) tcpstate_write_line(writer, "");
        write_notes(writer, document->notes, document->for_plotting ? "# " : "");
    }
}
