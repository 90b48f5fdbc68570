// What a supervising program needs and Swift cannot call: `prctl` is variadic, and a signal handler must be C.

#ifndef REDOPS_SUPERVISE_H
#define REDOPS_SUPERVISE_H

/// Orphaned descendants become children of this process, so that it can see and end them. 0, or an error number.
int redops_become_subreaper(void);

/// From now on each of these signals is one byte, its number, in the pipe whose reading end is returned (non-blocking);
/// a negative error number if that cannot be. To be called once.
int redops_watch_signals(const int *numbers, int count);

#endif
