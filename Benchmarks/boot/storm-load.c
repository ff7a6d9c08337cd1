// storm-load: a rack of machines that are powered on at once, for the boot benchmark; in a network namespace of its own.
//
//   cc -O2 -o storm-load storm-load.c
//   storm-load -i eth0 -m MACS [-t SECONDS]
//
// MACS holds a hardware address a line. Each machine does what UEFI firmware, iPXE and the node's first stage do: DHCP as
// PXEClient, the loader by TFTP (blocks of 1468 B, windows of 4), DHCP as iPXE, the first script, its own script, kernel and
// initramfs, the root image's manifest and the root image, each from its own address, which it gives to the interface when
// it has the lease. It waits as its programs do: DHCP after 4, 8, 16 s …, TFTP after 1 s, 503 as Retry-After says; a connection
// that is refused or breaks is tried again after 1 s, 20 times. What comes is counted and thrown away by the kernel
// (MSG_TRUNC), so that the server is what is measured. One line of JSON.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { DISCOVER, REQUEST, TFTP, FETCH, DONE, FAILED };
enum { FIRST_STAGE, SCRIPT, KERNEL, INITRAMFS, MANIFEST, ROOT, FILES };
static const char *fileNames[] = {"first stage", "script", "kernel", "initramfs", "manifest", "root"};

struct machine {
    unsigned char mac[6];
    int state, isIPXE, tries, breaks, file, socket, inHead;
    unsigned xid;
    struct in_addr own, server;
    double begun, deadline, leased, scripted, ended;
    char loader[128], url[FILES][512];
    unsigned short block, unacknowledged;
    struct sockaddr_in peer;
    char text[8192];
    size_t have;
    long long left, bytes;
};

static struct machine *machines;
static int count, epoll, dhcp, netlink, link_, running, refused, broken, resent;
static const char *interface = "eth0";
static long long total;
static char failure[256];

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void finish(struct machine *m, int state, const char *why) {
    if (m->socket >= 0) close(m->socket);
    m->socket = -1;
    m->state = state;
    m->ended = now();
    running--;
    if (state == FAILED && !*failure)
        snprintf(failure, sizeof failure, "%s (%s)", why, m->isIPXE ? fileNames[m->file] : "firmware");
}

// MARK: DHCP

static void send_dhcp(struct machine *m) {
    unsigned char p[576] = {1, 1, 6};
    memcpy(p + 4, &m->xid, 4);
    p[10] = 0x80;
    memcpy(p + 28, m->mac, 6);
    memcpy(p + 236, "\x63\x82\x53\x63", 4);
    unsigned char *o = p + 240;
#define OPTION(code, length, bytes) (*o++ = code, *o++ = length, memcpy(o, bytes, length), o += length)
    OPTION(53, 1, m->state == DISCOVER ? "\1" : "\3");
    OPTION(93, 2, "\0\7");
    OPTION(94, 3, "\1\3\20");
    OPTION(60, 32, "PXEClient:Arch:00007:UNDI:003016");
    OPTION(55, 6, "\1\3\6\103\102\66");
    if (m->isIPXE) {
        OPTION(77, 4, "iPXE");
        OPTION(175, 6, "\x13\1\1\x21\1\1");
    }
    if (m->state == REQUEST) {
        OPTION(50, 4, &m->own);
        OPTION(54, 4, &m->server);
    }
    *o++ = 255;
    struct sockaddr_in all = {.sin_family = AF_INET, .sin_port = htons(67), .sin_addr.s_addr = INADDR_BROADCAST};
    sendto(dhcp, p, 548, 0, (void *)&all, sizeof all);
    if (m->tries) resent++;
    m->deadline = now() + (4 << (m->tries < 3 ? m->tries : 3)) + (m->xid % 1000) / 1000.0;
    m->tries++;
}

static void start_dhcp(struct machine *m) {
    m->state = DISCOVER;
    m->tries = 0;
    send_dhcp(m);
}

static void add_address(struct in_addr address) {
    struct {
        struct nlmsghdr head;
        struct ifaddrmsg message;
        char attributes[32];
    } ask = {{NLMSG_LENGTH(sizeof ask.message), RTM_NEWADDR, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE},
             {AF_INET, 32, 0, RT_SCOPE_UNIVERSE, link_}};
    for (int kind = IFA_ADDRESS; kind <= IFA_LOCAL; kind++) {
        struct rtattr *a = (void *)((char *)&ask + NLMSG_ALIGN(ask.head.nlmsg_len));
        a->rta_type = kind;
        a->rta_len = RTA_LENGTH(4);
        memcpy(RTA_DATA(a), &address, 4);
        ask.head.nlmsg_len = NLMSG_ALIGN(ask.head.nlmsg_len) + RTA_LENGTH(4);
    }
    send(netlink, &ask, ask.head.nlmsg_len, 0);
}

static void watch(struct machine *m, int events) {
    struct epoll_event event = {events, {.ptr = m}};
    epoll_ctl(epoll, EPOLL_CTL_ADD, m->socket, &event);
}

static int open_socket(struct machine *m, int type) {
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr = m->own};
    if (m->socket >= 0) close(m->socket);
    m->socket = socket(AF_INET, type | SOCK_NONBLOCK, 0);
    return bind(m->socket, (void *)&own, sizeof own);
}

// MARK: TFTP

static void ask_tftp(struct machine *m) {
    char p[256];
    m->peer = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(69), .sin_addr = m->server};
    m->block = m->unacknowledged = 0;
    int length = sprintf(p, "%c%c%s%coctet%ctsize%c0%cblksize%c1468%cwindowsize%c4", 0, 1, m->loader, 0, 0, 0, 0, 0, 0, 0) + 1;
    open_socket(m, SOCK_DGRAM);
    watch(m, EPOLLIN);
    sendto(m->socket, p, length, 0, (void *)&m->peer, sizeof m->peer);
    if (m->tries++) resent++;
    m->deadline = now() + 1;
}

static void acknowledge(struct machine *m) {
    unsigned char p[4] = {0, 4, m->block >> 8, m->block};
    sendto(m->socket, p, 4, 0, (void *)&m->peer, sizeof m->peer);
    m->unacknowledged = 0;
    m->deadline = now() + 1;
}

static void start_fetch(struct machine *m);

static void read_tftp(struct machine *m) {
    unsigned char p[2048];
    socklen_t length = sizeof m->peer;
    ssize_t got;
    while ((got = recvfrom(m->socket, p, sizeof p, 0, (void *)&m->peer, &length)) >= 4) {
        if (p[1] == 5) return finish(m, FAILED, (char *)p + 4);
        if (p[1] == 6) {
            acknowledge(m);
            continue;
        }
        if (p[1] != 3 || (unsigned short)(p[2] << 8 | p[3]) != (unsigned short)(m->block + 1)) continue;
        m->block++;
        m->bytes += got - 4;
        m->tries = 1;
        if (++m->unacknowledged == 4 || got < 1472) acknowledge(m);
        if (got < 1472) {
            m->isIPXE = 1;
            m->xid++;
            close(m->socket);
            m->socket = -1;
            return start_dhcp(m);
        }
    }
}

// MARK: HTTP

static void start_fetch(struct machine *m) {
    char host[64] = "";
    int port = 80;
    m->state = FETCH;
    m->have = m->left = 0;
    m->inHead = 1;
    m->deadline = now() + 60;
    sscanf(m->url[m->file], "http://%63[0-9.]:%d", host, &port);
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, host, &server.sin_addr);
    open_socket(m, SOCK_STREAM);
    if (connect(m->socket, (void *)&server, sizeof server) && errno != EINPROGRESS) m->deadline = 0;
    watch(m, EPOLLOUT);
}

static void again(struct machine *m, double pause) {
    if (m->socket >= 0) close(m->socket);
    m->socket = -1;
    m->deadline = now() + pause;
}

static void broke(struct machine *m) {
    broken++;
    if (++m->breaks > 20) return finish(m, FAILED, "the connection broke 20 times");
    again(m, 1);
}

static void find(struct machine *m, const char *mark, int file, const char *further) {
    char *start = strstr(m->text, mark);
    if (!start) return;
    start += strlen(mark);
    snprintf(m->url[file], sizeof m->url[file], "%.*s%s", (int)strcspn(start, " \n"), start, further);
}

// What a whole text says of what comes next.
static void arrived(struct machine *m) {
    m->text[m->have] = 0;
    if (m->file == FIRST_STAGE) {
        unsigned char *a = m->mac;
        char *end = strrchr(m->url[FIRST_STAGE], '/');
        snprintf(m->url[SCRIPT], sizeof m->url[SCRIPT], "%.*s/script?mac=%02x-%02x-%02x-%02x-%02x-%02x&platform=efi",
                 (int)(end - m->url[FIRST_STAGE]), m->url[FIRST_STAGE], a[0], a[1], a[2], a[3], a[4], a[5]);
    }
    if (m->file == SCRIPT) {
        find(m, "--timeout 60000 ", KERNEL, "");
        find(m, "initrd --name initramfs --timeout 60000 ", INITRAMFS, "");
        find(m, "muster.image=", MANIFEST, "/manifest.json");
        find(m, "muster.image=", ROOT, "/root.squashfs");
        m->scripted = now();
        if (!*m->url[ROOT] || !*m->url[INITRAMFS]) return again(m, 5);
    }
    if (++m->file == FILES) return finish(m, DONE, "");
    start_fetch(m);
}

static void ask_http(struct machine *m) {
    char ask[1024];
    char *path = strchr(m->url[m->file] + 7, '/');
    int length = snprintf(ask, sizeof ask, "GET %s HTTP/1.1\r\nHost: server\r\nConnection: keep-alive\r\n\r\n", path ? path : "/");
    struct epoll_event event = {EPOLLIN, {.ptr = m}};
    if (send(m->socket, ask, length, MSG_NOSIGNAL) != length) return broke(m);
    epoll_ctl(epoll, EPOLL_CTL_MOD, m->socket, &event);
}

static int read_head(struct machine *m) {
    ssize_t got = recv(m->socket, m->text + m->have, sizeof m->text - 1 - m->have, 0);
    if (got < 0 && errno == EAGAIN) return 0;
    if (got <= 0) return broke(m), 0;
    m->text[m->have += got] = 0;
    char *end = strstr(m->text, "\r\n\r\n"), *length = strcasestr(m->text, "\r\nContent-Length: ");
    if (!end || !length) return 0;
    char *later = strcasestr(m->text, "\r\nRetry-After: ");
    if (!strncmp(m->text + 9, "503", 3)) return refused++, again(m, later ? atoi(later + 15) : 5), 0;
    if (strncmp(m->text + 9, "200", 3)) return finish(m, FAILED, strndup(m->text, strcspn(m->text, "\r"))), 0;
    m->inHead = 0;
    m->left = atoll(length + 18);
    m->have -= end + 4 - m->text;
    memmove(m->text, end + 4, m->have);
    m->left -= m->have;
    m->bytes += m->have;
    return 1;
}

static void read_http(struct machine *m) {
    if (m->inHead && !read_head(m)) return;
    // A share at a time: the others wait for theirs.
    for (int turn = 0; turn < 4 && m->left > 0; turn++) {
        int isText = m->file <= SCRIPT;
        if (isText && m->left > (long long)(sizeof m->text - 1 - m->have)) return finish(m, FAILED, "a script is too long");
        ssize_t got = recv(m->socket, isText ? m->text + m->have : 0, m->left < 1 << 20 ? m->left : 1 << 20, isText ? 0 : MSG_TRUNC);
        if (got < 0 && errno == EAGAIN) break;
        if (got <= 0) return broke(m);
        if (isText) m->have += got;
        m->left -= got;
        m->bytes += got;
        m->deadline = now() + 60;
    }
    if (!m->left) arrived(m);
}

// MARK: DHCP's answers

static void read_dhcp(void) {
    unsigned char p[2048];
    ssize_t got;
    while ((got = recv(dhcp, p, sizeof p, 0)) > 0) {
        int kind = 0;
        if (got < 244) continue;
        struct machine *m = 0;
        for (int i = 0; i < count && !m; i++)
            if (!memcmp(machines[i].mac, p + 28, 6)) m = &machines[i];
        if (!m || memcmp(&m->xid, p + 4, 4) || m->state > REQUEST) continue;
        char file[512] = "";
        struct in_addr server = {0};
        for (unsigned char *o = p + 240; o + 1 < p + got && *o != 255; o += *o ? o[1] + 2 : 1) {
            if (*o == 53) kind = o[2];
            if (*o == 54) memcpy(&server, o + 2, 4);
            if (*o == 67) snprintf(file, sizeof file, "%.*s", o[1], o + 2);
        }
        if (!*file) snprintf(file, sizeof file, "%.128s", p + 108);
        if (kind == 2 && m->state == DISCOVER) {
            memcpy(&m->own, p + 16, 4);
            m->server = server;
            m->state = REQUEST;
            m->tries = 0;
            send_dhcp(m);
        } else if (kind == 6) {
            start_dhcp(m);
        } else if (kind == 5 && m->state == REQUEST) {
            m->tries = 0;
            if (!m->isIPXE) {
                add_address(m->own);
                m->leased = now();
                snprintf(m->loader, sizeof m->loader, "%.127s", file);
                m->state = TFTP;
                ask_tftp(m);
            } else {
                snprintf(m->url[FIRST_STAGE], sizeof m->url[FIRST_STAGE], "%s", file);
                start_fetch(m);
            }
        }
    }
}

static void tick(struct machine *m) {
    switch (m->state) {
        case DISCOVER: case REQUEST:
            if (m->tries > 6) return finish(m, FAILED, "no answer by DHCP");
            if (m->tries > 3) m->state = DISCOVER;
            return send_dhcp(m);
        case TFTP:
            if (m->tries > 60) {
                static char why[96];
                snprintf(why, sizeof why, "no answer by TFTP to %s behind block %u", inet_ntoa(m->own), m->block);
                return finish(m, FAILED, why);
            }
            if (!m->block) return ask_tftp(m);
            m->tries++;
            resent++;
            return acknowledge(m);
        case FETCH: return m->socket < 0 ? start_fetch(m) : broke(m);
    }
}

// MARK: all

static int ascending(const void *a, const void *b) { return *(double *)a < *(double *)b ? -1 : 1; }

static void show(const char *name, double *values, int length) {
    qsort(values, length, sizeof *values, ascending);
    printf("\"%s\": [%.2f, %.2f, %.2f], ", name, length ? values[length / 2] : 0, length ? values[(int)(length * 0.99)] : 0,
           length ? values[length - 1] : 0);
}

static void report(double wall) {
    double *leases = calloc(count, 8), *scripts = calloc(count, 8), *ends = calloc(count, 8);
    int done = 0;
    for (struct machine *m = machines; m < machines + count; m++) {
        total += m->bytes;
        if (m->state != DONE) continue;
        leases[done] = m->leased - m->begun;
        scripts[done] = m->scripted - m->begun;
        ends[done++] = m->ended - m->begun;
    }
    printf("{");
    show("lease", leases, done);
    show("script", scripts, done);
    show("lastByte", ends, done);
    printf("\"done\": %d, \"failed\": %d, \"refused\": %d, \"broken\": %d, \"resent\": %d, \"wall\": %.2f, \"bytes\": %lld, \"why\": \"%s\"}\n",
           done, count - done, refused, broken, resent, wall, total, failure);
}

static void open_all(void) {
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(68)};
    int yes = 1, room = 8 << 20;
    struct rlimit most = {65536, 65536};
    setrlimit(RLIMIT_NOFILE, &most);
    epoll = epoll_create1(0);
    netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_ROUTE);
    link_ = if_nametoindex(interface);
    dhcp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    setsockopt(dhcp, SOL_SOCKET, SO_BROADCAST, &yes, sizeof yes);
    setsockopt(dhcp, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    setsockopt(dhcp, SOL_SOCKET, SO_BINDTODEVICE, interface, strlen(interface) + 1);
    if (bind(dhcp, (void *)&any, sizeof any)) perror("port 68"), exit(1);
    epoll_ctl(epoll, EPOLL_CTL_ADD, dhcp, &(struct epoll_event){EPOLLIN, {.ptr = 0}});
}

int main(int words, char **word) {
    double patience = 900;
    FILE *macs = 0;
    for (int option; (option = getopt(words, word, "i:m:t:")) > 0;) switch (option) {
        case 'i': interface = optarg; break;
        case 'm': macs = fopen(optarg, "r"); break;
        case 't': patience = atof(optarg); break;
        default: return 64;
    }
    if (!macs) return fprintf(stderr, "storm-load -m FILE\n"), 64;
    open_all();
    machines = calloc(1 << 14, sizeof *machines);
    for (unsigned a[6]; count < 1 << 14 && fscanf(macs, "%x:%x:%x:%x:%x:%x", a, a + 1, a + 2, a + 3, a + 4, a + 5) == 6; count++)
        for (int i = 0; i < 6; i++) machines[count].mac[i] = a[i];
    double begun = now(), looked = begun;
    running = count;
    for (int i = 0; i < count; i++) {
        machines[i].socket = -1;
        machines[i].xid = 0x10000 + i * 16;
        machines[i].begun = now();
        start_dhcp(&machines[i]);
    }
    while (running && now() - begun < patience) {
        struct epoll_event events[256];
        int ready = epoll_wait(epoll, events, 256, 20);
        for (int i = 0; i < ready; i++) {
            struct machine *m = events[i].data.ptr;
            if (!m) read_dhcp();
            else if (m->socket < 0) continue;
            else if (m->state == TFTP) read_tftp(m);
            else if (events[i].events & (EPOLLERR)) broke(m);
            else if (events[i].events & EPOLLOUT) ask_http(m);
            else read_http(m);
        }
        double time = now();
        if (time - looked < 0.02) continue;
        looked = time;
        char thrown[4096];
        while (recv(netlink, thrown, sizeof thrown, 0) > 0);
        for (struct machine *m = machines; m < machines + count; m++)
            if (m->state < DONE && time > m->deadline) tick(m);
    }
    report(now() - begun);
    return 0;
}
