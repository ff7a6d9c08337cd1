#pragma once
// What the kernel offers for many datagrams with few calls; Swift's Glibc module has none of it, and there is no library
// to link.
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

// Swift imports no enum of flags as a number.
static const uint32_t csockets_readable = EPOLLIN;
// linux/udp.h, which cannot stand beside netinet/udp.h.
enum { csockets_udp_segment = 103 };

// One call for many datagrams (UDP segmentation offload, udp(7)): `bytes` is cut into pieces of `segment` bytes, the last
// one shorter. Takes at most 64 pieces and 65,507 bytes. Fails with EINVAL, EIO or ENOPROTOOPT where kernel or driver
// cannot.
static inline ssize_t csockets_send_segments(
    int descriptor, const void *bytes, size_t length, uint16_t segment, const struct sockaddr *to,
    socklen_t to_length
) {
    union {
        char space[CMSG_SPACE(sizeof(uint16_t))];
        struct cmsghdr alignment;
    } control = {{0}};
    struct iovec part = {(void *)bytes, length};
    struct msghdr message = {
        .msg_name = (void *)to,
        .msg_namelen = to_length,
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control.space,
    };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = IPPROTO_UDP;
    header->cmsg_type = csockets_udp_segment;
    header->cmsg_len = CMSG_LEN(sizeof segment);
    memcpy(CMSG_DATA(header), &segment, sizeof segment);
    return sendmsg(descriptor, &message, MSG_DONTWAIT);
}

// Reads what is in memory already, and never waits for a disk: fails with EAGAIN or reads less where it would (RWF_NOWAIT
// of preadv2(2)).
ssize_t preadv2(int, const struct iovec *, int, off_t, int);
static inline ssize_t csockets_read_cached(int descriptor, const struct iovec *parts, int count, off_t offset) {
    return preadv2(descriptor, parts, count, offset, 8);
}
