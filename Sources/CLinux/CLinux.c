#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <grp.h>
#include <link.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef P_PIDFD
#define P_PIDFD 3
#endif

void redops_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

static int release_segments(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size, (void)context;
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W)) continue;
        uintptr_t start = (info->dlpi_addr + segment->p_vaddr) & ~(page - 1);
        uintptr_t end = info->dlpi_addr + segment->p_vaddr + segment->p_filesz;
        madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return 0;
}

void redops_release_code(void) { dl_iterate_phdr(release_segments, NULL); }

/// How often openat2 may answer EAGAIN (a rename raced with it) before that is an error.
enum { open_attempts = 64 };

int redops_open_in_root(int root_fd, const char *path, int flags, mode_t mode) {
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
        .mode = (flags & O_CREAT) ? mode : 0,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };
    for (int attempt = 0;; attempt++) {
        long fd = syscall(SYS_openat2, root_fd, path, &how, sizeof how);
        if (fd >= 0) return (int)fd;
        if (errno == EINTR) continue;
        if (errno != EAGAIN || attempt >= open_attempts) return -errno;
    }
}

int redops_rename(int old_fd, const char *old_name, int new_fd, const char *new_name, int keep_existing) {
    if (!keep_existing) return renameat(old_fd, old_name, new_fd, new_name) == 0 ? 0 : -errno;
    return renameat2(old_fd, old_name, new_fd, new_name, RENAME_NOREPLACE) == 0 ? 0 : -errno;
}

int redops_pidfd_open(pid_t pid) {
    long fd = syscall(SYS_pidfd_open, pid, 0);
    return fd >= 0 ? (int)fd : -errno;
}

int redops_pidfd_send_signal(int pidfd, int signal) {
    return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) == 0 ? 0 : -errno;
}

// Linux 6.15 and newer tell how a process ended to whoever held a pidfd of it, parent or not.
struct pidfd_exit_info {
    uint64_t mask;
    uint64_t cgroup;
    uint32_t ids[11];
    int32_t exit_code;
};
#define REDOPS_PIDFD_GET_INFO _IOWR(0xFF, 11, struct pidfd_exit_info)
#define REDOPS_PIDFD_INFO_EXIT (1ULL << 3)

int redops_pidfd_exit(int pidfd, struct redops_exit *result) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    result->ended = 0;
    result->status = 0;
    if (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG) == 0) {
        if (info.si_pid == 0) return 0;
        result->ended = 1;
        result->status = info.si_code == CLD_EXITED ? info.si_status << 8 : info.si_status;
        return 0;
    }
    if (errno != ECHILD) return -errno;
    struct pidfd_exit_info exit_info;
    memset(&exit_info, 0, sizeof exit_info);
    exit_info.mask = REDOPS_PIDFD_INFO_EXIT;
    int asked = ioctl(pidfd, REDOPS_PIDFD_GET_INFO, &exit_info);
    if (asked == 0 && (exit_info.mask & REDOPS_PIDFD_INFO_EXIT)) {
        result->ended = 1;
        result->status = exit_info.exit_code;
        return 0;
    }
    struct pollfd entry = {pidfd, POLLIN, 0};
    int ready = poll(&entry, 1, 0);
    if (ready < 0) return -errno;
    if (ready > 0) result->ended = 2;
    return 0;
}

static void set_default_signals(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; number++) sigaction(number, &action, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void close_from(unsigned first) {
    if (syscall(SYS_close_range, first, ~0U, 0) == 0) return;
    for (int fd = (int)first; fd < 65536; fd++) close(fd);
}

/// Tells the parent where and why the child failed, and ends it.
__attribute__((noreturn)) static void fail(int fd, int stage) {
    int report[2] = {stage, errno};
    ssize_t written = write(fd, report, sizeof report);
    (void)written;
    _exit(127);
}

enum { failure_fd = 3, go_fd = 4, status_fd = 5 };

/// One line at once, before this process ends. It is for agents, not for power losses: whether what the program wrote
/// outlives one nobody knows, so nothing is gained by this line outliving it, and a sync costs more than most programs.
static void write_status(const char *text, size_t length) {
    ssize_t count;
    do { count = pwrite(status_fd, text, length, 0); } while (count < 0 && errno == EINTR);
    (void)count;
}

static void write_wait_status(unsigned status) {
    char text[12];
    size_t start = sizeof text;
    text[--start] = '\n';
    do {
        text[--start] = (char)('0' + status % 10);
        status /= 10;
    } while (status > 0 && start > 0);
    write_status(text + start, sizeof text - start);
}

/// Waits for the program in place of an agent that may be gone by then. Holds nothing open that the program writes to.
__attribute__((noreturn)) static void monitor(pid_t program) {
    prctl(PR_SET_NAME, "redops-monitor", 0, 0, 0);
    for (int fd = 0; fd <= go_fd; fd++) close(fd);
    int status = 0;
    pid_t found;
    do { found = waitpid(program, &status, 0); } while (found < 0 && errno == EINTR);
    if (found != program) _exit(127);
    write_wait_status((unsigned)status);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/// Returns in the program-to-be; the caller stays behind as its monitor.
static void leave_monitor(void) {
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &all, NULL);
    pid_t program = fork();
    if (program < 0) fail(failure_fd, redops_stage_session);
    if (program > 0) monitor(program);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

__attribute__((noreturn)) static void run_child(const struct redops_spawn *spawn, int go, int failure, int null) {
    set_default_signals();
    // First out of the way of 0 to 5, then to their places.
    go = fcntl(go, F_DUPFD, 64);
    failure = fcntl(failure, F_DUPFD, 64);
    int output = fcntl(spawn->output, F_DUPFD, 64);
    int errors = fcntl(spawn->errors < 0 ? spawn->output : spawn->errors, F_DUPFD, 64);
    int input = fcntl(spawn->input < 0 ? null : spawn->input, F_DUPFD, 64);
    int status = spawn->status < 0 ? -1 : fcntl(spawn->status, F_DUPFD, 64);
    if (go < 0 || failure < 0 || output < 0 || errors < 0 || input < 0) _exit(127);
    if (spawn->status >= 0 && (status < 0 || dup3(status, status_fd, O_CLOEXEC) < 0)) _exit(127);
    if (dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(errors, 2) < 0) _exit(127);
    if (dup3(failure, failure_fd, O_CLOEXEC) < 0 || dup3(go, go_fd, O_CLOEXEC) < 0) _exit(127);
    close_from(status < 0 ? status_fd : status_fd + 1);
    if (setsid() < 0) fail(failure_fd, redops_stage_session);
    char leave;
    ssize_t count;
    do { count = read(go_fd, &leave, 1); } while (count < 0 && errno == EINTR);
    if (count != 1) {
        if (status >= 0) write_status("-\n", 2);
        _exit(127);
    }
    if (status >= 0) leave_monitor();
    umask(022);
    if (spawn->root && (chroot(spawn->root) != 0 || chdir("/") != 0)) fail(failure_fd, redops_stage_root);
    if (spawn->set_ids) {
        if (setgroups(spawn->group_count, spawn->groups) != 0 || setgid(spawn->gid) != 0 || setuid(spawn->uid) != 0)
            fail(failure_fd, redops_stage_user);
    }
    if (chdir(spawn->directory ? spawn->directory : "/") != 0) fail(failure_fd, redops_stage_directory);
    execve(spawn->path, spawn->arguments, spawn->environment);
    fail(failure_fd, redops_stage_exec);
}

int redops_fork(const struct redops_spawn *spawn, struct redops_child *child) {
    int go[2], failure[2];
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0) return -errno;
    if (pipe2(go, O_CLOEXEC) != 0) {
        int code = errno;
        close(null);
        return -code;
    }
    if (pipe2(failure, O_CLOEXEC) != 0) {
        int code = errno;
        close(null), close(go[0]), close(go[1]);
        return -code;
    }
    // No handler of ours may run in the child.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    int code = errno;
    if (pid == 0) run_child(spawn, go[0], failure[1], null);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(null), close(go[0]), close(failure[1]);
    if (pid < 0) {
        close(go[1]), close(failure[0]);
        return -code;
    }
    child->pid = pid;
    child->go = go[1];
    child->failure = failure[0];
    return 0;
}

static void collect(pid_t pid) {
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
}

/// How often a killed child is asked for, a millisecond apart; one that hangs in the kernel is left behind.
enum { collect_attempts = 100 };

static void collect_soon(pid_t pid) {
    const struct timespec pause = {0, 1000000};
    for (int attempt = 0; attempt < collect_attempts && waitpid(pid, NULL, WNOHANG) == 0; attempt++)
        nanosleep(&pause, NULL);
}

int redops_begin(struct redops_child *child, int patience_ms, int *stage) {
    *stage = redops_stage_none;
    ssize_t count;
    // The pipe has no other reader than the child: if that is gone, the failure pipe says so next.
    sigset_t pipe_signal, before;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    do { count = write(child->go, "g", 1); } while (count < 0 && errno == EINTR);
    struct timespec now = {0, 0};
    if (count < 0) sigtimedwait(&pipe_signal, NULL, &now);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(child->go);
    struct pollfd told = {child->failure, POLLIN, 0};
    int ready;
    do { ready = poll(&told, 1, patience_ms); } while (ready < 0 && errno == EINTR);
    if (ready == 0) {
        close(child->failure);
        child->go = child->failure = -1;
        // With a monitor, the program-to-be is another process of its group.
        kill(-child->pid, SIGKILL);
        kill(child->pid, SIGKILL);
        collect_soon(child->pid);
        return -ETIMEDOUT;
    }
    int report[2] = {0, 0};
    ssize_t length;
    do { length = read(child->failure, report, sizeof report); } while (length < 0 && errno == EINTR);
    close(child->failure);
    child->go = child->failure = -1;
    if (length == 0 && count == 1) return 0;
    collect(child->pid);
    if (length == sizeof report) {
        *stage = report[0];
        return -report[1];
    }
    return -ECHILD;
}

void redops_abandon(struct redops_child *child) {
    close(child->go);
    close(child->failure);
    child->go = child->failure = -1;
    kill(child->pid, SIGKILL);
    collect(child->pid);
}
