// The kernel kills the command itself when its starter dies (PR_SET_PDEATHSIG), which nothing can prevent or delay. What it
// started has no such signal, so a second child, the guardian, waits for the end of a pipe that only its starter holds,
// and then ends the whole group. It has no open files but that and hears no signals, so nothing waits for it.
#define _GNU_SOURCE

#include "Guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

static void close_all_from(unsigned first) {
    if (syscall(SYS_close_range, first, ~0U, 0) == 0) return;
    for (int fd = (int)first; fd < 65536; fd++) close(fd);
}

static ssize_t read_fully(int fd, void *buffer, size_t size) {
    ssize_t count;
    do { count = read(fd, buffer, size); } while (count < 0 && errno == EINTR);
    return count;
}

// All signals are blocked here: what comes meanwhile is delivered to the command.
__attribute__((noreturn)) static void become_command(
    const struct redops_guarded *guarded, pid_t parent, int go, int failure) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    // It may have died before the kernel was told.
    eventfd_t leave;
    if (getppid() != parent || read_fully(go, &leave, sizeof leave) != sizeof leave) _exit(127);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(guarded->path, guarded->arguments, guarded->environment);
    int code = errno;
    ssize_t written = write(failure, &code, sizeof code);
    (void)written;
    _exit(127);
}

__attribute__((noreturn)) static void become_guardian(pid_t group, int line, int patience_ms) {
    setsid();
    if (dup2(line, 0) < 0) _exit(127);
    close_all_from(1);
    char never;
    read_fully(0, &never, 1);
    kill(-group, SIGTERM);
    kill(-group, SIGCONT);
    poll(NULL, 0, patience_ms);
    kill(-group, SIGKILL);
    _exit(0);
}

static void collect_child(pid_t pid) {
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
}

static int start(const struct redops_guarded *guarded, struct redops_guard *guard, int go, int failure[2], int line) {
    pid_t parent = getpid();
    guard->pid = fork();
    if (guard->pid < 0) return errno;
    if (guard->pid == 0) {
        close(failure[0]), close(line), close(guard->line);
        become_command(guarded, parent, go, failure[1]);
    }
    close(failure[1]);
    failure[1] = -1;
    setpgid(guard->pid, guard->pid);
    guard->guardian = fork();
    if (guard->guardian < 0) return errno;
    if (guard->guardian == 0) become_guardian(guard->pid, line, guarded->patience_ms);
    if (guarded->terminal >= 0) tcsetpgrp(guarded->terminal, guard->pid);
    int code = 0;
    if (eventfd_write(go, 1) != 0) return errno;
    return read_fully(failure[0], &code, sizeof code) == sizeof code ? code : 0;
}

int redops_guarded_start(const struct redops_guarded *guarded, struct redops_guard *guard) {
    guard->pid = guard->guardian = guard->line = -1;
    int line[2], failure[2];
    int go = eventfd(0, EFD_CLOEXEC);
    if (go < 0) return -errno;
    if (pipe2(line, O_CLOEXEC) != 0) return close(go), -errno;
    if (pipe2(failure, O_CLOEXEC) != 0) return close(go), close(line[0]), close(line[1]), -errno;
    guard->line = line[1];
    // No handler of ours may run in a child, and handing over the terminal must not stop us.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = start(guarded, guard, go, failure, line[0]);
    close(go), close(line[0]), close(failure[0]);
    if (failure[1] >= 0) close(failure[1]);
    if (code != 0) {
        if (guard->pid > 0) collect_child(guard->pid);
        redops_guard_dismiss(guard, guarded->terminal);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -code;
}

void redops_guard_dismiss(struct redops_guard *guard, int terminal) {
    if (guard->guardian > 0) collect_child(guard->guardian);
    close(guard->line);
    guard->guardian = guard->line = -1;
    if (terminal < 0) return;
    sigset_t stop, before;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTTOU);
    pthread_sigmask(SIG_BLOCK, &stop, &before);
    tcsetpgrp(terminal, getpgrp());
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

int redops_is_ignored(int number) {
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}
