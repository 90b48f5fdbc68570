// hiredis' reply parser with callbacks of our own, so that a reply becomes one flat run of tokens over one run of bytes
// instead of a tree of `redisReply` with two allocations for each string. Swift cannot implement hiredis' callbacks itself
// without a call through a thunk for each string, and their types changed from 0.14 to 1.x: this hides both.
//
// A reply is its tokens in reading order: an array's token, then its elements' tokens, and so on inwards.
// Guarantees: tokens and bytes stay valid until the next call of feed or next.
// Assumption: one thread at a time uses a reader.

#ifndef REDOPS_CHIREDIS_H
#define REDOPS_CHIREDIS_H

#include <stddef.h>
#include <stdint.h>

enum {
    ch_kind_string = 1,
    ch_kind_array = 2,
    ch_kind_integer = 3,
    ch_kind_null = 4,
    ch_kind_status = 5,
    ch_kind_error = 6,
};

typedef struct ch_token {
    int32_t kind;
    /// The length of a string, the number of elements of an array, or the integer.
    int64_t value;
    /// Where a string begins in the bytes.
    size_t offset;
} ch_token;

typedef struct ch_reader ch_reader;

/// A reader, or NULL if there is no memory.
ch_reader *_Nullable ch_reader_create(void);
void ch_reader_free(ch_reader *_Nonnull reader);

/// Appends what was received; 0, or -1 if there is no memory or the stream was broken before.
int ch_reader_feed(ch_reader *_Nonnull reader, const void *_Nullable bytes, size_t count);

/// Parses one reply: 1 if it is complete, 0 if more must be fed, -1 if the stream is broken for good.
int ch_reader_next(ch_reader *_Nonnull reader);

/// The complete reply.
const ch_token *_Nullable ch_reader_tokens(const ch_reader *_Nonnull reader);
size_t ch_reader_token_count(const ch_reader *_Nonnull reader);
const char *_Nullable ch_reader_bytes(const ch_reader *_Nonnull reader);

/// Why the stream is broken.
const char *_Nonnull ch_reader_error(const ch_reader *_Nonnull reader);

#endif
