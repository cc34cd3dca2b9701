/* After all dissectors of a frame: shows its TCP layers' states, tells them to the taps.
 * Look next: segment_source.h, where the layers come from; fields.h and expert.h, which show them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPSTATE_POSTDISSECTOR_H
#define TCPSTATE_POSTDISSECTOR_H

void tcpstate_postdissector_register(void);

#endif
