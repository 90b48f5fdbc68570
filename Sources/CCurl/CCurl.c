#define _GNU_SOURCE
#include "CCurl.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

// The header is needed to build, the library only to run; its calls go through this table.
static struct {
    CURLcode (*global_init)(long);
    CURL *(*easy_init)(void);
    CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
    CURLcode (*easy_perform)(CURL *);
    CURLcode (*easy_getinfo)(CURL *, CURLINFO, ...);
    void (*easy_cleanup)(CURL *);
    const char *(*easy_strerror)(CURLcode);
    struct curl_slist *(*slist_append)(struct curl_slist *, const char *);
    void (*slist_free_all)(struct curl_slist *);
} curl;

static pthread_once_t opened = PTHREAD_ONCE_INIT;
static char open_error[200];

static void *find(void *library, const char *name) {
    void *symbol = dlsym(library, name);
    if (!symbol && !open_error[0]) snprintf(open_error, sizeof open_error, "libcurl has no %s", name);
    return symbol;
}

static void open_library(void) {
    static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4", NULL};
    void *library = NULL;
    for (int i = 0; names[i] && !library; i++) library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        snprintf(open_error, sizeof open_error, "libcurl.so.4 is not installed (Debian: apt-get install libcurl4)");
        return;
    }
    *(void **)&curl.global_init = find(library, "curl_global_init");
    *(void **)&curl.easy_init = find(library, "curl_easy_init");
    *(void **)&curl.easy_setopt = find(library, "curl_easy_setopt");
    *(void **)&curl.easy_perform = find(library, "curl_easy_perform");
    *(void **)&curl.easy_getinfo = find(library, "curl_easy_getinfo");
    *(void **)&curl.easy_cleanup = find(library, "curl_easy_cleanup");
    *(void **)&curl.easy_strerror = find(library, "curl_easy_strerror");
    *(void **)&curl.slist_append = find(library, "curl_slist_append");
    *(void **)&curl.slist_free_all = find(library, "curl_slist_free_all");
    if (!open_error[0] && curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        snprintf(open_error, sizeof open_error, "libcurl could not be set up");
}

/// How much of a body may still come; after that the transfer is ended, which is no error.
struct body {
    size_t left;
    int full;
};

static size_t take(char *bytes, size_t size, size_t count, void *context) {
    (void)bytes;
    struct body *body = context;
    size_t length = size * count;
    if (length > body->left) {
        body->full = 1;
        return 0;
    }
    body->left -= length;
    return length;
}

static int fail(struct redops_http_answer *answer, const char *text) {
    snprintf(answer->error, sizeof answer->error, "%s", text);
    return -1;
}

// Debian 12 has 7.88 and newer systems 8: the option by name where the header has it.
#ifndef CURLOPT_PROTOCOLS_STR
#if LIBCURL_VERSION_NUM >= 0x075500
#define REDOPS_PROTOCOLS_STR 1
#endif
#endif

int redops_http_get(
    const char *url, const char *resolved, long timeout_ms, size_t maximum_body, struct redops_http_answer *answer) {
    memset(answer, 0, sizeof *answer);
    pthread_once(&opened, open_library);
    if (open_error[0]) return fail(answer, open_error);
    CURL *handle = curl.easy_init();
    if (!handle) return fail(answer, "libcurl has no memory");
    struct curl_slist *names = resolved ? curl.slist_append(NULL, resolved) : NULL;
    if (resolved && !names) {
        curl.easy_cleanup(handle);
        return fail(answer, "libcurl has no memory");
    }
    struct body body = {maximum_body, 0};
    curl.easy_setopt(handle, CURLOPT_URL, url);
#ifdef REDOPS_PROTOCOLS_STR
    curl.easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl.easy_setopt(handle, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    curl.easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl.easy_setopt(handle, CURLOPT_NOPROXY, "*");
    curl.easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    curl.easy_setopt(handle, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl.easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms);
    curl.easy_setopt(handle, CURLOPT_FRESH_CONNECT, 1L);
    curl.easy_setopt(handle, CURLOPT_FORBID_REUSE, 1L);
    curl.easy_setopt(handle, CURLOPT_USERAGENT, "redops");
    curl.easy_setopt(handle, CURLOPT_WRITEFUNCTION, take);
    curl.easy_setopt(handle, CURLOPT_WRITEDATA, &body);
    // A lookup of libcurl's own has no deadline that holds: a transfer waits at its end for one that hangs.
    curl.easy_setopt(handle, CURLOPT_RESOLVE, names);
    CURLcode code = curl.easy_perform(handle);
    int done = code == CURLE_OK || (code == CURLE_WRITE_ERROR && body.full);
    if (done) curl.easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &answer->status);
    curl.easy_cleanup(handle);
    curl.slist_free_all(names);
    if (done) return 0;
    // The reason by its code only: the buffer of libcurl's errors holds times, which would make every look a change.
    return fail(answer, curl.easy_strerror(code));
}
