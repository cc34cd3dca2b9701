/* Changes that a TCP observer might trip over. Bytes changed at random nearly always hit payload, or make a number
 * that is merely implausible; these hit the fields that decide, with values near the edges that decide.
 * Knows no states and no Wireshark. Look next: the table CHANGES, at the end.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "pcap_mutator.h"

#include <string.h>

enum { FILE_HEADER = 24, FRAME_HEADER = 16, MAGIC = (int)0xa1b2c3d4, LONGEST_FRAME = 65535, TCP_HEADER = 20 };

/* ---- files ---- */

static uint32_t little(const uint8_t *bytes)
{
    return (uint32_t)bytes[3] << 24 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[1] << 8 | bytes[0];
}

static void put_little(uint8_t *bytes, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) bytes[i] = (uint8_t)(value >> 8 * i);
}

static void frame_free(void *data)
{
    struct fuzz_frame *frame = data;

    g_byte_array_unref(frame->octets);
    g_free(frame);
}

static struct fuzz_frame *frame_copy(const struct fuzz_frame *frame)
{
    struct fuzz_frame *copy = g_new(struct fuzz_frame, 1);

    *copy = *frame;
    copy->octets = g_byte_array_sized_new(frame->octets->len);
    g_byte_array_append(copy->octets, frame->octets->data, frame->octets->len);
    return copy;
}

struct fuzz_capture *fuzz_capture_read(const uint8_t *bytes, size_t size, unsigned limit)
{
    struct fuzz_capture *capture;
    size_t at = FILE_HEADER;

    if (size < FILE_HEADER || little(bytes) != (uint32_t)MAGIC) return NULL;
    capture = g_new(struct fuzz_capture, 1);
    capture->link_type = little(bytes + 20);
    capture->frames = g_ptr_array_new_with_free_func(frame_free);
    while (size - at >= FRAME_HEADER && capture->frames->len < limit) {
        uint32_t caught = little(bytes + at + 8);
        struct fuzz_frame *frame;

        if (caught > LONGEST_FRAME || caught > size - at - FRAME_HEADER) break;
        frame = g_new(struct fuzz_frame, 1);
        frame->seconds = little(bytes + at);
        frame->microseconds = little(bytes + at + 4) % 1000000;
        frame->length = little(bytes + at + 12);
        frame->octets = g_byte_array_sized_new(caught);
        g_byte_array_append(frame->octets, bytes + at + FRAME_HEADER, caught);
        g_ptr_array_add(capture->frames, frame);
        at += FRAME_HEADER + caught;
    }
    return capture;
}

size_t fuzz_capture_write(const struct fuzz_capture *capture, uint8_t *bytes, size_t size)
{
    static const uint8_t beginning[FILE_HEADER] = {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, [16] = 0, 0, 4};
    size_t at = FILE_HEADER;

    if (size < FILE_HEADER) return 0;
    memcpy(bytes, beginning, FILE_HEADER);
    put_little(bytes + 20, capture->link_type);
    for (unsigned i = 0; i < capture->frames->len; i++) {
        const struct fuzz_frame *frame = capture->frames->pdata[i];

        if (size - at < FRAME_HEADER + (size_t)frame->octets->len) break;
        put_little(bytes + at, frame->seconds);
        put_little(bytes + at + 4, frame->microseconds);
        put_little(bytes + at + 8, frame->octets->len);
        put_little(bytes + at + 12, frame->length);
        if (frame->octets->len) memcpy(bytes + at + FRAME_HEADER, frame->octets->data, frame->octets->len);
        at += FRAME_HEADER + frame->octets->len;
    }
    return at;
}

void fuzz_capture_free(struct fuzz_capture *capture)
{
    if (!capture) return;
    g_ptr_array_unref(capture->frames);
    g_free(capture);
}

/* ---- where things are ---- */

static uint32_t below(GRand *source, uint32_t limit)
{
    return limit < 2 ? 0 : g_rand_int(source) % limit;
}

static struct fuzz_frame *any_frame(const struct fuzz_capture *capture, GRand *source)
{
    return capture->frames->pdata[below(source, capture->frames->len)];
}

/* Where an IP packet with TCP in it begins, at or after `from`; 0 if nowhere. No link layer has fewer octets than one.
 */
static unsigned ip_after(const GByteArray *octets, unsigned from, unsigned *tcp)
{
    for (unsigned at = from; at + 20 + TCP_HEADER <= octets->len; at++) {
        const uint8_t *ip = octets->data + at;

        if (ip[0] >> 4 == 4 && (ip[0] & 15) >= 5 && ip[9] == 6)
            *tcp = at + (ip[0] & 15) * 4;
        else if (ip[0] >> 4 == 6 && ip[6] == 6 && at + 40 + TCP_HEADER <= octets->len)
            *tcp = at + 40;
        else
            continue;
        if (*tcp + TCP_HEADER <= octets->len) return at;
    }
    return 0;
}

/* The TCP header of the frame, or, if it has several, one of the inner ones as often as the first. NULL: none. */
static uint8_t *tcp_of(struct fuzz_frame *frame, GRand *source)
{
    unsigned tcp = 0, at = ip_after(frame->octets, 1, &tcp), inner;

    if (!at) return NULL;
    if (below(source, 2) && ip_after(frame->octets, tcp, &inner)) tcp = inner;
    return frame->octets->data + tcp;
}

static uint32_t big(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void put_big(uint8_t *bytes, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) bytes[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* ---- changes of a header ---- */

static void change_flags(struct fuzz_capture *capture, struct fuzz_frame *frame, GRand *source)
{
    static const uint8_t usual[] = {0x02, 0x12, 0x10, 0x18, 0x11, 0x19, 0x04, 0x14, 0x00, 0x03, 0x06, 0x01};
    uint8_t *tcp = tcp_of(frame, source);

    (void)capture;
    if (!tcp) return;
    switch (below(source, 4)) {
    case 0: tcp[13] ^= (uint8_t)(1 << below(source, 8)); break;
    case 1: tcp[13] = (uint8_t)g_rand_int(source); break;
    default: tcp[13] = usual[below(source, sizeof usual)]; break;
    }
}

/* A number of this or another segment, and a step to where something is decided. */
static void change_number(struct fuzz_capture *capture, struct fuzz_frame *frame, GRand *source)
{
    static const uint32_t steps[] = {0,
                                     1,
                                     -1u,
                                     2,
                                     -2u,
                                     100,
                                     -100u,
                                     65535,
                                     -65535u,
                                     1u << 30,
                                     1u << 31,
                                     (1u << 31) - 1,
                                     65535u << 14,
                                     1448,
                                     1000000000,
                                     -1000000000u,
                                     0xffffffff - 65535};
    uint8_t *tcp = tcp_of(frame, source), *other = tcp_of(any_frame(capture, source), source);
    unsigned which = 4 + 4 * below(source, 2);

    if (!tcp || !other) return;
    if (below(source, 2)) other = tcp;
    put_big(tcp + which, big(other + 4 + 4 * below(source, 2)) + steps[below(source, sizeof steps / sizeof *steps)]);
}

static void change_header_length(struct fuzz_capture *capture, struct fuzz_frame *frame, GRand *source)
{
    uint8_t *tcp = tcp_of(frame, source);

    (void)capture;
    if (tcp) tcp[12] = (uint8_t)(tcp[12] & 0x0f) | (uint8_t)(below(source, 16) << 4);
}

static void change_window(struct fuzz_capture *capture, struct fuzz_frame *frame, GRand *source)
{
    static const uint16_t windows[] = {0, 1, 255, 65535, 1460, 32768};
    uint8_t *tcp = tcp_of(frame, source);
    uint16_t window = windows[below(source, sizeof windows / sizeof *windows)];

    (void)capture;
    if (!tcp) return;
    tcp[14] = (uint8_t)(window >> 8);
    tcp[15] = (uint8_t)window;
}

/* Kind and length of an option, where options would be. */
static void change_option(struct fuzz_capture *capture, struct fuzz_frame *frame, GRand *source)
{
    static const uint8_t kinds[] = {0, 1, 2, 3, 4, 5, 8, 28, 29, 30, 34, 253};
    uint8_t *tcp = tcp_of(frame, source), *end;

    (void)capture;
    if (!tcp) return; /* the frame may have no octets at all */
    end = frame->octets->data + frame->octets->len;
    if (end - tcp < TCP_HEADER + 4) return;
    tcp += TCP_HEADER + below(source, (uint32_t)MIN(end - tcp - TCP_HEADER - 3, 40));
    tcp[0] = kinds[below(source, sizeof kinds)];
    tcp[1] = (uint8_t)(below(source, 2) ? below(source, 14) : g_rand_int(source));
    tcp[2] = (uint8_t)g_rand_int(source);
}

/* The segment comes from the other end, or belongs to the connection of another one. */
static void change_ends(struct fuzz_capture *capture, struct fuzz_frame *frame, GRand *source)
{
    uint8_t *tcp = tcp_of(frame, source), *other = tcp_of(any_frame(capture, source), source), ports[4];
    unsigned start, ip = ip_after(frame->octets, 1, &start);

    if (!tcp || !other) return;
    if (below(source, 2)) {
        memcpy(ports, other, 4);
        memcpy(tcp, ports, 4);
        return;
    }
    memcpy(ports, tcp, 4);
    memcpy(tcp, ports + 2, 2);
    memcpy(tcp + 2, ports, 2);
    if (frame->octets->data[ip] >> 4 == 4) {
        uint8_t *addresses = frame->octets->data + ip + 12, first[4];

        memcpy(first, addresses, 4);
        memmove(addresses, addresses + 4, 4);
        memcpy(addresses + 4, first, 4);
    }
}

/* Total length, identification, fragments, protocol, header length. */
static void change_ip(struct fuzz_capture *capture, struct fuzz_frame *frame, GRand *source)
{
    static const uint8_t where[] = {2, 3, 3, 3, 4, 5, 6, 7, 9, 0};
    unsigned tcp, ip = ip_after(frame->octets, 1, &tcp);

    (void)capture;
    if (ip) frame->octets->data[ip + where[below(source, sizeof where)]] = (uint8_t)g_rand_int(source);
}

/* One more layer of IPv4 around the IPv4 that is there: 20 octets that say so. */
static void nest(struct fuzz_capture *capture, struct fuzz_frame *frame, GRand *source)
{
    uint8_t outer[20];
    unsigned tcp, ip = ip_after(frame->octets, 1, &tcp), length;
    GByteArray *deeper;

    (void)capture;
    (void)source;
    if (!ip || frame->octets->data[ip] >> 4 != 4 || frame->octets->len > LONGEST_FRAME - 20) return;
    memcpy(outer, frame->octets->data + ip, 20);
    length = (unsigned)(outer[2] << 8 | outer[3]) + 20;
    outer[0] = 0x45;
    outer[2] = (uint8_t)(length >> 8);
    outer[3] = (uint8_t)length;
    outer[6] = outer[7] = 0;
    outer[9] = 4;
    deeper = g_byte_array_sized_new(frame->octets->len + 20);
    g_byte_array_append(deeper, frame->octets->data, ip);
    g_byte_array_append(deeper, outer, 20);
    g_byte_array_append(deeper, frame->octets->data + ip, frame->octets->len - ip);
    g_byte_array_unref(frame->octets);
    frame->octets = deeper;
    frame->length += 20;
}

static void change_any_octet(struct fuzz_capture *capture, struct fuzz_frame *frame, GRand *source)
{
    (void)capture;
    if (frame->octets->len) frame->octets->data[below(source, frame->octets->len)] = (uint8_t)g_rand_int(source);
}

/* ---- changes of a frame and of their order ---- */

static void cut(struct fuzz_capture *capture, struct fuzz_frame *frame, GRand *source)
{
    (void)capture;
    g_byte_array_set_size(frame->octets, below(source, frame->octets->len + 1));
    if (below(source, 2)) frame->length = frame->octets->len;
}

static void lie_about_length(struct fuzz_capture *capture, struct fuzz_frame *frame, GRand *source)
{
    (void)capture;
    frame->length = below(source, 2) ? frame->octets->len + below(source, 3000) : below(source, LONGEST_FRAME);
}

/* A little later, or where a clock was set: before 1970, after 2038, back. */
static void change_time(struct fuzz_capture *capture, struct fuzz_frame *frame, GRand *source)
{
    static const uint32_t seconds[] = {0, 1, -1u, 60, 240, 100000, -100000u, 1u << 31};

    (void)capture;
    frame->seconds += seconds[below(source, sizeof seconds / sizeof *seconds)];
    frame->microseconds = below(source, 1000000);
}

static void repeat(struct fuzz_capture *capture, struct fuzz_frame *frame, GRand *source)
{
    g_ptr_array_insert(capture->frames, (int)below(source, capture->frames->len + 1), frame_copy(frame));
}

static void drop(struct fuzz_capture *capture, struct fuzz_frame *frame, GRand *source)
{
    (void)source;
    if (capture->frames->len > 1) g_ptr_array_remove(capture->frames, frame);
}

static void exchange(struct fuzz_capture *capture, struct fuzz_frame *frame, GRand *source)
{
    unsigned other = below(source, capture->frames->len), here;

    if (!g_ptr_array_find(capture->frames, frame, &here)) return;
    capture->frames->pdata[here] = capture->frames->pdata[other];
    capture->frames->pdata[other] = frame;
}

/* ---- one of them ---- */

void fuzz_capture_mutate(struct fuzz_capture *capture, GRand *source)
{
    /* What stands here twice is done twice as often. */
    static void (*const CHANGES[])(struct fuzz_capture *, struct fuzz_frame *, GRand *) = {
        change_flags,  change_flags,  change_number, change_number,    change_number, change_header_length,
        change_window, change_option, change_ends,   change_ip,        nest,          change_any_octet,
        cut,           repeat,        repeat,        lie_about_length, change_time,   drop,
        exchange};

    if (capture->frames->len == 0) return;
    CHANGES[below(source, sizeof CHANGES / sizeof *CHANGES)](capture, any_frame(capture, source), source);
}
