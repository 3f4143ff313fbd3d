/* What the loop is compared with: reads WebSocket frames from one connection and answers each with
 * a fixed number of bytes on another. One thread, non-blocking sockets, no allocation, no parsing
 * but that of the frame header.
 *
 *   wire_echo PORT ANSWER_BYTES [CA_FILE]      plain TCP, or TLS with OpenSSL
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#ifdef WITH_TLS
#include <openssl/err.h>
#include <openssl/ssl.h>
#else
typedef void SSL;
#endif

static unsigned char in[1 << 20], answer[4096];

static int dial(int port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (connect(fd, (struct sockaddr *)&to, sizeof to)) exit(3);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

/* One look: bytes, 0 when there are none, -1 at the end. */
static long take(int fd, SSL *ssl, unsigned char *to, size_t room) {
#ifdef WITH_TLS
    if (ssl) {
        int n = SSL_read(ssl, to, room);
        if (n > 0) return n;
        int why = SSL_get_error(ssl, n);
        return why == SSL_ERROR_WANT_READ ? 0 : -1;
    }
#endif
    (void)ssl;
    long n = recv(fd, to, room, MSG_DONTWAIT);
    if (n > 0) return n;
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? 0 : -1;
}

static int give(int fd, SSL *ssl, int count) {
#ifdef WITH_TLS
    if (ssl) return SSL_write(ssl, answer, count) == count;
#endif
    (void)ssl;
    return send(fd, answer, count, MSG_DONTWAIT | MSG_NOSIGNAL) == count;
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    int port = atoi(argv[1]), count = atoi(argv[2]);
    int market = dial(port), orders = dial(port);
    SSL *market_tls = 0, *orders_tls = 0;
#ifdef WITH_TLS
    if (argc > 3) {
        SSL_CTX *context = SSL_CTX_new(TLS_client_method());
        SSL_CTX_load_verify_locations(context, argv[3], 0);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, 0);
        SSL **both[] = {&market_tls, &orders_tls};
        int sockets[] = {market, orders};
        for (int i = 0; i < 2; i++) {
            *both[i] = SSL_new(context);
            SSL_set_fd(*both[i], sockets[i]);
            if (SSL_connect(*both[i]) != 1) return 4;
        }
        for (int i = 0; i < 2; i++) {
            struct timeval none = {0, 0};
            setsockopt(sockets[i], SOL_SOCKET, SO_RCVTIMEO, &none, sizeof none);
        }
    }
#endif
    int flags = 1;
    (void)flags;
    /* SSL_read must not wait either. */
    extern int fcntl(int, int, ...);
    fcntl(market, 4, 04000);
    fcntl(orders, 4, 04000);
    answer[0] = 0x81, answer[1] = 0x80 | 126;
    answer[2] = (count - 8) >> 8, answer[3] = (count - 8) & 255;
    size_t have = 0, at = 0;
    for (;;) {
        long n = take(market, market_tls, in + have, sizeof in - have);
        if (n < 0) return 0;
        have += n;
        while (have - at >= 4) {
            size_t length = in[at + 1] & 127, head = 2;
            if (length == 126) length = in[at + 2] << 8 | in[at + 3], head = 4;
            if (have - at < head + length) break;
            at += head + length;
            if (!give(orders, orders_tls, count)) return 5;
        }
        if (at == have) at = have = 0;
    }
}
