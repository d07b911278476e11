/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "nginx.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOG_WAIT_MS 10000

/* The most connections that a test may have. */
#define CONNECTIONS_MAX 4096

/* Runs a program to its end; 0 where it went well. */
static int
run(const char *const *arguments)
{
    posix_spawn_file_actions_t quiet;
    int status = -1;
    pid_t pid;
    int failed;

    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", 0, 0);
    failed = posix_spawnp(&pid, arguments[0], &quiet, NULL,
                          (char *const *)arguments, environ);
    posix_spawn_file_actions_destroy(&quiet);
    if (failed || waitpid(pid, &status, 0) != pid || status != 0) {
        fprintf(stderr, "can't run %s\n", arguments[0]);
        return -1;
    }
    return 0;
}

static int
make_certificate(struct nginx *nginx)
{
    char key[96];
    const char *arguments[] = {"openssl",
                               "req",
                               "-x509",
                               "-newkey",
                               "ec",
                               "-pkeyopt",
                               "ec_paramgen_curve:P-256",
                               "-nodes",
                               "-days",
                               "2",
                               "-subj",
                               "/CN=localhost",
                               "-addext",
                               "subjectAltName=DNS:localhost,IP:127.0.0.1",
                               "-keyout",
                               key,
                               "-out",
                               nginx->ca_path,
                               NULL};

    snprintf(key, sizeof(key), "%s/key.pem", nginx->directory);
    snprintf(nginx->ca_path, sizeof(nginx->ca_path), "%s/cert.pem",
             nginx->directory);
    return run(arguments);
}

/* A port that is free at the moment; 0 where there is none. */
static unsigned
free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct sockaddr *any = (void *)&address;
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, any, len) != 0 || getsockname(fd, any, &len) != 0) {
        address.sin_port = 0;
    }
    if (fd >= 0) {
        close(fd);
    }
    return ntohs(address.sin_port);
}

static int
configure(const struct nginx *nginx, const struct nginx_options *options,
          unsigned port)
{
    char path[96];
    FILE *file;

    snprintf(path, sizeof(path), "%s/nginx.conf", nginx->directory);
    file = fopen(path, "w");
    if (file == NULL) {
        return -1;
    }
    /* One process: no other user to change to, nothing to outlive it. Paths
     * are relative to the directory. */
    fprintf(file,
            "daemon off;\n"
            "master_process off;\n"
            "pid pid;\n"
            "error_log error.log;\n"
            "events { worker_connections 1024; }\n"
            "http {\n"
            "  log_format counted \"$connection\";\n"
            "  access_log access.log counted;\n"
            "  client_body_temp_path body;\n"
            "  proxy_temp_path proxy;\n"
            "  fastcgi_temp_path fastcgi;\n"
            "  uwsgi_temp_path uwsgi;\n"
            "  scgi_temp_path scgi;\n"
            "  upstream behind { server %s; keepalive 64; }\n"
            "  server {\n"
            "    listen 127.0.0.1:%u ssl%s backlog=511;\n"
            "    ssl_certificate cert.pem;\n"
            "    ssl_certificate_key key.pem;\n"
            "    %s\n"
            "    location / {\n"
            "      proxy_pass https://behind;\n"
            "      proxy_http_version 1.1;\n"
            "      proxy_set_header Connection \"\";\n"
            "      proxy_set_header Host $http_host;\n"
            "    }\n"
            "  }\n"
            "}\n",
            options->upstream + strlen("https://"), port,
            options->http2 ? " http2" : "",
            options->lines != NULL ? options->lines : "");
    return fclose(file);
}

static int
spawn(struct nginx *nginx)
{
    const char *program = getenv("MPS_TEST_NGINX");
    char path[96];
    char log[96];
    const char *arguments[] = {"nginx",          "-c", path, "-p",
                               nginx->directory, "-e", log,  NULL};

    program = program != NULL ? program : "/usr/sbin/nginx";
    snprintf(path, sizeof(path), "%s/nginx.conf", nginx->directory);
    snprintf(log, sizeof(log), "%s/error.log", nginx->directory);
    if (posix_spawn(&nginx->pid, program, NULL, NULL, (char *const *)arguments,
                    environ) != 0) {
        nginx->pid = -1;
        fprintf(stderr, "can't run %s; set MPS_TEST_NGINX\n", program);
        return -1;
    }
    return 0;
}

/* Waits until it takes connections; 0, or -1 where it has ended. */
static int
await_listening(struct nginx *nginx, unsigned port)
{
    const struct timespec moment = {0, 5000000};
    struct sockaddr_in address = {.sin_family = AF_INET};
    int result = -1;

    address.sin_port = htons((in_port_t)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    while (result != 0 && waitpid(nginx->pid, NULL, WNOHANG) == 0) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        result = connect(fd, (const struct sockaddr *)(void *)&address,
                         sizeof(address));
        close(fd);
        nanosleep(&moment, NULL);
    }
    if (result != 0) {
        nginx->pid = -1;
        fprintf(stderr, "nginx has ended; see %s/error.log\n",
                nginx->directory);
    }
    return result;
}

int
nginx_start(struct nginx *nginx, const struct nginx_options *options)
{
    unsigned port = free_port();

    nginx->pid = -1;
    snprintf(nginx->directory, sizeof(nginx->directory),
             "/tmp/mps-test-nginx-XXXXXX");
    if (mkdtemp(nginx->directory) == NULL) {
        perror("nginx's directory");
        return -1;
    }
    snprintf(nginx->base_url, sizeof(nginx->base_url), "https://127.0.0.1:%u",
             port);
    if (port == 0 || make_certificate(nginx) != 0 ||
        configure(nginx, options, port) != 0 || spawn(nginx) != 0) {
        return -1;
    }
    return await_listening(nginx, port);
}

/* Removes a directory of files and empty directories. */
static void
remove_directory(const char *directory)
{
    DIR *entries = opendir(directory);
    struct dirent *entry;
    char path[400];

    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        if (entry->d_name[0] != '.') {
            snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
            (void)remove(path);
        }
    }
    if (entries != NULL) {
        closedir(entries);
    }
    (void)rmdir(directory);
}

void
nginx_stop(struct nginx *nginx)
{
    if (nginx->pid > 0) {
        kill(nginx->pid, SIGTERM);
        waitpid(nginx->pid, NULL, 0);
        nginx->pid = -1;
    }
    remove_directory(nginx->directory);
}

/* Reads the log: how many lines, and how many different ones. */
static unsigned
read_log(const struct nginx *nginx, unsigned *different)
{
    unsigned long seen[CONNECTIONS_MAX];
    unsigned lines = 0;
    char path[96];
    char line[32];
    FILE *file;

    *different = 0;
    snprintf(path, sizeof(path), "%s/access.log", nginx->directory);
    file = fopen(path, "r");
    while (file != NULL && *different < CONNECTIONS_MAX &&
           fgets(line, sizeof(line), file) != NULL) {
        unsigned known = 0;

        seen[*different] = strtoul(line, NULL, 10);
        while (seen[known] != seen[*different]) {
            known++;
        }
        *different += known == *different;
        lines++;
    }
    if (file != NULL) {
        fclose(file);
    }
    return lines;
}

int
nginx_connections(const struct nginx *nginx, unsigned requests)
{
    const struct timespec moment = {0, 10000000};
    unsigned different;

    for (int waited = 0; waited < LOG_WAIT_MS; waited += 10) {
        if (read_log(nginx, &different) >= requests) {
            return (int)different;
        }
        nanosleep(&moment, NULL);
    }
    return -1;
}
