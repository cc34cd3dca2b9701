/* What the three forms of a report share: the sink, and plain values. Private to the writer.
 * Look next: writer_text.c, the only form that is for people.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPSTATE_WRITER_FORMS_H
#define TCPSTATE_WRITER_FORMS_H

#include "writer.h"

/* Room for the value of any cell but a text of the report's own. */
enum { TCPSTATE_PLAIN_SIZE = 80 };

void tcpstate_write_text(struct tcpstate_writer *writer, const struct tcpstate_document *document);
void tcpstate_write_csv(struct tcpstate_writer *writer, const struct tcpstate_document *document);
void tcpstate_write_json(struct tcpstate_writer *writer, const struct tcpstate_document *document);

/* Sends on what has been written, once it is much. */
void tcpstate_writer_flush(struct tcpstate_writer *writer);

/* Ends the line that begins at octet `begin` of writer->text: no blanks at its end, no Unicode where none is wanted. */
void tcpstate_writer_end_line(struct tcpstate_writer *writer, size_t begin);

/* The value as programs read it; for an endpoint, the address alone. In `text`, of TCPSTATE_PLAIN_SIZE octets, or
 * static. */
const char *tcpstate_cell_plain(const struct tcpstate_column *column, struct tcpstate_cell *cell, char *text,
                                size_t size);

#endif
