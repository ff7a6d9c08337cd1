// http-load: one file over many HTTP connections at once, for so many seconds; for the boot benchmark, on loopback only.
//
//   cc -O2 -pthread -o http-load http-load.c
//   http-load -h 127.0.0.1 -p 80 -u /PATH [-c CONNECTIONS] [-t SECONDS]
//
// Each connection is a thread with an address of its own (127.1.0.0/16), and asks for the whole file again and again. What
// comes is counted and thrown away by the kernel (MSG_TRUNC), so that the server is what is measured. One line of JSON:
// megabytes a second, what the slowest connection got of the fair share, answers that were not 200, connections that
// failed.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const char *host = "127.0.0.1", *path = "/";
static int port = 80, connections = 1, seconds = 5;
static atomic_int refused, broken, isOver;
static long long *got;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static int open_connection(int place) {
    struct sockaddr_in own = {.sin_family = AF_INET}, server = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct timeval patience = {.tv_sec = 10};
    int connection = socket(AF_INET, SOCK_STREAM, 0);
    own.sin_addr.s_addr = htonl(0x7F010001 + place);
    inet_pton(AF_INET, host, &server.sin_addr);
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    bind(connection, (void *)&own, sizeof own);
    return connect(connection, (void *)&server, sizeof server) ? -1 : connection;
}

// Reads one answer; false when the connection is of no use any more.
static int answer(int connection, int place) {
    char head[4096];
    size_t have = 0;
    char *end = 0;
    while (!end && have < sizeof head - 1) {
        ssize_t count = recv(connection, head + have, sizeof head - 1 - have, 0);
        if (count <= 0) return 0;
        have += count;
        head[have] = 0;
        end = strstr(head, "\r\n\r\n");
    }
    char *length = end ? strcasestr(head, "\r\ncontent-length: ") : 0;
    if (!length || strncmp(head + 9, "200", 3)) {
        refused++;
        return 0;
    }
    long long left = atoll(length + 18) - (head + have - end - 4);
    got[place] += head + have - end - 4;
    while (left > 0 && !isOver) {
        ssize_t count = recv(connection, 0, left < 1 << 20 ? left : 1 << 20, MSG_TRUNC);
        if (count <= 0) return 0;
        got[place] += count;
        left -= count;
    }
    return 1;
}

static void *work(void *number) {
    int place = (long)number, connection = open_connection(place);
    char ask[512];
    int length = snprintf(ask, sizeof ask, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host);
    if (connection < 0) {
        broken++;
        return 0;
    }
    while (!isOver && send(connection, ask, length, MSG_NOSIGNAL) == length)
        if (!answer(connection, place) && !isOver) {
            broken++;
            break;
        }
    close(connection);
    return 0;
}

int main(int count, char **words) {
    for (int option; (option = getopt(count, words, "h:p:u:c:t:")) > 0;) switch (option) {
        case 'h': host = optarg; break;
        case 'p': port = atoi(optarg); break;
        case 'u': path = optarg; break;
        case 'c': connections = atoi(optarg); break;
        case 't': seconds = atoi(optarg); break;
        default: return 64;
    }
    if (strncmp(host, "127.", 4)) return fprintf(stderr, "http-load works on loopback only\n"), 64;
    got = calloc(connections, sizeof *got);
    pthread_t *threads = calloc(connections, sizeof *threads);
    double begun = now();
    for (long place = 0; place < connections; place++) pthread_create(&threads[place], 0, work, (void *)place);
    sleep(seconds);
    isOver = 1;
    double wall = now() - begun;
    for (int place = 0; place < connections; place++) pthread_join(threads[place], 0);
    long long total = 0, least = got[0];
    for (int place = 0; place < connections; place++) total += got[place], least = got[place] < least ? got[place] : least;
    printf("{\"mbps\": %.1f, \"wall\": %.3f, \"bytes\": %lld, \"fairness\": %.2f, \"refused\": %d, \"broken\": %d}\n",
           total / 1e6 / wall, wall, total, total ? (double)least * connections / total : 0, refused, broken);
    return refused || broken;
}
