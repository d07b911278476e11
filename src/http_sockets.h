/* SPDX-License-Identifier: MIT */
/*
 * http_sockets: which descriptors are a client's own.
 *
 * Hosts close and reuse descriptors behind our back. A descriptor's number
 * says nothing then; its file's device and inode do, since each socket has an
 * inode of its own. They are noted when it is opened and compared before it is
 * used or closed.
 *
 * Not thread-safe: the owner's thread alone, but for mpsc_http_file_is().
 */
#ifndef MPSC_HTTP_SOCKETS_H
#define MPSC_HTTP_SOCKETS_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/* What is behind a descriptor. */
struct mpsc_http_file {
    int fd; /* -1 = none */
    dev_t dev;
    ino_t ino;
};

/* Notes what is behind `fd`. 0, or -1 where it isn't open. */
int mpsc_http_file_note(struct mpsc_http_file *file, int fd);

/* True while the descriptor is what it was. From any thread. */
int mpsc_http_file_is(const struct mpsc_http_file *file);

/* Closes the descriptor if it is what it was; fd becomes -1. */
void mpsc_http_file_close(struct mpsc_http_file *file);

/* One connection, or an attempt at one. */
struct mpsc_http_socket {
    struct mpsc_http_socket *next;
    struct mpsc_http_file file;
    char peer_ip[INET6_ADDRSTRLEN];
    int local_port;  /* once it is known; else 0 */
    uint64_t serial; /* from 1; never used again */
    uint64_t heard;  /* the clock when something came over it; 0 = never */
    unsigned users;  /* requests under way on it */
    int joined;      /* a request was given to it */
    int suspect;     /* a request ended on it without a byte, and none has
                      * come since */
};

struct mpsc_http_sockets {
    struct mpsc_http_socket *first;
    uint64_t serial; /* the last that was given */
    uint64_t clock;  /* counts what comes over any of them */
};

/* Notes a socket that was opened, to connect it to `peer`. 0, or -1 without
 * memory. */
int mpsc_http_sockets_add(struct mpsc_http_sockets *sockets, int fd,
                          const struct sockaddr *peer);

/* Closes one that is still what it was, and forgets it in any case. */
void mpsc_http_sockets_close(struct mpsc_http_sockets *sockets, int fd);

/*
 * True where each connection is still what it was. Attempts that are not are
 * forgotten without more: libcurl 7.88 closes those that lose the race
 * between addresses, or fail, without a word (cf_socket_close()).
 */
int mpsc_http_sockets_are_ours(struct mpsc_http_sockets *sockets);

/* The one with that serial number; NULL where it is closed. */
struct mpsc_http_socket *
mpsc_http_sockets_get(const struct mpsc_http_sockets *sockets,
                      uint64_t serial);

/* The one between these numeric addresses; NULL where there is none. */
struct mpsc_http_socket *
mpsc_http_sockets_find(const struct mpsc_http_sockets *sockets,
                       const char *local_ip, int local_port,
                       const char *peer_ip);

/* True where a suspect connection is in use. */
int mpsc_http_sockets_doubtful(const struct mpsc_http_sockets *sockets);

/*
 * Shuts the connections that no request uses, all of them or the suspect
 * alone, for libcurl to find them dead when it looks for one. The descriptors
 * stay open: they are libcurl's to close. Only where they are all ours.
 */
void mpsc_http_sockets_shut_idle(struct mpsc_http_sockets *sockets, int all);

/* Forgets all, and first closes what is still ours where `closing`. */
void mpsc_http_sockets_forget(struct mpsc_http_sockets *sockets, int closing);

#endif
