/* A report at work: started by -z or by the menu, fed by taps, delivered whenever the program draws.
 * Look next: report.c, which runs it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPSTATE_RUN_H
#define TCPSTATE_RUN_H

#include "kinds.h"
#include "writer.h"

/* What was asked for. */
struct tcpstate_request {
    const struct tcpstate_report_kind *kind;
    double seconds; /* below 0: not given */
    uint32_t stream;
    const char *filter; /* NULL: none */
};

/* Reads "tcpstate,<report>[,argument][,filter]", into which request->filter then points. Returns NULL, or what is wrong
 * with it, to be freed. */
char *tcpstate_read_request(const char *text, struct tcpstate_request *request);

/* Gets the computed report; called each time the program draws. */
typedef void tcpstate_deliver(void *context, const struct tcpstate_report_input *input,
                              struct tcpstate_document *document);

struct tcpstate_run_handle;

/* Starts gathering. Returns NULL, or a sentence on what is wrong, to be freed. `started` may be NULL: then the run is
 * never stopped, and is drawn once, after all packets. */
char *tcpstate_run_start(const struct tcpstate_request *request, tcpstate_deliver *deliver, void *context,
                         struct tcpstate_run_handle **started);
void tcpstate_run_stop(struct tcpstate_run_handle *handle);

/* Where there are windows, -z is shown in one: who shows it takes the request over and returns true. The filter that
 * the request points to does not stay. */
typedef bool tcpstate_show_request(const struct tcpstate_request *request);
void tcpstate_show_requests_with(tcpstate_show_request *show);

#endif
