/* The plugin's door: what Wireshark looks up, and who registers what.
 * Look next: segment_source.h, where packets come in; postdissector.h, where states go out.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <wireshark.h>

#include <epan/packet.h>
#include <epan/proto.h>

#include "compat.h"
#include "expert.h"
#include "fields.h"
#include "gui/flow_graph.h"
#include "gui/menu.h"
#include "gui/tables.h"
#include "gui/tree.h"
#include "notables.h"
#include "postdissector.h"
#include "preferences.h"
#include "report/report.h"
#include "segment_source.h"
#include "streams.h"

WS_DLL_PUBLIC_DEF const gchar plugin_version[] = TCPSTATE_VERSION;
WS_DLL_PUBLIC_DEF const int plugin_want_major = WIRESHARK_VERSION_MAJOR;
WS_DLL_PUBLIC_DEF const int plugin_want_minor = WIRESHARK_VERSION_MINOR;

WS_DLL_PUBLIC void plugin_register(void);
WS_DLL_PUBLIC uint32_t plugin_describe(void);

/* Before the first frame of a file, and before it is dissected anew. */
static void start_file(void)
{
    tcpstate_fields_start();
    tcpstate_streams_start();
    tcpstate_notables_forget();
    tcpstate_source_start();
}

static void stop_file(void)
{
    tcpstate_notables_forget();
    tcpstate_streams_stop();
}

static void register_protocol(void)
{
    int proto = proto_register_protocol("TCP State", "TCP State", "tcpstate");

    tcpstate_fields_register(proto);
    tcpstate_expert_register(proto);
    tcpstate_preferences_register(proto);
    tcpstate_source_register(proto);
    tcpstate_postdissector_register();
    register_init_routine(start_file);
    register_cleanup_routine(stop_file);
    tcpstate_register_reports();
    tcpstate_register_tables();
    tcpstate_register_tree();
    tcpstate_register_menu();
    tcpstate_register_flow_graph(proto);
}

static void hand_off(void)
{
    tcpstate_streams_register();
    tcpstate_source_hand_off();
}

void plugin_register(void)
{
    static proto_plugin plugin = {.register_protoinfo = register_protocol, .register_handoff = hand_off};

    proto_register_plugin(&plugin);
    tcpstate_register_table_passes();
}

/* From 4.2 on: what kind of plugin this is, shown in the list of plugins. 1 is WS_PLUGIN_DESC_DISSECTOR, whose header
 * 4.0 does not install. */
uint32_t plugin_describe(void)
{
    return 1;
}
