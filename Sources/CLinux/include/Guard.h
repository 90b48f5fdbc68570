// A command that must not outlive its guardian: what `opsapply lock` runs.
#ifndef REDOPS_GUARD_H
#define REDOPS_GUARD_H

#include <sys/types.h>

/// All strings and arrays belong to the caller until `redops_guarded_start` returns.
struct redops_guarded {
    const char *path;          ///< of the program, with a slash
    char *const *arguments;    ///< ends with NULL
    char *const *environment;  ///< ends with NULL
    int patience_ms;           ///< from TERM to KILL of the group, where this process dies
    int terminal;              ///< becomes the command's; -1 for none
};

struct redops_guard {
    pid_t pid;       ///< of the command, and of its process group
    pid_t guardian;  ///< ends the group where this process dies
    int line;        ///< as long as it is open, the guardian waits
};

/// Starts a command in a process group of its own, with the standard files, the folder and the limits of this process.
/// Returns 0, or -errno. The calling thread must live as long as the command: the kernel kills the command when that
/// thread ends, however that comes about.
int redops_guarded_start(const struct redops_guarded *guarded, struct redops_guard *guard);

/// Ends the guardian and gives the terminal back. The command is not touched.
void redops_guard_dismiss(struct redops_guard *guard, int terminal);

/// Whether this process was started with a signal ignored, as nohup does.
int redops_is_ignored(int number);

#endif
