/* Text, CSV and JSON of a document. See writer.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#ifdef G_OS_UNIX
#include <sys/ioctl.h>
#include <unistd.h>
#endif

#include <epan/to_str.h>
#include <wsutil/json_dumper.h>

enum { DEFAULT_WIDTH = 80, NARROWEST = 40, FLUSH_AT = 1 << 16, INDENT = 8, ADDRESS_SIZE = 80 };

#define GAP "  "

/* ---- the sink ----------------------------------------------------------------------------------------------- */

static unsigned terminal_width(FILE *file)
{
    const char *columns = g_getenv("COLUMNS");
    unsigned width = columns ? (unsigned)strtoul(columns, NULL, 10) : 0;

#ifdef G_OS_UNIX
    struct winsize size;

    if (file && isatty(fileno(file)) && ioctl(fileno(file), TIOCGWINSZ, &size) == 0 && size.ws_col) width = size.ws_col;
#endif
    return width >= NARROWEST ? width : DEFAULT_WIDTH;
}

void tcpstate_writer_init(struct tcpstate_writer *writer, FILE *file)
{
    const struct tcpstate_preferences *preferences = tcpstate_preferences();

    *writer = (struct tcpstate_writer){
        .text = g_string_new(NULL),
        .file = file,
        .format = preferences->report_format,
        .ascii = preferences->ascii,
        .width = terminal_width(file),
    };
}

/* A report that could not be written must not look like success; a reader that has gone away needs no words. */
static void give_up(void)
{
    int error = errno;

    if (error != EPIPE) fprintf(stderr, "tcpstate: the report could not be written: %s\n", g_strerror(error));
    exit(1);
}

static void flush(struct tcpstate_writer *writer, gsize at_least)
{
    if (!writer->file || writer->text->len < at_least) return;
    if (fwrite(writer->text->str, 1, writer->text->len, writer->file) != writer->text->len) give_up();
    g_string_truncate(writer->text, 0);
}

void tcpstate_writer_finish(struct tcpstate_writer *writer)
{
    flush(writer, 0);
    if (writer->file && fflush(writer->file) != 0) give_up();
    g_string_free(writer->text, TRUE);
}

/* What stands for a character where there is no Unicode. */
static const struct {
    const char *unicode, *ascii;
} substitutes[] = {
    {"→", "->"}, {"←", "<-"}, {"…", "..."}, {"─", "-"}, {"│", "|"}, {"▶", ">"}, {"◀", "<"}, {"≥", ">="}, {"╳", "X"},
    {"┆", ":"}, {"·", "."},
};

static void replace_all(GString *line, const char *what, const char *by)
{
    char *found;

    while ((found = strstr(line->str, what)) != NULL) {
        gssize at = found - line->str;

        g_string_erase(line, at, (gssize)strlen(what));
        g_string_insert(line, at, by);
    }
}

void tcpstate_write_line(struct tcpstate_writer *writer, const char *line)
{
    GString *copy = g_string_new(line);

    for (size_t i = 0; writer->ascii && i < G_N_ELEMENTS(substitutes); i++)
        replace_all(copy, substitutes[i].unicode, substitutes[i].ascii);
    while (copy->len && copy->str[copy->len - 1] == ' ') g_string_truncate(copy, copy->len - 1);
    g_string_append_len(writer->text, copy->str, (gssize)copy->len);
    g_string_append_c(writer->text, '\n');
    g_string_free(copy, TRUE);
    flush(writer, FLUSH_AT);
}

/* ---- text --------------------------------------------------------------------------------------------------- */

/* How the table's columns are laid out. */
struct layout {
    unsigned width[TCPSTATE_MAX_COLUMNS];   /* in characters */
    bool new_line[TCPSTATE_MAX_COLUMNS];    /* the column starts a line */
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

static unsigned characters(const char *text)
{
    return (unsigned)g_utf8_strlen(text, -1);
}

/* The heading with its arrow. */
static void heading_text(const struct tcpstate_writer *writer, const struct tcpstate_column *column, GString *text)
{
    g_string_assign(text, column->heading);
    if (!writer->ascii) replace_all(text, "->", "→");
}

static const char *cell_text(const struct tcpstate_column *column, struct tcpstate_cell *cell)
{
    if (!cell->filled) return "";
    switch (column->type) {
    case TCPSTATE_COLUMN_NUMBER:
        g_snprintf(cell->buffer, sizeof cell->buffer, "%" PRId64, cell->number);
        return cell->buffer;
    case TCPSTATE_COLUMN_DURATION:
        tcpstate_duration_text(cell->number, cell->buffer, sizeof cell->buffer);
        return cell->buffer;
    case TCPSTATE_COLUMN_SECONDS:
        g_snprintf(cell->buffer, sizeof cell->buffer, "%.3f", (double)cell->number / 1e9);
        return cell->buffer;
    case TCPSTATE_COLUMN_ENDPOINT:
        tcpstate_endpoint_text(cell->address, cell->port, cell->buffer, sizeof cell->buffer);
        return cell->buffer;
    default:
        return cell->text;
    }
}

static const void *item_at(const struct tcpstate_table *table, guint row)
{
    return table->items->data + (gsize)g_array_get_element_size(table->items) * row;
}

static void fill_row(const struct tcpstate_table *table, guint row, struct tcpstate_cell *cells)
{
    for (unsigned i = 0; i < table->column_count; i++) {
        cells[i].filled = false;
        cells[i].text = "";
    }
    table->fill(item_at(table, row), cells);
}

/* Goes to the next row that text shows, from -1 on; false after the last. `left_out` counts the rows of the group of
 * `row` that are skipped at its end. */
static bool next_shown(const struct tcpstate_table *table, gint64 *row, guint *in_group, guint *left_out)
{
    gint64 next = *row + 1;

    *left_out = 0;
    if (*row >= 0 && table->text_limit && *in_group >= table->text_limit) {
        unsigned group = table->group ? table->group(item_at(table, (guint)*row)) : 0;

        while (next < table->items->len && (!table->group || table->group(item_at(table, (guint)next)) == group)) {
            next++;
            ++*left_out;
        }
        *in_group = 0;
    } else if (*row >= 0 && table->group && next < table->items->len &&
               table->group(item_at(table, (guint)*row)) != table->group(item_at(table, (guint)next))) {
        *in_group = 0;
    }
    *row = next;
    ++*in_group;
    return next < table->items->len;
}

static void measure(const struct tcpstate_writer *writer, const struct tcpstate_table *table, struct layout *layout)
{
    struct tcpstate_cell cells[TCPSTATE_MAX_COLUMNS];
    GString *heading = g_string_new(NULL);
    guint in_group = 0, left_out;
    gint64 row = -1;

    for (unsigned i = 0; i < table->column_count; i++) {
        layout->width[i] = 0;
        if (!is_shown(&table->columns[i])) continue;
        heading_text(writer, &table->columns[i], heading);
        layout->width[i] = characters(heading->str);
    }
    while (next_shown(table, &row, &in_group, &left_out)) {
        fill_row(table, (guint)row, cells);
        for (unsigned i = 0; i < table->column_count; i++) {
            const struct tcpstate_column *column = &table->columns[i];

            if (is_shown(column) && column->type != TCPSTATE_COLUMN_SENTENCE)
                layout->width[i] = MAX(layout->width[i], characters(cell_text(column, &cells[i])));
        }
    }
    g_string_free(heading, TRUE);
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

static void pad(GString *line, const char *text, unsigned width, bool right)
{
    unsigned length = characters(text);
    unsigned missing = width > length ? width - length : 0;

    for (unsigned i = 0; right && i < missing; i++) g_string_append_c(line, ' ');
    g_string_append(line, text);
    for (unsigned i = 0; !right && i < missing; i++) g_string_append_c(line, ' ');
}

static void start_line(struct tcpstate_writer *writer, GString *line, unsigned indent)
{
    tcpstate_write_line(writer, line->str);
    g_string_assign(line, "");
    for (unsigned i = 0; i < indent; i++) g_string_append_c(line, ' ');
}

/* Appends words to `line`, going on in indented lines where the width ends. */
static void write_words(struct tcpstate_writer *writer, GString *line, const char *text, unsigned indent)
{
    char **words = g_strsplit(text, " ", -1);
    unsigned used = characters(line->str);
    bool first = true;

    for (char **word = words; *word; word++) {
        unsigned length = characters(*word);

        if (!first && used + 1 + length > writer->width) {
            start_line(writer, line, indent);
            used = indent;
            first = true;
        }
        if (!first) g_string_append_c(line, ' ');
        g_string_append(line, *word);
        used += length + (first ? 0 : 1);
        first = false;
    }
    g_strfreev(words);
}

/* What a row's column says in text: a heading, or a cell. */
typedef const char *text_of(struct tcpstate_writer *writer, const struct tcpstate_table *table, unsigned i,
                            void *context);

/* A line that continues a row is written if it says anything. */
static bool is_blank(const char *text)
{
    return text[strspn(text, " ")] == '\0';
}

static void write_row(struct tcpstate_writer *writer, const struct tcpstate_table *table, const struct layout *layout,
                      text_of *text_of, void *context, const char *prefix)
{
    GString *line = g_string_new(prefix);
    bool first = true;

    for (unsigned i = 0; i < table->column_count; i++) {
        const struct tcpstate_column *column = &table->columns[i];
        const char *text;

        if (!is_shown(column)) continue;
        text = text_of(writer, table, i, context);
        if (column->type == TCPSTATE_COLUMN_SENTENCE) {
            if (!*text) continue;
            start_line(writer, line, INDENT);
            write_words(writer, line, text, INDENT);
            continue;
        }
        if (layout->new_line[i] && is_blank(line->str))
            g_string_printf(line, "%*s", INDENT, "");
        else if (layout->new_line[i])
            start_line(writer, line, INDENT);
        else if (!first)
            g_string_append(line, GAP);
        pad(line, text, layout->width[i], is_right_aligned(column));
        first = false;
    }
    if (!is_blank(line->str)) tcpstate_write_line(writer, line->str);
    g_string_free(line, TRUE);
}

static const char *text_of_heading(struct tcpstate_writer *writer, const struct tcpstate_table *table, unsigned i,
                                   void *context)
{
    heading_text(writer, &table->columns[i], context);
    return ((GString *)context)->str;
}

static const char *text_of_cell(struct tcpstate_writer *writer, const struct tcpstate_table *table, unsigned i,
                                void *context)
{
    struct tcpstate_cell *cells = context;

    (void)writer;
    if (table->columns[i].quiet && cells[i].filled && cells[i].number == 0) return "";
    return cell_text(&table->columns[i], &cells[i]);
}

static void write_rows(struct tcpstate_writer *writer, const struct tcpstate_table *table, const struct layout *layout,
                       const char *prefix)
{
    struct tcpstate_cell cells[TCPSTATE_MAX_COLUMNS];
    GString *line = g_string_new(NULL);
    guint in_group = 0, left_out;
    gint64 row = -1;
    bool more;

    do {
        more = next_shown(table, &row, &in_group, &left_out);
        if (left_out) {
            g_string_printf(line, "%s%*s… %u more (CSV and JSON have all)", prefix, INDENT, "", left_out);
            tcpstate_write_line(writer, line->str);
        }
        if (!more) break;
        fill_row(table, (guint)row, cells);
        write_row(writer, table, layout, text_of_cell, cells, prefix);
    } while (more);
    g_string_free(line, TRUE);
}

static void write_table(struct tcpstate_writer *writer, const struct tcpstate_table *table, bool for_plotting)
{
    GString *line = g_string_new(NULL);
    struct layout layout;

    g_string_printf(line, "%s%s", for_plotting ? "# " : "", table->items->len ? table->title : table->nothing);
    tcpstate_write_line(writer, line->str);
    if (table->items->len) {
        measure(writer, table, &layout);
        break_lines(table, &layout, for_plotting ? writer->width - 2 : writer->width);
        write_row(writer, table, &layout, text_of_heading, line, for_plotting ? "# " : "");
        write_rows(writer, table, &layout, for_plotting ? "  " : "");
    }
    g_string_free(line, TRUE);
}

/* "Handshakes not completed: 3 unanswered, 1 refused" for each group of totals. */
static void write_totals(struct tcpstate_writer *writer, const GArray *totals)
{
    GString *line = g_string_new(NULL), *words = g_string_new(NULL);
    const char *group = NULL;

    for (guint i = 0; i <= totals->len; i++) {
        const struct tcpstate_total *total =
            i < totals->len ? &g_array_index(totals, struct tcpstate_total, i) : NULL;

        if (group && (!total || g_strcmp0(group, total->group) != 0)) {
            write_words(writer, line, words->str, INDENT);
            tcpstate_write_line(writer, line->str);
            g_string_assign(line, "");
            group = NULL;
        }
        if (!total) break;
        if (!group) g_string_printf(words, "%s:", total->label);
        g_string_append_printf(words, "%s %" PRIu64 " %s", group ? "," : "", total->count, total->key);
        group = total->group;
    }
    g_string_free(line, TRUE);
    g_string_free(words, TRUE);
}

static void write_notes(struct tcpstate_writer *writer, const GPtrArray *notes, const char *prefix)
{
    for (guint i = 0; i < notes->len; i++) {
        GString *line = g_string_new(prefix);

        write_words(writer, line, g_ptr_array_index(notes, i), 2);
        tcpstate_write_line(writer, line->str);
        g_string_free(line, TRUE);
    }
}

static void write_text(struct tcpstate_writer *writer, const struct tcpstate_document *document)
{
    for (guint i = 0; i < document->tables->len; i++) {
        const struct tcpstate_table *table = &g_array_index(document->tables, struct tcpstate_table, i);

        if (!table->items->len && !table->nothing) continue;
        if (i) tcpstate_write_line(writer, document->for_plotting ? "#" : "");
        write_table(writer, table, document->for_plotting);
    }
    if (document->totals->len) {
        tcpstate_write_line(writer, "");
        write_totals(writer, document->totals);
    }
    if (document->notes->len) {
        if (!document->for_plotting) tcpstate_write_line(writer, "");
        write_notes(writer, document->notes, document->for_plotting ? "# " : "");
    }
}

/* ---- for programs ------------------------------------------------------------------------------------------- */

/* Seconds with nine digits; no floating point, which would round them. */
static void seconds_text(int64_t nanoseconds, char *text, size_t size)
{
    uint64_t magnitude = nanoseconds < 0 ? 0 - (uint64_t)nanoseconds : (uint64_t)nanoseconds;

    g_snprintf(text, (gulong)size, "%s%" PRIu64 ".%09" PRIu64, nanoseconds < 0 ? "-" : "",
               magnitude / 1000000000, magnitude % 1000000000);
}

/* The value as programs read it; for an endpoint, the address alone. */
static const char *plain_text(const struct tcpstate_column *column, struct tcpstate_cell *cell, char *text, size_t size)
{
    text[0] = '\0';
    if (!cell->filled) return text;
    if (column->type == TCPSTATE_COLUMN_DURATION || column->type == TCPSTATE_COLUMN_SECONDS)
        seconds_text(cell->number, text, size);
    else if (column->type == TCPSTATE_COLUMN_ENDPOINT)
        address_to_str_buf(cell->address, text, (int)size);
    else
        return cell_text(column, cell);
    return text;
}

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
    flush(writer, FLUSH_AT);
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
    char text[ADDRESS_SIZE];

    for (guint k = 0; k < columns->len; k++) {
        const struct tcpstate_column *column = g_ptr_array_index(columns, k);
        int i = column_index(table, column->key);

        csv_field(line, i < 0 ? "" : plain_text(column, &cells[i], text, sizeof text));
        if (column->type != TCPSTATE_COLUMN_ENDPOINT) continue;
        if (i >= 0 && cells[i].filled)
            g_string_append_printf(line, ",%" PRIu16, cells[i].port);
        else
            g_string_append_c(line, ',');
    }
}

static void write_csv(struct tcpstate_writer *writer, const struct tcpstate_document *document)
{
    struct tcpstate_cell cells[TCPSTATE_MAX_COLUMNS];
    GPtrArray *columns = all_columns(document);
    bool several = document->tables->len > 1;
    GString *line = g_string_new(NULL);

    csv_header(writer, columns, several);
    for (guint t = 0; t < document->tables->len; t++) {
        const struct tcpstate_table *table = &g_array_index(document->tables, struct tcpstate_table, t);

        for (guint row = 0; row < table->items->len; row++) {
            fill_row(table, row, cells);
            if (several) csv_field(line, table->key);
            csv_row(table, cells, columns, line);
            csv_raw(writer, line);
        }
    }
    g_string_free(line, TRUE);
    g_ptr_array_unref(columns);
}

static void json_cell(json_dumper *json, const struct tcpstate_column *column, struct tcpstate_cell *cell)
{
    char text[ADDRESS_SIZE];
    bool is_text = column->type == TCPSTATE_COLUMN_TEXT || column->type == TCPSTATE_COLUMN_SENTENCE ||
                   column->type == TCPSTATE_COLUMN_ENDPOINT;

    json_dumper_set_member_name(json, column->key);
    if (!cell->filled)
        json_dumper_value_anyf(json, "null");
    else if (is_text)
        json_dumper_value_string(json, plain_text(column, cell, text, sizeof text));
    else
        json_dumper_value_anyf(json, "%s", plain_text(column, cell, text, sizeof text));
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
        fill_row(table, row, cells);
        json_dumper_begin_object(json);
        for (unsigned i = 0; i < table->column_count; i++) json_cell(json, &table->columns[i], &cells[i]);
        json_dumper_end_object(json);
        flush(writer, FLUSH_AT);
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

static void write_json(struct tcpstate_writer *writer, const struct tcpstate_document *document)
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

void tcpstate_write(struct tcpstate_writer *writer, const struct tcpstate_document *document)
{
    switch (writer->format) {
    case TCPSTATE_CSV:
        write_csv(writer, document);
        break;
    case TCPSTATE_JSON:
        write_json(writer, document);
        break;
    default:
        write_text(writer, document);
        break;
    }
}
