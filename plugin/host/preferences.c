/* The plugin's preferences page. See preferences.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "preferences.h"

#include <wireshark.h>

#include <epan/prefs.h>
#include <wsutil/report_message.h>

#include "compat.h"
#include "report/tap_payload.h"

/* X(variable, name, default, least, most, title, description). The last two have a full sentence for the user. */
#define NUMBERS(X)                                                                                                     \
    X(two_msl, "two_msl", 60, 0, 86400, "TIME_WAIT lasts (seconds)",                                                   \
      "How long after its last segment an endpoint in TIME_WAIT counts as closed, where a report looks at the end of " \
      "the capture: 2 MSL. Linux takes 60 seconds, RFC 9293 says 240.")                                                \
    X(stuck_seconds, "stuck_seconds", 60, 1, 86400 * 365, "Stuck after (seconds)",                                     \
      "An endpoint that waits longer than this in a state of opening or closing is reported as stuck.")                \
    X(slow_handshake, "slow_handshake", 1000, 1, 3600000, "Slow handshake above (milliseconds)",                       \
      "An opening handshake that takes longer than this from SYN to the completing ACK is reported as slow.")          \
    X(half_open_limit, "half_open_limit", 100, 1, 1000000000, "SYN flood above (half-open connections)",               \
      "More half-open connections than this of one server at a time are reported as a possible SYN flood.")

static struct {
#define X(variable, name, usual, least, most, title, description) unsigned variable;
    NUMBERS(X)
#undef X
    union tcpstate_bool_preference info_column, ascii;
    gint report_format;
} chosen;

static struct tcpstate_preferences current;

static const enum_val_t formats[] = {
    {"text", "Text", TCPSTATE_TEXT},
    {"csv", "CSV", TCPSTATE_CSV},
    {"json", "JSON", TCPSTATE_JSON},
    {NULL, NULL, 0},
};

/* Wireshark knows no limits of a number: one that makes no sense is refused here, and the usual one taken. */
static unsigned checked(unsigned value, const char *name, unsigned usual, unsigned least, unsigned most)
{
    if (value >= least && value <= most) return value;
    report_failure("tcpstate.%s must be between %u and %u, not %u; %u is used.", name, least, most, value, usual);
    return usual;
}

/* Called by Wireshark when preferences change, and once by us when they are registered. */
static void apply(void)
{
#define X(variable, name, usual, least, most, title, description)                                                      \
    current.variable = chosen.variable = checked(chosen.variable, name, usual, least, most);
    NUMBERS(X)
#undef X
    current.info_column = tcpstate_bool(&chosen.info_column);
    current.ascii = tcpstate_bool(&chosen.ascii);
    current.report_format = (enum tcpstate_report_format)chosen.report_format;
}

const struct tcpstate_preferences *tcpstate_preferences(void)
{
    return &current;
}

void tcpstate_preferences_register(int proto)
{
    module_t *module = prefs_register_protocol(proto, apply);

#define X(variable, name, usual, least, most, title, description)                                                      \
    chosen.variable = usual;                                                                                           \
    prefs_register_uint_preference(module, name, title, description, 10, &chosen.variable);
    NUMBERS(X)
#undef X
    chosen.info_column = tcpstate_bool_default(true);
    chosen.ascii = tcpstate_bool_default(false);
    chosen.report_format = TCPSTATE_TEXT;
    prefs_register_bool_preference(module, "info_column", "Show transitions in the Info column",
                                   "Append \"[client→FIN_WAIT_1]\" to the Info column of a packet that "
                                   "changes a state.",
                                   (void *)&chosen.info_column);
    prefs_register_enum_preference(module, "report_format", "Reports are written as",
                                   "The format of what tshark -z tcpstate,... prints: text for people, CSV or JSON for "
                                   "programs.",
                                   &chosen.report_format, formats, FALSE);
    prefs_register_bool_preference(
        module, "ascii", "Reports in ASCII",
        "Write reports with \"->\" instead of arrows and lines, for terminals without UTF-8.", (void *)&chosen.ascii);
    apply();
}
