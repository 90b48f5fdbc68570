// One blocking GET by libcurl, which is opened when it is first used: a program that never asks does not pay for it.
#ifndef REDOPS_CCURL_H
#define REDOPS_CCURL_H

#include <stddef.h>

struct redops_http_answer {
    /// The HTTP status; 0 if there was none.
    long status;
    /// Why there was none: a text that ends with NUL.
    char error[256];
};

/// GETs `url` (http or https only) within `timeout_ms` in all, without proxy, redirects, signals or reuse of connections.
/// `resolved` are the addresses of its host, as in `*:80:127.0.0.1,[::1]` with its port, so that no name is looked up; NULL
/// where it is an address itself. No more than `maximum_body` bytes are taken; the body is thrown away. Returns 0, or -1
/// with `error` set.
int redops_http_get(
    const char *url, const char *resolved, long timeout_ms, size_t maximum_body, struct redops_http_answer *answer);

#endif
