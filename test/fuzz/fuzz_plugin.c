/* The whole plugin inside libwireshark, in one process: an input is a capture file, classic pcap, and every input is
 * loaded, read in one pass with all reports, read again frame by frame in another order, and closed. The same file is
 * the libFuzzer target (preset "fuzz") and, with TCPS_FUZZ_REPLAY, a plain program that replays a corpus and changes
 * made of it. The plugin is linked in and registers itself as if loaded: sanitizers and coverage see it, root may run
 * it. Knows libwireshark as tshark.c uses it, and of the plugin its fields' names only. Look next: pcap_mutator.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <wireshark.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <epan/column-info.h>
#include <epan/column.h>
#include <epan/epan.h>
#include <epan/epan_dissect.h>
#include <epan/frame_data.h>
#include <epan/ftypes/ftypes.h>
#include <epan/packet.h>
#include <epan/prefs.h>
#include <epan/stat_tap_ui.h>
#include <epan/tap.h>
#include <epan/timestamp.h>
#include <epan/tvbuff.h>
#include <wiretap/pcap-encap.h>
#include <wiretap/wtap.h>
#include <wsutil/filesystem.h>
#include <wsutil/privileges.h>
#include <wsutil/wslog.h>

#include "pcap_mutator.h"
#include "report/kinds.h"

enum { MOST_FRAMES = 300 };

void plugin_register(void);
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t limit, unsigned seed);

/* What an epan session asks its program for. */
struct packet_provider_data {
    frame_data *frames;
    unsigned count;
};

static column_info columns;

#define REQUIRE(what, ...)                                                                                             \
    do {                                                                                                               \
        if (!(what)) {                                                                                                 \
            fprintf(stderr, "%s:%d: not true: %s: ", __FILE__, __LINE__, #what);                                       \
            fprintf(stderr, __VA_ARGS__);                                                                              \
            fputc('\n', stderr);                                                                                       \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* ---- libwireshark, as tshark starts it ---- */

/* Stands before wsutil's: no table of names is found. libwireshark reads all of its makers of network cards and
 * services for each file that it opens and, until it ends, frees none: that was most of the time and all of the memory
 * here. */
WS_DLL_PUBLIC_DEF char *get_datafile_path(const char *filename)
{
    return g_build_filename("/nonexistent", filename, NULL);
}

static void ask_for_reports(void)
{
    for (unsigned i = 0; i < tcpstate_report_count; i++) {
        const char *argument = tcpstate_report_kinds[i].argument == TCPSTATE_ARGUMENT_STREAM ? ",0" : "";
        char *wanted = g_strdup_printf("tcpstate,%s%s", tcpstate_report_kinds[i].name, argument);

        REQUIRE(process_stat_cmd_arg(wanted), "%s", wanted);
        g_free(wanted);
    }
    /* Long intervals: the clock of a changed capture jumps by years, and writing 100,000 rows for it, three times,
     * would be all that is done here. test_scale.py has them shorter. */
    REQUIRE(process_stat_cmd_arg("tcpstate,census,1000000"), "census by intervals");
    start_requested_stats();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    e_prefs *prefs;

    (void)argc;
    /* Each block of wmem by malloc, so that the sanitizer sees its end; and nobody's preferences. */
    g_setenv("WIRESHARK_DEBUG_WMEM_OVERRIDE", "simple", FALSE);
    g_setenv("HOME", "/nonexistent", TRUE);
    g_unsetenv("XDG_CONFIG_HOME");
    ws_log_init("fuzz_plugin", NULL);
    init_process_policies();
    g_free(configuration_init((*argv)[0], NULL));
    timestamp_set_type(TS_RELATIVE);
    timestamp_set_precision(TS_PREC_AUTO);
    timestamp_set_seconds_type(TS_SECONDS_DEFAULT);
    wtap_init(FALSE);
    plugin_register();
    REQUIRE(epan_init(NULL, NULL, FALSE), "libwireshark does not start");
    prefs = epan_load_settings();
    prefs_apply_all();
    build_column_format_array(&columns, prefs->num_cols, TRUE);
    REQUIRE(proto_get_id_by_filter_name("tcpstate") > 0, "the plugin is not registered");
    ask_for_reports();
    /* The reports print; nobody reads it here. libFuzzer and the checks above use stderr. */
    REQUIRE(freopen("/dev/null", "w", stdout), "/dev/null");
    return 0;
}

static const nstime_t *time_of(struct packet_provider_data *provider, guint32 frame)
{
    return frame > 0 && frame <= provider->count ? &provider->frames[frame - 1].abs_ts : NULL;
}

/* ---- frames ---- */

static void make_record(const struct fuzz_frame *frame, const struct fuzz_capture *capture, wtap_rec *record)
{
    record->rec_type = REC_TYPE_PACKET;
    record->presence_flags = WTAP_HAS_CAP_LEN;
    /* A second that pcap can hardly have stands for "no time stamp". */
    if (frame->seconds != UINT32_MAX) record->presence_flags |= WTAP_HAS_TS;
    record->ts.secs = (time_t)frame->seconds;
    record->ts.nsecs = (int)frame->microseconds * 1000;
    record->rec_header.packet_header.caplen = frame->octets->len;
    record->rec_header.packet_header.len = MAX(frame->length, frame->octets->len);
    record->rec_header.packet_header.pkt_encap = wtap_pcap_encap_to_wtap_encap((int)capture->link_type);
}

/* All that the plugin says of one packet and that may not depend on the pass: its fields but those of the end. */
static char *said(const epan_dissect_t *edt)
{
    GPtrArray *found = proto_all_finfos(edt->tree);
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < found->len; i++) {
        const field_info *field = found->pdata[i];
        char *value;

        if (!g_str_has_prefix(field->hfinfo->abbrev, "tcpstate.") || field->hfinfo->type == FT_NONE) continue;
        if (g_str_has_prefix(field->hfinfo->abbrev, "tcpstate.final.")) continue;
        value = fvalue_to_string_repr(NULL,
                                      _Generic(field->value, fvalue_t *
                                               : field->value, default
                                               : &field->value),
                                      FTREPR_DISPLAY, field->hfinfo->display);
        g_string_append_printf(text, "%s=%s\n", field->hfinfo->abbrev, value ? value : "");
        wmem_free(NULL, value);
    }
    g_ptr_array_free(found, TRUE);
    return g_string_free(text, FALSE);
}

struct reading {
    const struct fuzz_capture *capture;
    struct packet_provider_data provider;
    epan_t *session;
    epan_dissect_t *edt;
    nstime_t elapsed;
    const frame_data *reference;
    guint32 octets;
};

/* Dissects frame `index`; returns what the plugin says of it if there is a tree. */
static char *dissect(struct reading *reading, unsigned index, gboolean first, gboolean with_taps)
{
    const struct fuzz_frame *frame = reading->capture->frames->pdata[index];
    frame_data *data = &reading->provider.frames[index];
    wtap_rec record;
    tvbuff_t *octets;
    char *text;

    wtap_rec_init(&record);
    make_record(frame, reading->capture, &record);
    if (first) {
        frame_data_init(data, index + 1, &record, 0, reading->octets);
        reading->provider.count = index + 1;
        frame_data_set_before_dissect(data, &reading->elapsed, &reading->reference, NULL);
    }
    octets = tvb_new_real_data(frame->octets->data, frame->octets->len, (int)MIN(data->pkt_len, (guint32)INT32_MAX));
    if (with_taps)
        epan_dissect_run_with_taps(reading->edt, WTAP_FILE_TYPE_SUBTYPE_UNKNOWN, &record, octets, data, &columns);
    else
        epan_dissect_run(reading->edt, WTAP_FILE_TYPE_SUBTYPE_UNKNOWN, &record, octets, data, NULL);
    if (first) frame_data_set_after_dissect(data, &reading->octets);
    text = reading->edt->tree ? said(reading->edt) : NULL;
    epan_dissect_reset(reading->edt);
    wtap_rec_cleanup(&record);
    return text;
}

static void open_file(struct reading *reading, const struct fuzz_capture *capture, gboolean tree)
{
    static const struct packet_provider_funcs functions = {.get_frame_ts = time_of};

    memset(reading, 0, sizeof *reading);
    reading->capture = capture;
    reading->provider.frames = g_new0(frame_data, capture->frames->len);
    reading->session = epan_new(&reading->provider, &functions);
    reading->edt = epan_dissect_new(reading->session, tree, tree);
    reset_tap_listeners();
}

static void close_file(struct reading *reading)
{
    epan_dissect_free(reading->edt);
    epan_free(reading->session);
    for (unsigned i = 0; i < reading->provider.count; i++) frame_data_destroy(&reading->provider.frames[i]);
    g_free(reading->provider.frames);
}

/* ---- two ways to read a file ---- */

/* tshark -V with all reports, and then what a user does who clicks on frames from the last to the first. */
static GPtrArray *read_in_one_pass(const struct fuzz_capture *capture)
{
    GPtrArray *texts = g_ptr_array_new_with_free_func(g_free);
    struct reading reading;

    open_file(&reading, capture, TRUE);
    for (unsigned i = 0; i < capture->frames->len; i++) g_ptr_array_add(texts, dissect(&reading, i, TRUE, TRUE));
    draw_tap_listeners(TRUE);
    for (unsigned i = capture->frames->len; i-- > 0;) {
        char *again = dissect(&reading, i, FALSE, FALSE);

        REQUIRE(strcmp(again, texts->pdata[i]) == 0, "frame %u clicked on:\n%s--- in the first pass:\n%s", i + 1, again,
                (char *)texts->pdata[i]);
        g_free(again);
    }
    close_file(&reading);
    return texts;
}

/* tshark -2: a first pass without a tree and without taps, a second one with both. */
static void read_in_two_passes(const struct fuzz_capture *capture, const GPtrArray *expected)
{
    struct reading reading;

    open_file(&reading, capture, FALSE);
    for (unsigned i = 0; i < capture->frames->len; i++) g_free(dissect(&reading, i, TRUE, FALSE));
    epan_dissect_free(reading.edt);
    reading.edt = epan_dissect_new(reading.session, TRUE, TRUE);
    for (unsigned i = 0; i < capture->frames->len; i++) {
        char *again = dissect(&reading, i, FALSE, TRUE);

        REQUIRE(strcmp(again, expected->pdata[i]) == 0, "frame %u in the second pass:\n%s--- in one pass:\n%s", i + 1,
                again, (char *)expected->pdata[i]);
        g_free(again);
    }
    draw_tap_listeners(TRUE);
    close_file(&reading);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char *const formats[] = {"text", "csv", "json"};
    struct fuzz_capture *capture = fuzz_capture_read(bytes, size, MOST_FRAMES);
    char *preference, *error = NULL;
    GPtrArray *texts;

    if (!capture || capture->frames->len == 0) {
        fuzz_capture_free(capture);
        return 0;
    }
    preference = g_strdup_printf("tcpstate.report_format:%s", formats[size % G_N_ELEMENTS(formats)]);
    REQUIRE(prefs_set_pref(preference, &error) == PREFS_SET_OK, "%s", preference);
    g_free(preference);
    prefs_apply_all();
    texts = read_in_one_pass(capture);
    read_in_two_passes(capture, texts);
    g_ptr_array_unref(texts);
    fuzz_capture_free(capture);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t limit, unsigned seed)
{
    struct fuzz_capture *capture = fuzz_capture_read(bytes, size, MOST_FRAMES);
    GRand *source = g_rand_new_with_seed(seed);

    if (capture) {
        for (unsigned changes = 1 + g_rand_int(source) % 4; changes > 0; changes--)
            fuzz_capture_mutate(capture, source);
        size = fuzz_capture_write(capture, bytes, limit);
    }
    fuzz_capture_free(capture);
    g_rand_free(source);
    return size;
}

#ifdef TCPS_FUZZ_REPLAY

/* The file itself, and `changes` times the file changed once more. Returns how many inputs that were. */
static unsigned replay_file(const char *path, unsigned changes)
{
    enum { ROOM = 1 << 16 };
    char *content;
    gsize size, room;

    if (!g_file_get_contents(path, &content, &size, NULL)) return 0;
    room = size + ROOM;
    content = g_realloc(content, room);
    for (unsigned i = 0; i <= changes; i++) {
        /* The name of what broke, since an abort leaves no other word of it. */
        if (g_getenv("TCPS_FUZZ_VERBOSE")) fprintf(stderr, "%s, change %u\n", path, i);
        if (i > 0) size = LLVMFuzzerCustomMutator((uint8_t *)content, size, room, i);
        LLVMFuzzerTestOneInput((const uint8_t *)content, size);
    }
    g_free(content);
    return changes + 1;
}

static unsigned replay(const char *path, unsigned changes)
{
    GDir *folder = g_dir_open(path, 0, NULL);
    GPtrArray *names;
    const char *name;
    unsigned count = 0;

    if (!folder) return replay_file(path, changes);
    names = g_ptr_array_new_with_free_func(g_free);
    while ((name = g_dir_read_name(folder))) g_ptr_array_add(names, g_build_filename(path, name, NULL));
    g_dir_close(folder);
    for (unsigned i = 0; i < names->len; i++) count += replay_file(names->pdata[i], changes);
    g_ptr_array_unref(names);
    return count;
}

/* usage: fuzz_plugin_replay CHANGES FILE-OR-FOLDER... */
int main(int argc, char **argv)
{
    unsigned inputs = 0;

    if (argc < 3) {
        fprintf(stderr, "usage: %s CHANGES-OF-EACH-FILE FILE-OR-FOLDER...\n", argv[0]);
        return 2;
    }
    LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 2; i < argc; i++) inputs += replay(argv[i], (unsigned)strtoul(argv[1], NULL, 10));
    if (inputs == 0) {
        fprintf(stderr, "%s: no file could be read\n", argv[0]);
        return 1;
    }
    fprintf(stderr, "%u captures read, three times each\n", inputs);
    return 0;
}

#endif
