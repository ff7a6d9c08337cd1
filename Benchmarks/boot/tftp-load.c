// tftp-load: many TFTP downloads at once (RFC 1350, 2347, 2348, 2349, 7440), for the boot benchmark and on loopback only.
//
//   cc -O2 -pthread -o tftp-load tftp-load.c
//   tftp-load -h 127.0.0.1 -p 69 -f FILE -s SIZE [-b BLKSIZE] [-w WINDOWSIZE] [-n DOWNLOADS] [-c AT_ONCE] [-t LIMIT_SECONDS]
//
// Each place of AT_ONCE is a thread with an address of its own (127.1.0.0/16), as machines of a rack are; each download a
// new socket, and so a transfer id of its own. One line of JSON: megabytes a second, the seconds of each download (median,
// 99 of 100, longest), what was sent again, gaps, failures, and the client's own processor seconds.
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { answerWaitMs = 1000, triesMax = 8, packetMax = 70000 };

static const char *host = "127.0.0.1", *file = "file";
static int port = 69, block = 512, window = 1, downloads = 1, atOnce = 1, limitSeconds = 120;
static long long size = -1;

static atomic_int next;
static atomic_long again, gaps, failures;
static atomic_llong bytes;
static double *took, begun;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static size_t text(char *place, const char *word) { return strlen(strcpy(place, word)) + 1; }

static size_t request(char *packet) {
    char number[16];
    size_t length = 2;
    memcpy(packet, "\0\1", 2);
    length += text(packet + length, file);
    length += text(packet + length, "octet");
    if (block != 512) {
        snprintf(number, sizeof number, "%d", block);
        length += text(packet + length, "blksize");
        length += text(packet + length, number);
    }
    if (window != 1) {
        snprintf(number, sizeof number, "%d", window);
        length += text(packet + length, "windowsize");
        length += text(packet + length, number);
    }
    return length;
}

// One download: what has come of it.
typedef struct {
    int socket, block, window, inWindow;
    unsigned short last;
    long long got;
    struct sockaddr_in peer;
} Download;

static void acknowledge(Download *d) {
    unsigned char packet[4] = {0, 4, d->last >> 8, d->last & 255};
    sendto(d->socket, packet, 4, 0, (void *)&d->peer, sizeof d->peer);
    d->inWindow = 0;
}

static void options(Download *d, const char *packet, ssize_t length) {
    for (ssize_t i = 2; i < length;) {
        const char *name = packet + i, *value = name + strlen(name) + 1;
        if (!strcasecmp(name, "blksize")) d->block = atoi(value);
        if (!strcasecmp(name, "windowsize")) d->window = atoi(value);
        i = value + strlen(value) + 1 - packet;
    }
    acknowledge(d);
}

// Takes a block; true when it was the last one.
static int take(Download *d, const unsigned char *packet, ssize_t length) {
    unsigned short number = packet[2] << 8 | packet[3];
    if (number == (unsigned short)(d->last + 1)) {
        d->last = number;
        d->got += length - 4;
        d->inWindow = d->inWindow < 0 ? 1 : d->inWindow + 1;
        if (length - 4 < d->block) return acknowledge(d), 1;
        if (d->inWindow >= d->window) acknowledge(d);
    } else if ((unsigned short)(d->last - number) < 32768) {
        again++;
    } else if (d->inWindow >= 0) {
        gaps++;
        acknowledge(d);
        d->inWindow = -1; // One complaint a gap (RFC 7440, section 4): the rest of the window is on its way.
    }
    if (number == d->last && d->inWindow < 0) d->inWindow = 0;
    return 0;
}

static int receive(Download *d, char *packet, struct sockaddr_in *server, size_t asked, char *ask) {
    int known = 0, tries = 0;
    while (now() - begun < limitSeconds) {
        struct pollfd ready = {d->socket, POLLIN, 0};
        ssize_t length;
        struct sockaddr_in from;
        socklen_t room = sizeof from;
        if (poll(&ready, 1, answerWaitMs) <= 0) {
            if (++tries > triesMax) return 0;
            again++;
            if (known) acknowledge(d);
            else sendto(d->socket, ask, asked, 0, (void *)server, sizeof *server);
            continue;
        }
        if ((length = recvfrom(d->socket, packet, packetMax, 0, (void *)&from, &room)) < 4) continue;
        if (!known) d->peer = from, known = 1;
        if (from.sin_port != d->peer.sin_port) continue;
        tries = 0;
        if (packet[1] == 5) return fprintf(stderr, "error %d: %s\n", packet[3], packet + 4), 0;
        if (packet[1] == 6) options(d, packet, length);
        if (packet[1] == 3 && take(d, (void *)packet, length)) return 1;
    }
    return 0;
}

static void download(int place, int number, char *packet) {
    Download d = {.socket = socket(AF_INET, SOCK_DGRAM, 0), .block = 512, .window = 1};
    int room = 8 << 20;
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(port)}, own = {.sin_family = AF_INET};
    char ask[512];
    size_t asked = request(ask);
    double start = now();
    setsockopt(d.socket, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    own.sin_addr.s_addr = htonl(0x7F010001 + place);
    bind(d.socket, (void *)&own, sizeof own);
    inet_pton(AF_INET, host, &server.sin_addr);
    sendto(d.socket, ask, asked, 0, (void *)&server, sizeof server);
    if (!receive(&d, packet, &server, asked, ask) || (size >= 0 && d.got != size)) failures++;
    bytes += d.got;
    took[number] = now() - start;
    close(d.socket);
}

static void *work(void *place) {
    char *packet = malloc(packetMax);
    for (int number; (number = next++) < downloads;) download((long)place, number, packet);
    free(packet);
    return 0;
}

static int order(const void *a, const void *b) {
    double x = *(double *)a, y = *(double *)b;
    return (x > y) - (x < y);
}

int main(int count, char **words) {
    for (int option; (option = getopt(count, words, "h:p:f:s:b:w:n:c:t:")) > 0;) switch (option) {
        case 'h': host = optarg; break;
        case 'p': port = atoi(optarg); break;
        case 'f': file = optarg; break;
        case 's': size = atoll(optarg); break;
        case 'b': block = atoi(optarg); break;
        case 'w': window = atoi(optarg); break;
        case 'n': downloads = atoi(optarg); break;
        case 'c': atOnce = atoi(optarg); break;
        case 't': limitSeconds = atoi(optarg); break;
        default: return 64;
    }
    if (strncmp(host, "127.", 4)) return fprintf(stderr, "tftp-load works on loopback only\n"), 64;
    took = calloc(downloads, sizeof *took);
    pthread_t *threads = calloc(atOnce, sizeof *threads);
    begun = now();
    for (long place = 0; place < atOnce; place++) pthread_create(&threads[place], 0, work, (void *)place);
    for (int place = 0; place < atOnce; place++) pthread_join(threads[place], 0);
    double wall = now() - begun;
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    qsort(took, downloads, sizeof *took, order);
    printf("{\"mbps\": %.2f, \"wall\": %.3f, \"median\": %.4f, \"p99\": %.4f, \"longest\": %.4f, \"again\": %ld, "
           "\"gaps\": %ld, \"failures\": %ld, \"clientCPU\": %.2f}\n",
           bytes / 1e6 / wall, wall, took[downloads / 2], took[(int)(downloads * .99)], took[downloads - 1], (long)again,
           (long)gaps, (long)failures, used.ru_utime.tv_sec + used.ru_stime.tv_sec +
           (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6);
    return failures ? 1 : 0;
}
