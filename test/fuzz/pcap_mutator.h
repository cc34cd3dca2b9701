/* Captures as what a fuzzer changes: frames with TCP headers somewhere in them, not bytes.
 * The form is classic pcap, little-endian, microseconds: `editcap -F pcap` makes it, and tshark opens what was found.
 * Knows where a TCP header may lie, and nothing of states or of Wireshark. Look next: pcap_mutator.c for the kinds of
 * change, fuzz_plugin.c and mutate_capture.c for who uses them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPSTATE_PCAP_MUTATOR_H
#define TCPSTATE_PCAP_MUTATOR_H

#include <stddef.h>
#include <stdint.h>

#include <glib.h>

struct fuzz_frame {
    GByteArray *octets; /* what was captured */
    uint32_t length;    /* on the wire; may lie */
    uint32_t seconds, microseconds;
};

struct fuzz_capture {
    uint32_t link_type;
    GPtrArray *frames; /* of struct fuzz_frame */
};

/* Reads as many whole frames as there are, at most `limit`. NULL if it does not begin as a capture does. Free it. */
struct fuzz_capture *fuzz_capture_read(const uint8_t *bytes, size_t size, unsigned limit);

/* The capture as a file: as many frames as fit into `size` octets. Returns how many octets were written. */
size_t fuzz_capture_write(const struct fuzz_capture *capture, uint8_t *bytes, size_t size);

void fuzz_capture_free(struct fuzz_capture *capture);

/* Changes one thing: a field of a TCP or IP header, the order of frames, a time, a length. The same source of numbers
 * makes the same change. */
void fuzz_capture_mutate(struct fuzz_capture *capture, GRand *source);

#endif
