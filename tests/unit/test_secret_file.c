/* SPDX-License-Identifier: MIT */
/* Which files are taken for the partner's token, and what else is told. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <CUnit/Basic.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run_suites.h"
#include "secret_file.h"

static char directory[] = "/tmp/mpsc-secret-file-XXXXXX";
static struct mpsc_secret secret;
static struct mps_error error;

/* Somebody else, for what only root can set up. */
#define OTHER_USER 12345

static const char *
path_of(const char *name)
{
    static char path[200];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static void
write_bytes(const char *bytes, size_t len, mode_t mode)
{
    FILE *file;

    (void)remove(path_of("token"));
    file = fopen(path_of("token"), "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite(bytes, 1, len, file), len);
    CU_ASSERT_EQUAL(fclose(file), 0);
    CU_ASSERT_EQUAL(chmod(path_of("token"), mode), 0);
}

static int
read_name(const char *name)
{
    int code;

    errno = EXDEV;
    mpsc_secret_free(&secret);
    code = mpsc_secret_file_read(path_of(name), "token_file", &secret, &error);
    CU_ASSERT_EQUAL(errno, EXDEV);
    CU_ASSERT_EQUAL(code, error.code);
    CU_ASSERT_EQUAL(secret.data == NULL, code != MPS_OK);
    if (code != MPS_OK) {
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "token_file"));
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, path_of(name)));
    }
    return code;
}

static int
begin_suite(void)
{
    return mkdtemp(directory) == NULL;
}

static int
end_suite(void)
{
    (void)remove(path_of("token"));
    (void)remove(path_of("link"));
    (void)remove(path_of("fifo"));
    return rmdir(directory) != 0;
}

static void
end(void)
{
    mpsc_secret_free(&secret);
}

static void
test_contents(void)
{
    static const struct {
        const char *text;
        const char *result; /* NULL = refused */
        const char *says;
    } rows[] = {
        {"EAAtoken", "EAAtoken", ""},
        {"EAAtoken\n", "EAAtoken", ""},
        {"EAAtoken\r\n", "EAAtoken", ""},
        {"a|b-_.~!\n", "a|b-_.~!", ""},
        {"x", "x", ""},
        {"", NULL, "is empty"},
        {"\n", NULL, "is empty"},
        {"\r\n", NULL, "is empty"},
        {"EAA\n\n", NULL, "more than one line"},
        {"EAA\nEAB\n", NULL, "more than one line"},
        {"EAA\rEAB\n", NULL, "more than one line"},
        {"\nEAA", NULL, "more than one line"},
        {"EAA \n", NULL, "has a space"},
        {" EAA\n", NULL, "has a space"},
        {"EAA\tx\n", NULL, "has a space"},
        {"token = EAA\n", NULL, "has a space"},
        {"\xef\xbb\xbf"
         "EAA\n",
         NULL, "printable ASCII"},
        {"EAA\x7f", NULL, "printable ASCII"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        write_bytes(rows[i].text, strlen(rows[i].text), 0600);
        if (rows[i].result != NULL) {
            CU_ASSERT_EQUAL_FATAL(read_name("token"), MPS_OK);
            CU_ASSERT_STRING_EQUAL(secret.data, rows[i].result);
            CU_ASSERT_EQUAL(secret.len, strlen(rows[i].result));
        } else {
            CU_ASSERT_EQUAL(read_name("token"), MPS_E_CONFIG);
            CU_ASSERT_PTR_NOT_NULL(strstr(error.message, rows[i].says));
            CU_ASSERT_PTR_NULL(strstr(error.message, "EAA"));
        }
    }
    write_bytes("a\0b", 3, 0600);
    CU_ASSERT_EQUAL(read_name("token"), MPS_E_CONFIG);
}

static void
test_length(void)
{
    static char text[64 * 1024 + 3];

    memset(text, 'x', sizeof(text));
    text[64 * 1024] = '\n';
    write_bytes(text, 64 * 1024 + 1, 0600);
    CU_ASSERT_EQUAL(read_name("token"), MPS_OK);
    CU_ASSERT_EQUAL(secret.len, 64 * 1024);
    memcpy(text + 64 * 1024, "\r\n", 2);
    write_bytes(text, 64 * 1024 + 2, 0600);
    CU_ASSERT_EQUAL(read_name("token"), MPS_OK);
    CU_ASSERT_EQUAL(secret.len, 64 * 1024);
    memset(text, 'x', sizeof(text));
    write_bytes(text, 64 * 1024 + 1, 0600);
    CU_ASSERT_EQUAL(read_name("token"), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "longer than 64 KiB"));
    write_bytes(text, sizeof(text), 0600);
    CU_ASSERT_EQUAL(read_name("token"), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "longer than 64 KiB"));
}

/* Every mode, for a file of our own. Root's own may be group-readable. */
static void
test_modes(void)
{
    int is_root = geteuid() == 0;
    const char *command = is_root ? "run 'chmod 0640 " : "run 'chmod 0600 ";

    for (mode_t mode = 0400; mode <= 0777; mode++) {
        int is_good = (mode & (is_root ? 037u : 077u)) == 0;
        int code;

        /* Without it nobody but root can read at all. */
        if ((mode & 0400) == 0) {
            continue;
        }
        write_bytes("EAA", 3, mode);
        code = read_name("token");
        if (code != (is_good ? MPS_OK : MPS_E_CONFIG)) {
            printf("mode %o\n", (unsigned)mode);
        }
        CU_ASSERT_EQUAL(code, is_good ? MPS_OK : MPS_E_CONFIG);
        if (!is_good) {
            CU_ASSERT_PTR_NOT_NULL(strstr(error.message, command));
        }
    }
    write_bytes("EAA", 3, 0644);
    CU_ASSERT_EQUAL(read_name("token"), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(error.message, "open to others (mode 0644)"));
}

static void
test_owner(void)
{
    if (geteuid() != 0) {
        /* Root's, of a mode that root may give it, is readable or not; it is
         * never ours to refuse for its owner. */
        CU_ASSERT_EQUAL(mpsc_secret_file_read("/etc/passwd", "token_file",
                                              &secret, &error),
                        MPS_E_CONFIG);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "run 'chmod 0640 "));
        return;
    }
    /* Root reads what belongs to another user, but doesn't take it. */
    write_bytes("EAA", 3, 0600);
    CU_ASSERT_EQUAL_FATAL(chown(path_of("token"), OTHER_USER, OTHER_USER), 0);
    CU_ASSERT_EQUAL(read_name("token"), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "belongs to user 12345"));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "run 'chown 0 "));

    /* As that user: its own file, then root's with and without its group. */
    CU_ASSERT_EQUAL(chmod(directory, 0755), 0);
    CU_ASSERT_EQUAL_FATAL(setegid(OTHER_USER), 0);
    CU_ASSERT_EQUAL_FATAL(seteuid(OTHER_USER), 0);
    CU_ASSERT_EQUAL(read_name("token"), MPS_OK);
    CU_ASSERT_EQUAL(chmod(path_of("token"), 0640), 0);
    CU_ASSERT_EQUAL(read_name("token"), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "run 'chmod 0600 "));
    CU_ASSERT_EQUAL_FATAL(seteuid(0), 0);
    CU_ASSERT_EQUAL(chown(path_of("token"), 0, OTHER_USER), 0);
    CU_ASSERT_EQUAL(chmod(path_of("token"), 0640), 0);
    CU_ASSERT_EQUAL_FATAL(seteuid(OTHER_USER), 0);
    CU_ASSERT_EQUAL(read_name("token"), MPS_OK);
    CU_ASSERT_EQUAL_FATAL(seteuid(0), 0);
    CU_ASSERT_EQUAL(chmod(path_of("token"), 0600), 0);
    CU_ASSERT_EQUAL_FATAL(seteuid(OTHER_USER), 0);
    CU_ASSERT_EQUAL(read_name("token"), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "by user 12345"));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "Permission denied"));
    CU_ASSERT_EQUAL_FATAL(seteuid(0), 0);
    CU_ASSERT_EQUAL_FATAL(setegid(0), 0);
}

static void
test_kinds(void)
{
    char target[200];

    CU_ASSERT_EQUAL(read_name("missing"), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "No such file"));
    CU_ASSERT_EQUAL(read_name("."), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "is a directory"));
    CU_ASSERT_EQUAL_FATAL(mkfifo(path_of("fifo"), 0600), 0);
    CU_ASSERT_EQUAL(read_name("fifo"), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "not a regular file"));
    /* A token may be rotated by replacing a link. */
    write_bytes("EAA\n", 4, 0600);
    snprintf(target, sizeof(target), "%s", path_of("token"));
    CU_ASSERT_EQUAL_FATAL(symlink(target, path_of("link")), 0);
    CU_ASSERT_EQUAL(read_name("link"), MPS_OK);
    CU_ASSERT_STRING_EQUAL(secret.data, "EAA");
}

/* On failure what was there before stays. */
static void
test_kept(void)
{
    CU_ASSERT_EQUAL(mpsc_secret_set(&secret, "old", 3), 0);
    CU_ASSERT_EQUAL(mpsc_secret_file_read(path_of("missing"), "token_file",
                                          &secret, &error),
                    MPS_E_CONFIG);
    CU_ASSERT_STRING_EQUAL(secret.data, "old");
}

static int
read_credential(const char *in, const char *name)
{
    mpsc_secret_free(&secret);
    return mpsc_secret_file_read_credential(in, name, "token_credential",
                                            &secret, &error);
}

static void
test_credential(void)
{
    /* systemd's are readable in ways that a file of ours may not be. */
    write_bytes("EAA\n", 4, 0444);
    CU_ASSERT_EQUAL(read_credential(directory, "token"), MPS_OK);
    CU_ASSERT_STRING_EQUAL(secret.data, "EAA");
    CU_ASSERT_EQUAL(read_credential(NULL, "token"), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "LoadCredential="));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "token_credential"));
    CU_ASSERT_EQUAL(read_credential(directory, "../x"), MPS_E_CONFIG);
    CU_ASSERT_EQUAL(read_credential(directory, ".."), MPS_E_CONFIG);
    CU_ASSERT_EQUAL(read_credential(directory, ""), MPS_E_CONFIG);
    CU_ASSERT_EQUAL(read_credential(directory, "missing"), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "No such file"));
    CU_ASSERT_EQUAL(
        read_credential(directory, "EAABwzLixnjYBOzYmNMJJGfHq9DgNh"),
        MPS_E_CONFIG);
    CU_ASSERT_PTR_NULL(strstr(error.message, "EAAB"));
}

static int
read_document(const char *bytes, size_t len, mode_t mode)
{
    write_bytes(bytes, len, mode);
    mpsc_secret_free(&secret);
    return mpsc_secret_file_read_document(path_of("token"), "static_file",
                                          &secret, &error);
}

/* All that is in the file, under the same rule of access. */
static void
test_document(void)
{
    const size_t most = (size_t)16 * 1024 * 1024;
    char *large = calloc(1, most + 1);

    CU_ASSERT_PTR_NOT_NULL_FATAL(large);
    CU_ASSERT_EQUAL(read_document("EAA \n\0\xff\n", 8, 0600), MPS_OK);
    CU_ASSERT_EQUAL_FATAL(secret.len, 8);
    CU_ASSERT_EQUAL(memcmp(secret.data, "EAA \n\0\xff\n", 9), 0);
    CU_ASSERT_EQUAL(read_document("", 0, 0600), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "is empty"));
    CU_ASSERT_EQUAL(read_document("EAA", 3, 0604), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "run 'chmod 06"));
    CU_ASSERT_PTR_NULL(secret.data);
    CU_ASSERT_EQUAL(read_document(large, most, 0600), MPS_OK);
    CU_ASSERT_EQUAL(secret.len, most);
    CU_ASSERT_EQUAL(read_document(large, most + 1, 0600), MPS_E_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "longer than 16 MiB"));
    CU_ASSERT_EQUAL(
        mpsc_secret_file_read_document("/etc", "static_file", &secret, &error),
        MPS_E_CONFIG);
    free(large);
}

int
main(void)
{
    CU_TestInfo tests[] = {
        {"contents", test_contents},
        {"length", test_length},
        {"modes", test_modes},
        {"owner", test_owner},
        {"kinds", test_kinds},
        {"kept on failure", test_kept},
        {"credential", test_credential},
        {"document", test_document},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {"secret_file", begin_suite, end_suite, NULL, end, tests},
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
