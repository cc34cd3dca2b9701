/* How a document looks: text for people, CSV and JSON for programs. The only place that knows any of the three.
 * Text fits the width given; rows that do not fit go on in the next line. CSV has one header: a report of several
 * tables has a first column "table" and the columns of all; totals and notes are left to text and JSON.
 * Look next: document.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPSTATE_WRITER_H
#define TCPSTATE_WRITER_H

#include <stdio.h>

#include "document.h"
#include "tap_payload.h"

/* Where the words go: into `file` as they come, or all into `text` when `file` is NULL. */
struct tcpstate_writer {
    GString *text;
    FILE *file;
    enum tcpstate_report_format format;
    bool ascii;     /* no arrows, no lines of Unicode */
    unsigned width; /* columns of the terminal */
};

/* As the preferences say, to standard output. End it with tcpstate_writer_finish(). */
void tcpstate_writer_init(struct tcpstate_writer *writer, FILE *file);
void tcpstate_writer_finish(struct tcpstate_writer *writer);

void tcpstate_write(struct tcpstate_writer *writer, const struct tcpstate_document *document);

/* For reports that draw their own text: adds a line; in ASCII, arrows and dots of Unicode are replaced. */
void tcpstate_write_line(struct tcpstate_writer *writer, const char *line);

#endif
