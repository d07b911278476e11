/* SPDX-License-Identifier: MIT */
/*
 * What can be wrong with the file system: the runtime directory can't be used,
 * or the disk under the keyring is full. Tokens come all the same.
 */
#include <CUnit/Basic.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "desk.h"
#include "fault.h"
#include "mounts.h"
#include "world.h"

#define PATIENT_MS 60000

/* The runtime directory of a test, and what else is there. */
static char dir[256];

static void
set_dir(const char *name)
{
    snprintf(dir, sizeof(dir), "%s", world_path(name));
}

/* Writes until nothing more fits. */
static void
fill(const char *path)
{
    static const char block[512];
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    CU_ASSERT_FATAL(fd >= 0);
    while (write(fd, block, sizeof(block)) > 0) {
        continue;
    }
    close(fd);
}

/* All names in the scene, but what the keyring and the emulator have. */
static void
list_files(char *text)
{
    (void)world_shell(text,
                      "cd '%s' && find . "
                      "\\( -path ./data -o -path ./emu -o -path ./run \\) "
                      "-prune -o -print | sort; ls -A \"$OLDPWD\"",
                      desk_dir());
}

/* --- the runtime directory ------------------------------------------------
 */

static void
check_required(void)
{
    const char *id = world_business();
    struct world_got got;

    world_configure(FAULT_PATIENT "keyring = required\nruntime_dir = %s\n",
                    dir);
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_E_KEYRING);
    CU_ASSERT_PTR_NOT_NULL(strstr(got.error.message, "runtime_dir"));
    CU_ASSERT_PTR_NOT_NULL(strstr(got.error.message, dir));
    CU_ASSERT_EQUAL(world_requests(id), 0);
}

/* `dir` can't be used, for a reason that end() takes away. */
static void
check_unusable(void (*end)(void))
{
    static char before[WORLD_OUTPUT];
    static char after[WORLD_OUTPUT];
    const char *id = world_business();
    int64_t begin;
    struct world_got got;
    long items = world_keyring_items();

    world_configure(FAULT_PATIENT "runtime_dir = %s\n", dir);
    list_files(before);
    world_log_take();
    begin = world_ms();
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(world_get(i == 0 ? id : world_business(), &got),
                        MPS_OK);
        CU_ASSERT_EQUAL(got.source, MPS_SOURCE_ENDPOINT);
    }
    CU_ASSERT_EQUAL(world_get(id, &got), MPS_OK);
    CU_ASSERT_EQUAL(world_requests(id), 1);
    CU_ASSERT(world_ms() - begin < PATIENT_MS + world_margin());
    CU_ASSERT_EQUAL(world_log_count(LOG_WARNING, "keyring_degraded: "), 1);
    CU_ASSERT_EQUAL(world_log_count(LOG_WARNING, "runtime_dir"), 1);
    if (world_log_count(LOG_WARNING, "") != 1) {
        world_log_show();
    }
    CU_ASSERT_EQUAL(world_log_count(LOG_WARNING, ""), 1);
    list_files(after);
    CU_ASSERT_STRING_EQUAL(before, after);
    CU_ASSERT_EQUAL(world_keyring_items(), items);
    check_required();
    world_configure(FAULT_PATIENT "runtime_dir = %s\n", dir);
    world_log_take();
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_OK);
    end();
    CU_ASSERT(world_await(fault_is_told_over, NULL));
    fault_check_used();
    CU_ASSERT_EQUAL(world_shell(NULL, "rm -rf '%s'", dir), 0);
}

static void
make_parent(void)
{
    CU_ASSERT_EQUAL(mkdir(world_path("no"), 0700), 0);
}

static void
test_missing(void)
{
    set_dir("no/parent");
    check_unusable(make_parent);
}

static void
give_back(void)
{
    CU_ASSERT_EQUAL(chown(dir, geteuid(), getegid()), 0);
}

static void
test_foreign(void)
{
    set_dir("foreign");
    CU_ASSERT_EQUAL(mkdir(dir, 0700), 0);
    if (chown(dir, 65534, 65534) != 0 || geteuid() == 65534) {
        world_untried("another owner");
        return;
    }
    check_unusable(give_back);
}

static void
take_link_away(void)
{
    CU_ASSERT_EQUAL(unlink(dir), 0);
}

static void
test_symlink(void)
{
    set_dir("link");
    CU_ASSERT_EQUAL(mkdir(world_path("behind"), 0700), 0);
    CU_ASSERT_EQUAL(symlink(world_path("behind"), dir), 0);
    check_unusable(take_link_away);
}

static void
test_dangling(void)
{
    set_dir("dangling");
    CU_ASSERT_EQUAL(symlink(world_path("nowhere"), dir), 0);
    check_unusable(take_link_away);
}

static void
close_door(void)
{
    CU_ASSERT_EQUAL(chmod(dir, 0700), 0);
}

static void
test_open(void)
{
    set_dir("open");
    CU_ASSERT_EQUAL(mkdir(dir, 0700), 0);
    CU_ASSERT_EQUAL(chmod(dir, 0770), 0);
    check_unusable(close_door);
}

static void
take_mount_away(void)
{
    mounts_undo(dir);
}

static void
test_read_only(void)
{
    set_dir("read-only");
    CU_ASSERT_EQUAL(mkdir(dir, 0700), 0);
    if (mounts_read_only(dir) != 0) {
        world_untried("a mount namespace");
        return;
    }
    check_unusable(take_mount_away);
}

/* No file can be made in it. */
static void
test_no_inode(void)
{
    set_dir("no-inode");
    CU_ASSERT_EQUAL(mkdir(dir, 0700), 0);
    if (mounts_memory(dir, "nr_inodes=1,mode=0700") != 0) {
        world_untried("a mount namespace");
        return;
    }
    check_unusable(take_mount_away);
}

/* Files can be made, and nothing written: locks are all that the keyring
 * needs; what the processes tell each other is lost, no more. */
static void
test_full(void)
{
    struct world_got got;
    char path[300];
    char output[WORLD_OUTPUT];
    char request[64];

    set_dir("full");
    CU_ASSERT_EQUAL(mkdir(dir, 0700), 0);
    if (mounts_memory(dir, "size=64k,mode=0700") != 0) {
        world_untried("a mount namespace");
        return;
    }
    snprintf(path, sizeof(path), "%s/fill", dir);
    fill(path);
    world_configure(FAULT_PATIENT "runtime_dir = %s\n", dir);
    world_log_take();
    for (int i = 0; i < 3; i++) {
        fault_check_used();
    }
    /* A limit that can't be written down holds for this process. */
    world_emulate("", "fault=429&retry_after=60");
    snprintf(request, sizeof(request), "%s", world_business());
    CU_ASSERT_EQUAL(world_get(request, &got), MPS_E_RATE_LIMITED);
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_E_RATE_LIMITED);
    world_reset();
    world_restart();
    CU_ASSERT_EQUAL(world_log_count(-1, "keyring_degraded"), 0);
    /* No half of a file is left. */
    (void)world_shell(output, "find '%s' -size +0 ! -name fill -type f", dir);
    CU_ASSERT_STRING_EQUAL(output, "");
    (void)world_shell(output, "ls -A '%s' | grep -vxE 'fill|lock|files-lock'",
                      dir);
    CU_ASSERT_STRING_EQUAL(output, "");
    CU_ASSERT_EQUAL(unlink(path), 0);
    fault_check_used();
    world_configure(FAULT_PATIENT);
    mounts_undo(dir);
    rmdir(dir);
}

/* --- the disk under the keyring -------------------------------------------
 */

static void
check_full_keyring(const char *file)
{
    struct mps_error error = {.size = sizeof(error)};
    char before[24];
    char changed[24];
    char output[WORLD_OUTPUT];
    struct world_got got;

    snprintf(before, sizeof(before), "%s", world_business());
    snprintf(changed, sizeof(changed), "%s", world_business());
    world_configure(FAULT_PATIENT);
    world_log_take();
    CU_ASSERT_EQUAL(world_host(output, "", "get %s", before), MPS_OK);
    CU_ASSERT_EQUAL(world_host(output, "", "get %s", changed), MPS_OK);
    /* These wait until the stores are done. */
    CU_ASSERT_EQUAL(world_host(output, "", "get %s %s", before, changed),
                    MPS_OK);
    fault_check_used();
    fill(file);
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_OK);
        CU_ASSERT_EQUAL(got.source, MPS_SOURCE_ENDPOINT);
    }
    /* What it holds is still good, and so is what memory holds. */
    CU_ASSERT_EQUAL(world_host(output, "", "get %s", before), MPS_OK);
    CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_KEYRING);
    CU_ASSERT_EQUAL(world_log_count(LOG_WARNING, "keyring_degraded: "), 1);
    CU_ASSERT_EQUAL(world_log_count(LOG_WARNING, "refused"), 1);
    /* It reads well: with keyring = required, too, a token is handed out that
     * can't be stored; but one that can't be taken out is said. */
    world_configure(FAULT_PATIENT "keyring = required\n");
    CU_ASSERT_EQUAL(world_get(world_business(), &got), MPS_OK);
    CU_ASSERT_EQUAL(mps.invalidate_credential(changed, NULL), MPS_E_KEYRING);
    CU_ASSERT_EQUAL(mps.error(&error), MPS_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "refused"));
    world_configure(FAULT_PATIENT);
    CU_ASSERT_EQUAL(unlink(file), 0);
    fault_check_used();
    /* Nor is the keyring's file the worse for it. */
    desk_restart_keyring();
    CU_ASSERT_EQUAL(world_host(output, "", "get %s", before), MPS_OK);
    CU_ASSERT_EQUAL(world_number(output, "source"), MPS_SOURCE_KEYRING);
    fault_check_used();
}

static void
test_full_keyring(void)
{
    char data[256];
    char file[300];

    snprintf(data, sizeof(data), "%s", world_path("data"));
    snprintf(file, sizeof(file), "%s/fill", data);
    desk_stop_keyring();
    if (mounts_memory(data, "size=128k,mode=0700") == 0) {
        desk_start_keyring();
        check_full_keyring(file);
        desk_stop_keyring();
        mounts_undo(data);
    } else {
        world_untried("a mount namespace");
    }
    desk_start_keyring();
}

static CU_TestInfo tests[] = {
    {"runtime_dir: missing", test_missing},
    {"runtime_dir: another's", test_foreign},
    {"runtime_dir: a symlink", test_symlink},
    {"runtime_dir: a symlink to nowhere", test_dangling},
    {"runtime_dir: open to others", test_open},
    {"runtime_dir: read-only", test_read_only},
    {"runtime_dir: no file can be made", test_no_inode},
    {"runtime_dir: full", test_full},
    {"full disk under the keyring", test_full_keyring},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"faults of the file system", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int
main(void)
{
    mounts_open();
    world_open(NULL);
    return world_run(suites);
}
