/* What a report says, before anyone decides how it looks: tables, totals and notes.
 * A table holds items of the report's own kind and a function that spells one of them out in cells, so that a report on
 * a million connections keeps no text. Knows nothing of text, CSV or JSON. Look next: writer.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPSTATE_DOCUMENT_H
#define TCPSTATE_DOCUMENT_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <epan/address.h>

enum tcpstate_column_type {
    TCPSTATE_COLUMN_TEXT,
    TCPSTATE_COLUMN_NUMBER,
    TCPSTATE_COLUMN_DURATION, /* nanoseconds; in text with a unit, for programs in seconds */
    TCPSTATE_COLUMN_SECONDS,  /* nanoseconds; seconds without a unit in text too, so that it can be plotted */
    TCPSTATE_COLUMN_ENDPOINT, /* address and port: one column in text, two for programs (key, key_port) */
    TCPSTATE_COLUMN_SENTENCE, /* in text on lines of its own */
};

struct tcpstate_column {
    const char *key;     /* for programs */
    const char *heading; /* for people; "->" becomes an arrow where there may be one. NULL: not shown in text */
    enum tcpstate_column_type type;
    bool breaks;       /* where a row that is too wide goes on in the next line; a line of nothing is left out */
    bool quiet;        /* in text, 0 is left empty */
    const char *title; /* above a window's column, where there is room, without the unit of a time; NULL: the heading */
};

/* One value of a row. `filled` false: there is none. */
struct tcpstate_cell {
    bool filled;
    int64_t number;
    uint16_t port;
    const address *address;
    const char *text; /* static, or `buffer` */
    char buffer[320];
};

enum { TCPSTATE_MAX_COLUMNS = 24 };

/* Which group of rows an item belongs to. */
typedef unsigned tcpstate_group(const void *item);

/* Spells out one item: fills cells[i] for column i. Cells come empty. */
typedef void tcpstate_fill(const void *item, struct tcpstate_cell *cells);

struct tcpstate_table {
    const char *key, *title;
    const struct tcpstate_column *columns;
    unsigned column_count;
    GArray *items;
    tcpstate_fill *fill;
    const char *nothing;   /* said in text instead of an empty table; NULL: nothing is */
    unsigned text_limit;   /* text shows so many items of a group, and the number of the rest; 0: all */
    tcpstate_group *group; /* items of a group stand together; NULL: all are one group */
};

/* One count of a group of counts: "handshakes": "unanswered" 3. */
struct tcpstate_total {
    const char *group, *label; /* for programs, for people */
    const char *key;
    uint64_t count;
};

struct tcpstate_document {
    const char *name;  /* of the report */
    GArray *tables;    /* struct tcpstate_table */
    GArray *totals;    /* struct tcpstate_total, those of one group together */
    GPtrArray *notes;  /* sentences, char * */
    GPtrArray *keeps;  /* what items point to, freed with the document; or NULL */
    bool for_plotting; /* in text, what is not data stands behind '#' */
};

struct tcpstate_document *tcpstate_document_new(const char *name);
void tcpstate_document_free(struct tcpstate_document *document);

/* Adds a table, which takes over `table.items`. */
void tcpstate_document_add(struct tcpstate_document *document, struct tcpstate_table table);
void tcpstate_document_count(struct tcpstate_document *document, const char *group, const char *label, const char *key,
                             uint64_t count);
void tcpstate_document_note(struct tcpstate_document *document, const char *format, ...) G_GNUC_PRINTF(2, 3);

static inline const void *tcpstate_item_at(const struct tcpstate_table *table, guint row)
{
    return table->items->data + (gsize)g_array_get_element_size(table->items) * row;
}

/* Spells out row `row` in `cells`, of which there are table->column_count. */
void tcpstate_row_fill(const struct tcpstate_table *table, guint row, struct tcpstate_cell *cells);

/* `text` must outlive the document; an empty text leaves the cell empty. */
void tcpstate_cell_text(struct tcpstate_cell *cell, const char *text);
void tcpstate_cell_format(struct tcpstate_cell *cell, const char *format, ...) G_GNUC_PRINTF(2, 3);
void tcpstate_cell_number(struct tcpstate_cell *cell, uint64_t number);
/* A frame number: 0 leaves the cell empty. */
void tcpstate_cell_frame(struct tcpstate_cell *cell, uint32_t frame);
void tcpstate_cell_duration(struct tcpstate_cell *cell, int64_t nanoseconds);
void tcpstate_cell_endpoint(struct tcpstate_cell *cell, const address *address, uint16_t port);

/* Room for any number and any duration, terminated. */
enum { TCPSTATE_NUMBER_SIZE = 32 };

/* "12.345 ms", "7200 s": written backwards from before `end`, as Wireshark's int64_to_str_back() does; returns where it
 * begins. Nothing terminates it. */
char *tcpstate_duration_back(char *end, int64_t nanoseconds);
/* The same from the beginning of `text`, terminated. */
void tcpstate_duration_text(int64_t nanoseconds, char *text);
/* "10.0.0.1:80", "[2001:db8::1]:80". `size` is at least 64. Returns the length. */
size_t tcpstate_endpoint_text(const address *address, uint16_t port, char *text, size_t size);

/* How many octets tcpstate_endpoint_text() writes; quicker where it can. */
unsigned tcpstate_endpoint_width(const address *address, uint16_t port);

#endif
