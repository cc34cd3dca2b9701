/* Reports in windows: Statistics > TCP State, and wireshark -z. See menu.h.
 * What is a table opens as one (tables.c). A window of text shows what tshark -z prints, and shows it anew when the
 * capture is dissected anew, goes on, or another is opened. Knows Wireshark's funnel of scripts to windows, not what
 * reports say. Look next: report/run.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <wireshark.h>

#include "host/compat.h"
#include "menu.h"
#include "tables.h"

#include <epan/funnel.h>
#include <epan/plugin_if.h>
#include <epan/proto.h>
#include <epan/stat_tap_ui.h>

#include "report/ladder_picture.h"
#include "report/run.h"

/* What fits the window as it opens. */
enum { WINDOW_WIDTH = 72 };

/* A window, and the report that it shows. */
struct window {
    struct tcpstate_request request;
    char *filter; /* what request.filter points to */
    funnel_text_window_t *text;
    struct tcpstate_run_handle *run;
};

static const funnel_ops_t *ops(void)
{
    return funnel_get_funnel_ops();
}

/* Programs without windows have no operations, or empty ones. */
static bool has_windows(void)
{
    return ops() && ops()->new_text_window && ops()->set_text && ops()->retap_packets;
}

static void show(void *context, const struct tcpstate_report_input *input, struct tcpstate_document *document)
{
    struct window *window = context;
    struct tcpstate_writer writer;

    tcpstate_writer_init(&writer, NULL);
    writer.format = TCPSTATE_TEXT;
    writer.width = WINDOW_WIDTH;
    if (window->request.filter) {
        GString *line = g_string_new("Connections with packets that pass the filter ");

        g_string_append(line, window->request.filter);
        tcpstate_write_line(&writer, line->str);
        tcpstate_write_line(&writer, "");
        g_string_free(line, TRUE);
    }
    if (input->steps)
        tcpstate_draw_ladder(&writer, input);
    else
        tcpstate_write(&writer, document);
    ops()->set_text(window->text, writer.text->str);
    tcpstate_writer_finish(&writer);
}

/* Starts the report, or starts it over with another filter; says in the window what is wrong, if anything is. */
static void start(struct window *window)
{
    char *wrong;

    if (window->run) tcpstate_run_stop(window->run);
    window->run = NULL;
    wrong = tcpstate_run_start(&window->request, show, window, &window->run);
    if (wrong)
        ops()->set_text(window->text, wrong);
    else
        ops()->retap_packets(ops()->ops_id);
    g_free(wrong);
}

static void closed(void *data)
{
    struct window *window = data;

    if (window->run) tcpstate_run_stop(window->run);
    g_free(window->filter);
    g_free(window);
}

/* The button: the display filter as it is now, or all packets when there is none. */
static TCPSTATE_BUTTON_RESULT take_filter(funnel_text_window_t *text, void *data)
{
    struct window *window = data;
    const char *filter = ops()->get_filter(ops()->ops_id);

    (void)text;
    g_free(window->filter);
    window->filter = filter && *filter ? g_strdup(filter) : NULL;
    window->request.filter = window->filter;
    start(window);
    return TRUE;
}

/* The button: all of the text, to be pasted into a report or a lecture. */
static TCPSTATE_BUTTON_RESULT copy_text(funnel_text_window_t *text, void *data)
{
    GString *copy = g_string_new(ops()->get_text(text));

    (void)data;
    ops()->copy_to_clipboard(copy);
    g_string_free(copy, TRUE);
    return TRUE;
}

static void add_button(struct window *window, const char *label, funnel_bt_cb_t pressed)
{
    funnel_bt_t *button = g_new0(funnel_bt_t, 1);

    button->tw = window->text;
    button->func = pressed;
    button->data = window;
    button->free_fcn = g_free;
    ops()->add_button(window->text, button, label);
}

static void add_buttons(struct window *window)
{
    if (!ops()->add_button) return;
    if (ops()->copy_to_clipboard && ops()->get_text) add_button(window, "Copy", copy_text);
    if (ops()->get_filter) add_button(window, "Limit to display filter", take_filter);
}

static funnel_text_window_t *new_window(const struct tcpstate_report_kind *kind)
{
    char *title = g_strdup_printf("TCP State: %s", kind->title);
    funnel_text_window_t *text = ops()->new_text_window(ops()->ops_id, title);

    g_free(title);
    return text;
}

static void open_window(const struct tcpstate_request *request)
{
    struct window *window = g_new0(struct window, 1);

    window->request = *request;
    window->filter = g_strdup(request->filter);
    window->request.filter = window->filter;
    window->text = new_window(request->kind);
    ops()->set_close_cb(window->text, closed, window);
    add_buttons(window);
    start(window);
}

/* ---- reports that need to be told something first -------------------------------------------------------------- */

/* The dialog gives back what was typed: what could stand behind the report's name after -z. */
static void argument_typed(gchar **input, void *data)
{
    const struct tcpstate_report_kind *kind = data;
    char *command = g_strdup_printf("%s,%s", kind->name, input && input[0] ? g_strstrip(input[0]) : "");
    struct tcpstate_request request;
    char *wrong = tcpstate_read_request(command, &request);

    if (wrong)
        ops()->set_text(new_window(kind), wrong);
    else
        open_window(&request);
    g_free(wrong);
    g_free(command);
}

static void ask(const struct tcpstate_report_kind *kind)
{
    bool stream = kind->argument == TCPSTATE_ARGUMENT_STREAM;
    const gchar *names[] = {kind->question, NULL};
    uint32_t selected = tcpstate_stream_looked_at();
    char *number = g_strdup_printf("%u", selected == TCPSTATE_NO_STREAM ? 0 : selected);
    const gchar *values[] = {stream ? number : "", NULL};
    char *title = g_strdup_printf("TCP State: %s", kind->title);

    ops()->new_dialog(ops()->ops_id, title, names, values, argument_typed, (void *)kind, NULL);
    g_free(number);
    g_free(title);
}

static void chosen(ext_menubar_gui_type type, gpointer gui, gpointer data)
{
    const struct tcpstate_report_kind *kind = data;
    struct tcpstate_request request = {.kind = kind, .seconds = -1};

    (void)type;
    (void)gui;
    if (!has_windows()) return;
    if (kind->argument == TCPSTATE_ARGUMENT_NONE || !ops()->new_dialog)
        open_window(&request);
    else
        ask(kind);
}

/* wireshark -z tcpstate,<report>: started when the file has been read. */
static bool show_request(const struct tcpstate_request *request)
{
    if (!has_windows()) return false;
    open_window(request);
    return true;
}

/* ---- the menu --------------------------------------------------------------------------------------------------- */

/* The program opens the window of a table when it is asked to by -z, and does not mind being asked later. */
static void table_chosen(ext_menubar_gui_type type, gpointer gui, gpointer command)
{
    (void)type;
    (void)gui;
    if (has_windows() && process_stat_cmd_arg(command)) start_requested_stats();
}

struct entries {
    ext_menu_t *menu;
    const struct tcpstate_report_kind *kind;
};

static void add_table(void *context, const char *command, const char *label)
{
    const struct entries *entries = context;

    ext_menubar_add_entry(entries->menu, label, entries->kind->what, table_chosen, (gpointer)command);
}

static void add_text(ext_menu_t *menu, const struct tcpstate_report_kind *kind)
{
    char *label = g_strdup_printf("%s%s", kind->title, kind->argument == TCPSTATE_ARGUMENT_NONE ? "" : "…");

    ext_menubar_add_entry(menu, label, kind->what, chosen, (gpointer)kind);
    g_free(label);
}

/* A menu of a plugin's own, below Statistics: entries of scripts (funnel_register_menu) and of tables get no submenu
 * there. First the tables and the picture, then all as texts, which have totals and remarks besides. */
void tcpstate_register_menu(void)
{
    ext_menu_t *menu = ext_menubar_register_menu(proto_get_id_by_filter_name("tcpstate"), "TCP State", TRUE);
    ext_menu_t *texts;

    ext_menubar_set_parentmenu(menu, "Statistics");
    for (unsigned i = 0; i < tcpstate_report_count; i++) {
        struct entries entries = {.menu = menu, .kind = &tcpstate_report_kinds[i]};

        if (tcpstate_is_picture(entries.kind))
            add_text(menu, entries.kind);
        else
            tcpstate_tables_of(entries.kind, add_table, &entries);
    }
    ext_menubar_add_separator(menu);
    texts = ext_menubar_add_submenu(menu, "As Text");
    for (unsigned i = 0; i < tcpstate_report_count; i++)
        if (!tcpstate_is_picture(&tcpstate_report_kinds[i])) add_text(texts, &tcpstate_report_kinds[i]);
    tcpstate_show_requests_with(show_request);
}
