/* After all dissectors of a frame: shows its TCP layers' states, tells them to the taps.
 * Look next: segment_source.h, where the layers come from; fields.h and expert.h, which show them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPSTATE_POSTDISSECTOR_H
#define TCPSTATE_POSTDISSECTOR_H

#include <stdint.h>

void tcpstate_postdissector_register(void);

/* The TCP stream of the packet that was dissected last for somebody to see its details: in a window, of the packet that
 * is selected. TCPSTATE_NO_STREAM before. */
uint32_t tcpstate_stream_looked_at(void);

#endif
