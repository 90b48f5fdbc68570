// What Swift cannot call or must not do by itself: system calls without a wrapper in this glibc, and all that happens
// between fork and exec, where nothing may allocate, lock or run Swift code.
#ifndef REDOPS_CLINUX_H
#define REDOPS_CLINUX_H

#include "Guard.h"
#include "Supervise.h"

#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/types.h>

// Every function returns a result >= 0, or -errno.

/// O_PATH, which the headers show only under _GNU_SOURCE.
static const int redops_o_path = 010000000;

/// Names the calling thread, for people who look at it with ps or gdb; 15 bytes at most.
void redops_name_thread(const char *name);

/// Gives back the memory that holds this process's code and constants: what is used comes back from the page cache at its
/// next use, and what only the start needed stays away. Never touches a page that was written to.
void redops_release_code(void);

/// Opens `path` as if `root_fd` were the root folder: `..` and symbolic links, absolute ones too, cannot leave it.
int redops_open_in_root(int root_fd, const char *path, int flags, mode_t mode);

/// rename, or with `keep_existing` a rename that fails with EEXIST where something is there already.
int redops_rename(int old_fd, const char *old_name, int new_fd, const char *new_name, int keep_existing);

int redops_pidfd_open(pid_t pid);
int redops_pidfd_send_signal(int pidfd, int signal);

/// The state of the process behind a pidfd.
struct redops_exit {
    /// 0: runs; 1: ended, and `status` is as of waitpid; 2: ended, and nobody knows how.
    int ended;
    int status;
};
/// Asks without waiting, and collects a child of ours that ended.
int redops_pidfd_exit(int pidfd, struct redops_exit *result);

/// What a child process is to be. All strings and arrays belong to the caller until `redops_fork` returns.
struct redops_spawn {
    const char *path;          ///< absolute path of the program
    char *const *arguments;    ///< ends with NULL
    char *const *environment;  ///< ends with NULL
    const char *root;          ///< chroot there; NULL for none
    const char *directory;     ///< NULL for /
    int output;                ///< standard output, and standard error where that has no file of its own
    int errors;                ///< standard error; -1: as output
    int input;                 ///< standard input; -1: /dev/null
    int status;                ///< where a monitor writes how the program ended; -1: there is no monitor
    int set_ids;               ///< whether to become uid, gid and groups
    uid_t uid;
    gid_t gid;
    const gid_t *groups;
    size_t group_count;
};

/// A child that waits for leave to begin; it ends by itself if its parent does before giving it.
struct redops_child {
    pid_t pid;
    int go;
    int failure;
};

/// Where a child failed.
enum redops_stage {
    redops_stage_none = 0,
    redops_stage_session = 1,
    redops_stage_root = 2,
    redops_stage_directory = 3,
    redops_stage_user = 4,
    redops_stage_exec = 5,
};

/// Forks a child in a new session (and process group) with default signals, no other open files, and the output given.
///
/// With `status` the child stays as the monitor of its session: it forks the program, waits for its end, writes that to
/// `status` before it ends itself, with the program's exit code or 128 and its signal. So also who is not its
/// parent learns how the program ended: an agent that came after the one that was killed. The monitor hears no signal but
/// KILL. What it writes is one line: the wait status as a number, or `-` where the program was never given leave to begin.
int redops_fork(const struct redops_spawn *spawn, struct redops_child *child);

/// Lets the child begin and waits until it runs its program. Returns 0, or -errno with the stage; the child is collected
/// then. One that has not begun after `patience_ms` (its folder or program does not answer) is killed: -ETIMEDOUT. It is
/// collected if it ends soon; what hangs in the kernel stays until that lets it go.
int redops_begin(struct redops_child *child, int patience_ms, int *stage);

/// Ends a child that was never begun, and collects it.
void redops_abandon(struct redops_child *child);

#endif
