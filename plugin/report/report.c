/* Running a report: its argument is read, its taps gather, and when the program asks it is computed and written.
 * Look next: kinds.h for what reports there are, gathering.h for what they see, writer.h for how they look.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "host/compat.h"

#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <epan/packet.h>
#include <epan/stat_tap_ui.h>
#include <epan/tap.h>

#include "kinds.h"
#include "ladder_picture.h"
#include "run.h"
#include "writer.h"

#define COMMAND "tcpstate"

/* ---- what was asked for --------------------------------------------------------------------------------------- */

static const struct tcpstate_report_kind *kind_named(const char *name, size_t length)
{
    for (unsigned i = 0; i < tcpstate_report_count; i++) {
        const struct tcpstate_report_kind *kind = &tcpstate_report_kinds[i];

        if (strlen(kind->name) == length && strncmp(kind->name, name, length) == 0) return kind;
    }
    return NULL;
}

static char *no_such_report(const char *name, size_t length)
{
    GString *message = g_string_new(NULL);

    if (length)
        g_string_printf(message, "there is no report \"%.*s\"; the reports are ", (int)length, name);
    else
        g_string_printf(message, "which report? The reports are ");
    for (unsigned i = 0; i < tcpstate_report_count; i++)
        g_string_append_printf(message, "%s%s",
                               i == 0                          ? ""
                               : i + 1 < tcpstate_report_count ? ", "
                                                               : " and ",
                               tcpstate_report_kinds[i].name);
    return g_string_free(message, FALSE);
}

/* A number that begins with a digit, up to a comma or the end. A filter does not begin so. */
static bool read_number(const char *text, double *number, const char **rest)
{
    char *end;

    *number = g_ascii_strtod(text, &end);
    *rest = *end == ',' ? end + 1 : end;
    return end != text && (*end == '\0' || *end == ',');
}

static char *read_seconds(const struct tcpstate_report_kind *kind, struct tcpstate_request *request, const char **rest)
{
    const char *text = *rest;

    if (!g_ascii_isdigit(text[strspn(text, "+-.")])) return NULL;
    if (!read_number(text, &request->seconds, rest) || request->seconds <= 0 || request->seconds > 1e9)
        return g_strdup_printf("%s wants a number of seconds above 0, not \"%.*s\"", kind->name,
                               (int)strcspn(text, ","), text);
    return NULL;
}

static char *read_stream(const struct tcpstate_report_kind *kind, struct tcpstate_request *request, const char **rest)
{
    const char *text = *rest;
    guint64 stream = 0;
    char *end = NULL;

    errno = 0;
    if (g_ascii_isdigit(text[0])) stream = g_ascii_strtoull(text, &end, 10);
    if (!end || (*end != '\0' && *end != ',') || errno || stream >= TCPSTATE_NO_STREAM)
        return g_strdup_printf("%s wants the number of a TCP stream (-z %s,%s,0), not \"%.*s\"", kind->name, COMMAND,
                               kind->name, (int)strcspn(text, ","), text);
    request->stream = (uint32_t)stream;
    *rest = *end == ',' ? end + 1 : end;
    return NULL;
}

char *tcpstate_read_request(const char *text, struct tcpstate_request *request)
{
    const char *name = g_str_has_prefix(text, COMMAND) ? text + strlen(COMMAND) : text;
    const char *rest;
    char *wrong = NULL;
    size_t length;

    if (*name == ',') name++;
    length = strcspn(name, ",");
    *request = (struct tcpstate_request){.kind = kind_named(name, length), .seconds = -1};
    if (!request->kind) return no_such_report(name, length);
    rest = name + length + (name[length] == ',');
    if (request->kind->argument == TCPSTATE_ARGUMENT_SECONDS) wrong = read_seconds(request->kind, request, &rest);
    if (request->kind->argument == TCPSTATE_ARGUMENT_STREAM) wrong = read_stream(request->kind, request, &rest);
    request->filter = *rest ? rest : NULL;
    return wrong;
}

/* ---- a running report ----------------------------------------------------------------------------------------- */

struct tcpstate_run {
    struct tcpstate_request request;
    struct tcpstate_gathering gathering;
    struct tcpstate_steps steps;
    tcpstate_deliver *deliver;
    void *context;
};

static bool is_picture(const struct tcpstate_run *run)
{
    return tcpstate_is_picture(run->request.kind);
}

static bool reads_packets(const struct tcpstate_run *run)
{
    return run->request.kind->reads == TCPSTATE_READS_PACKETS;
}

static void start_gathering(struct tcpstate_run *run)
{
    tcpstate_gathering_init(&run->gathering);
    tcpstate_steps_init(&run->steps, run->request.stream);
}

static void drop_gathering(struct tcpstate_run *run)
{
    tcpstate_gathering_clear(&run->gathering);
    tcpstate_steps_clear(&run->steps);
}

static void reset(void *data)
{
    drop_gathering(data);
    start_gathering(data);
}

static tap_packet_status take_packet(void *data, packet_info *pinfo, epan_dissect_t *edt, const void *payload,
                                     tap_flags_t flags)
{
    struct tcpstate_run *run = data;
    const struct tcpstate_tap *tap = payload;

    (void)pinfo;
    (void)edt;
    (void)flags;
    if (!tap->conn) return TAP_PACKET_DONT_REDRAW;
    if (is_picture(run) && tap->conn->stream != run->request.stream) return TAP_PACKET_DONT_REDRAW;
    tcpstate_gather(&run->gathering, tap);
    if (is_picture(run)) tcpstate_steps_add(&run->steps, tap);
    return TAP_PACKET_REDRAW;
}

/* Every frame of the capture, TCP or not, whatever the filter: the capture ends with its last frame (rule 9). */
static tap_packet_status take_time(void *data, packet_info *pinfo, epan_dissect_t *edt, const void *payload,
                                   tap_flags_t flags)
{
    struct tcpstate_run *run = *(struct tcpstate_run **)data;

    (void)edt;
    (void)payload;
    (void)flags;
    tcpstate_gather_time(&run->gathering, pinfo);
    return TAP_PACKET_DONT_REDRAW;
}

static void draw(void *data)
{
    struct tcpstate_run *run = data;
    struct tcpstate_document *document = tcpstate_document_new(run->request.kind->name);
    struct tcpstate_report_input input = {
        .gathering = &run->gathering,
        .argument = run->request.seconds,
        .steps = is_picture(run) ? &run->steps : NULL,
    };

    run->request.kind->compute(&input, document);
    if (run->request.filter && !run->gathering.connections->len)
        tcpstate_document_note(document, "No TCP packet passes the filter.");
    run->deliver(run->context, &input, document);
    tcpstate_document_free(document);
}

/* The clock's listener needs a key of its own: a tap listener is known by its data. */
struct clock {
    struct tcpstate_run *run;
};

struct tcpstate_run_handle {
    struct tcpstate_run run;
    struct clock clock;
};

static GSList *running; /* struct tcpstate_run_handle * */

/* tshark -M ends a session, and with it all connections, while the taps go on, and calls no reset: what a report tells
 * is of the session it is written in. */
static void forget_connections(void)
{
    for (GSList *at = running; at; at = at->next) reset(&((struct tcpstate_run_handle *)at->data)->run);
}

/* A report that is drawn once, after all packets, and that reads only logs, needs to meet each connection once. Not so
 * with a filter, which must see all packets to find one that passes; and a window is drawn again for each packet. */
static const char *tap_for(const struct tcpstate_request *request, bool drawn_once)
{
    bool meets_once = drawn_once && !request->filter && request->kind->reads == TCPSTATE_READS_LOGS;

    return meets_once ? TCPSTATE_CONNECTIONS_TAP : TCPSTATE_TAP;
}

char *tcpstate_run_start(const struct tcpstate_request *request, tcpstate_deliver *deliver, void *context,
                         struct tcpstate_run_handle **started)
{
    struct tcpstate_run_handle *handle = g_new0(struct tcpstate_run_handle, 1);
    GString *error;
    char *wrong;

    handle->run.request = *request;
    handle->run.deliver = deliver;
    handle->run.context = context;
    handle->clock.run = &handle->run;
    start_gathering(&handle->run);
    running = g_slist_prepend(running, handle);
    error = register_tap_listener(tap_for(request, !started), &handle->run, request->filter, TL_REQUIRES_NOTHING, reset,
                                  take_packet, draw, NULL);
    if (!error && reads_packets(&handle->run))
        error = register_tap_listener("frame", &handle->clock, NULL, TL_REQUIRES_NOTHING, NULL, take_time, NULL, NULL);
    if (!error) {
        if (started) *started = handle;
        return NULL;
    }
    wrong = g_strdup_printf("%s: %s", request->kind->name, error->str);
    g_string_free(error, TRUE);
    tcpstate_run_stop(handle);
    return wrong;
}

void tcpstate_run_stop(struct tcpstate_run_handle *handle)
{
    remove_tap_listener(&handle->run);
    if (reads_packets(&handle->run)) remove_tap_listener(&handle->clock);
    running = g_slist_remove(running, handle);
    drop_gathering(&handle->run);
    g_free(handle);
}

/* ---- -z ------------------------------------------------------------------------------------------------------- */

static void print_document(void *context, const struct tcpstate_report_input *input, struct tcpstate_document *document)
{
    static bool printed;
    struct tcpstate_writer writer;

    (void)context;
    tcpstate_writer_init(&writer, stdout);
    /* Where people read several reports, something stands between them. */
    if (printed && writer.format == TCPSTATE_TEXT) fputc('\n', stdout);
    printed = true;
    if (input->steps && writer.format == TCPSTATE_TEXT)
        tcpstate_draw_ladder(&writer, input);
    else
        tcpstate_write(&writer, document);
    tcpstate_writer_finish(&writer);
}

static tcpstate_show_request *show_request;

void tcpstate_show_requests_with(tcpstate_show_request *show)
{
    show_request = show;
}

static tcpstate_tap_init_result start(const char *argument, void *data)
{
    struct tcpstate_request request;
    char *wrong = tcpstate_read_request(argument, &request);

    (void)data;
    if (!wrong && show_request && show_request(&request)) TCPSTATE_TAP_INIT_OK;
    if (!wrong && request.kind) wrong = tcpstate_run_start(&request, print_document, NULL, NULL);
    if (wrong) TCPSTATE_TAP_INIT_FAILED("%s", wrong);
    TCPSTATE_TAP_INIT_OK;
}

/* The program picks the longest name that the argument begins with: "tcpstate" takes what no report answers to. */
static void register_command(const char *command)
{
    stat_tap_ui ui = {
        .group = REGISTER_STAT_GROUP_GENERIC,
        .cli_string = command,
        .tap_init_cb = start,
    };

    register_stat_tap_ui(&ui, NULL);
}

void tcpstate_register_reports(void)
{
    register_cleanup_routine(forget_connections);
    register_command(COMMAND);
#define X(name, argument, title, what, question, reads) register_command(COMMAND "," #name);
    TCPSTATE_REPORT_KINDS(X)
#undef X
}
