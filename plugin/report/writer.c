/* Where the words of a report go, and which of the three forms writes them. See writer.h.
 * Look next: writer_text.c, writer_csv.c, writer_json.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "writer_forms.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#ifdef G_OS_UNIX
#include <sys/ioctl.h>
#include <unistd.h>
#endif

#include <epan/to_str.h>
#include <wsutil/to_str.h>

enum { DEFAULT_WIDTH = 80, NARROWEST = 40, FLUSH_AT = 1 << 16 };

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

static void flush(struct tcpstate_writer *writer)
{
    if (fwrite(writer->text->str, 1, writer->text->len, writer->file) != writer->text->len) give_up();
    g_string_truncate(writer->text, 0);
}

void tcpstate_writer_flush(struct tcpstate_writer *writer)
{
    if (writer->file && writer->text->len >= FLUSH_AT) flush(writer);
}

void tcpstate_writer_finish(struct tcpstate_writer *writer)
{
    if (writer->file) flush(writer);
    if (writer->file && fflush(writer->file) != 0) give_up();
    g_string_free(writer->text, TRUE);
}

/* What stands for a character where there is no Unicode. */
static const struct {
    const char *unicode, *ascii;
} substitutes[] = {
    {"→", "->"}, {"←", "<-"}, {"…", "..."}, {"─", "-"}, {"│", "|"}, {"▶", ">"},
    {"◀", "<"},  {"≥", ">="}, {"╳", "X"},   {"┆", ":"}, {"·", "."},
};

/* The same text without Unicode. */
static GString *ascii_of(const char *text)
{
    GString *ascii = g_string_new(NULL);

    while (*text) {
        size_t i = 0;

        while (i < G_N_ELEMENTS(substitutes) && !g_str_has_prefix(text, substitutes[i].unicode)) i++;
        if (i == G_N_ELEMENTS(substitutes)) {
            g_string_append_c(ascii, *text++);
            continue;
        }
        g_string_append(ascii, substitutes[i].ascii);
        text += strlen(substitutes[i].unicode);
    }
    return ascii;
}

void tcpstate_writer_end_line(struct tcpstate_writer *writer, size_t begin)
{
    GString *text = writer->text;

    if (writer->ascii) {
        GString *ascii = ascii_of(text->str + begin);

        g_string_truncate(text, begin);
        g_string_append_len(text, ascii->str, (gssize)ascii->len);
        g_string_free(ascii, TRUE);
    }
    while (text->len > begin && text->str[text->len - 1] == ' ') text->len--;
    text->str[text->len] = '\0';
    g_string_append_c(text, '\n');
    tcpstate_writer_flush(writer);
}

void tcpstate_write_line(struct tcpstate_writer *writer, const char *line)
{
    size_t begin = writer->text->len;

    g_string_append(writer->text, line);
    tcpstate_writer_end_line(writer, begin);
}

/* Seconds with nine digits; no floating point, which would round them. */
static void seconds_text(int64_t nanoseconds, char *text, size_t size)
{
    uint64_t magnitude = nanoseconds < 0 ? 0 - (uint64_t)nanoseconds : (uint64_t)nanoseconds;

    g_snprintf(text, (gulong)size, "%s%" PRIu64 ".%09" PRIu64, nanoseconds < 0 ? "-" : "", magnitude / TCPS_SECOND,
               magnitude % TCPS_SECOND);
}

static const char *number_text(int64_t number, char *text, size_t size)
{
    char *end = text + size - 1;

    *end = '\0';
    return int64_to_str_back(end, number);
}

/* The value as programs read it; for an endpoint, the address alone. */
const char *tcpstate_cell_plain(const struct tcpstate_column *column, struct tcpstate_cell *cell, char *text,
                                size_t size)
{
    text[0] = '\0';
    if (!cell->filled) return text;
    if (column->type == TCPSTATE_COLUMN_DURATION || column->type == TCPSTATE_COLUMN_SECONDS)
        seconds_text(cell->number, text, size);
    else if (column->type == TCPSTATE_COLUMN_ENDPOINT)
        address_to_str_buf(cell->address, text, (int)size);
    else if (column->type == TCPSTATE_COLUMN_NUMBER)
        return number_text(cell->number, text, size);
    else
        return cell->text;
    return text;
}

void tcpstate_write(struct tcpstate_writer *writer, const struct tcpstate_document *document)
{
    switch (writer->format) {
    case TCPSTATE_CSV: tcpstate_write_csv(writer, document); break;
    case TCPSTATE_JSON: tcpstate_write_json(writer, document); break;
    default: tcpstate_write_text(writer, document); break;
    }
}
