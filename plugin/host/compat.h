/* Every difference between the supported Wireshark versions, 4.0 to 4.6, and nothing else.
 * Code outside of this file never asks for a version. Look next: plugin.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPSTATE_COMPAT_H
#define TCPSTATE_COMPAT_H

#include <wireshark.h>

#include <stdbool.h>

#include <ws_version.h>

#include <epan/packet.h>

#define TCPSTATE_WIRESHARK_FROM(major, minor)                                                                          \
    (WIRESHARK_VERSION_MAJOR > (major) || (WIRESHARK_VERSION_MAJOR == (major) && WIRESHARK_VERSION_MINOR >= (minor)))

/* 4.6: the init callback of a stat_tap_ui tells whether it could start; before, it ended the program itself.
 *
 *     static tcpstate_tap_init_result start(const char *argument, void *data)
 *     {
 *         if (wrong) TCPSTATE_TAP_INIT_FAILED("no such report");
 *         TCPSTATE_TAP_INIT_OK;
 *     }
 */
#if TCPSTATE_WIRESHARK_FROM(4, 6)
typedef bool tcpstate_tap_init_result;
#define TCPSTATE_TAP_INIT_OK return true
#define TCPSTATE_TAP_INIT_FAILED(...)                                                                                  \
    do {                                                                                                               \
        fprintf(stderr, "tcpstate: " __VA_ARGS__);                                                                     \
        fputc('\n', stderr);                                                                                           \
        return false;                                                                                                  \
    } while (0)
#else
typedef void tcpstate_tap_init_result;
#define TCPSTATE_TAP_INIT_OK return
#define TCPSTATE_TAP_INIT_FAILED(...)                                                                                  \
    do {                                                                                                               \
        fprintf(stderr, "tcpstate: " __VA_ARGS__);                                                                     \
        fputc('\n', stderr);                                                                                           \
        exit(1);                                                                                                       \
    } while (0)
#endif

/* A boolean preference is a gboolean (four octets) in 4.0 and a bool (one) in 4.4 and later. Registering the address of
 * the whole and reading it with tcpstate_bool() is right for both. */
union tcpstate_bool_preference {
    gboolean wide;
    bool narrow;
};

static inline bool tcpstate_bool(const union tcpstate_bool_preference *preference)
{
    return preference->wide != 0;
}

static inline union tcpstate_bool_preference tcpstate_bool_default(bool value)
{
    union tcpstate_bool_preference preference = {.wide = 0};

    preference.narrow = value;
    return preference;
}

/* What the callback of a button in a text window returns: gboolean in 4.0, bool in 4.4. The header tells, so that
 * nobody has to know in which version it changed. For who includes epan/funnel.h. */
#define TCPSTATE_BUTTON_RESULT __typeof__(((funnel_bt_t *)NULL)->func(NULL, NULL))

/* 4.6 calls dissector_try_uint_new() dissector_try_uint_with_data(), with the same arguments. */
#if TCPSTATE_WIRESHARK_FROM(4, 6)
#define tcpstate_try_uint dissector_try_uint_with_data
#else
#define tcpstate_try_uint dissector_try_uint_new
#endif

/* The value in a field_info: the struct itself in 4.0, a pointer to it in 4.4 and later. */
/* clang-format off */
#define TCPSTATE_VALUE_OF(info) _Generic((info)->value, fvalue_t *: (info)->value, default: &(info)->value)
/* clang-format on */

#endif
