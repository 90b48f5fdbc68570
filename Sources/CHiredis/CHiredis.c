#include "CHiredis.h"

#include <hiredis/hiredis.h>
#include <hiredis/read.h>
#include <stdlib.h>
#include <string.h>

// What a reader keeps allocated between replies; one huge reply does not stay in memory for good.
#define CH_KEEP_BYTES ((size_t)1 << 20)
#define CH_KEEP_TOKENS ((size_t)1 << 15)
#define CH_KEEP_UNREAD ((size_t)1 << 18)

struct ch_reader {
    redisReader *parser;
    ch_token *tokens;
    size_t token_count, token_capacity;
    char *bytes;
    size_t byte_count, byte_capacity;
    int complete;
};

// hiredis keeps what a callback returns as the reply, and takes NULL for "out of memory".
#define CH_MADE ((void *)1)

static ch_token *append_token(ch_reader *reader, int kind, long long value) {
    if (reader->token_count == reader->token_capacity) {
        size_t capacity = reader->token_capacity ? reader->token_capacity * 2 : 64;
        ch_token *grown = realloc(reader->tokens, capacity * sizeof(ch_token));
        if (!grown) return NULL;
        reader->tokens = grown;
        reader->token_capacity = capacity;
    }
    ch_token *token = &reader->tokens[reader->token_count++];
    token->kind = kind;
    token->value = value;
    token->offset = reader->byte_count;
    return token;
}

static int reserve_bytes(ch_reader *reader, size_t count) {
    size_t needed = reader->byte_count + count;
    if (needed <= reader->byte_capacity) return 1;
    size_t capacity = reader->byte_capacity ? reader->byte_capacity : 1024;
    while (capacity < needed) capacity *= 2;
    char *grown = realloc(reader->bytes, capacity);
    if (!grown) return 0;
    reader->bytes = grown;
    reader->byte_capacity = capacity;
    return 1;
}

static void *create_string(const redisReadTask *task, char *text, size_t length) {
    ch_reader *reader = task->privdata;
    int kind = task->type;
    if (kind != ch_kind_status && kind != ch_kind_error) kind = ch_kind_string;
    if (!reserve_bytes(reader, length)) return NULL;
    if (!append_token(reader, kind, (long long)length)) return NULL;
    if (length) memcpy(reader->bytes + reader->byte_count, text, length);
    reader->byte_count += length;
    return CH_MADE;
}

static void *create_integer(const redisReadTask *task, long long value) {
    return append_token(task->privdata, ch_kind_integer, value) ? CH_MADE : NULL;
}

static void *create_null(const redisReadTask *task) {
    return append_token(task->privdata, ch_kind_null, 0) ? CH_MADE : NULL;
}

static void free_object(void *object) { (void)object; }

#if HIREDIS_MAJOR >= 1
static void *create_array(const redisReadTask *task, size_t count) {
    return append_token(task->privdata, ch_kind_array, (long long)count) ? CH_MADE : NULL;
}

// RESP3 only; it is never asked for, but a parser without these would crash on it.
static void *create_double(const redisReadTask *task, double value, char *text, size_t length) {
    (void)value;
    return create_string(task, text, length);
}

static void *create_bool(const redisReadTask *task, int value) {
    return append_token(task->privdata, ch_kind_integer, value) ? CH_MADE : NULL;
}

static redisReplyObjectFunctions functions = {
    .createString = create_string,
    .createArray = create_array,
    .createInteger = create_integer,
    .createDouble = create_double,
    .createNil = create_null,
    .createBool = create_bool,
    .freeObject = free_object,
};
#else
static void *create_array(const redisReadTask *task, int count) {
    return append_token(task->privdata, ch_kind_array, count) ? CH_MADE : NULL;
}

static redisReplyObjectFunctions functions = {
    .createString = create_string,
    .createArray = create_array,
    .createInteger = create_integer,
    .createNil = create_null,
    .freeObject = free_object,
};
#endif

ch_reader *ch_reader_create(void) {
    ch_reader *reader = calloc(1, sizeof(ch_reader));
    if (!reader) return NULL;
    reader->parser = redisReaderCreateWithFunctions(&functions);
    if (!reader->parser) {
        free(reader);
        return NULL;
    }
    reader->parser->privdata = reader;
    reader->parser->maxbuf = CH_KEEP_UNREAD;
    reader->complete = 1;
    return reader;
}

void ch_reader_free(ch_reader *reader) {
    redisReaderFree(reader->parser);
    free(reader->tokens);
    free(reader->bytes);
    free(reader);
}

int ch_reader_feed(ch_reader *reader, const void *bytes, size_t count) {
    return redisReaderFeed(reader->parser, bytes, count) == REDIS_OK ? 0 : -1;
}

static void begin_reply(ch_reader *reader) {
    reader->token_count = 0;
    reader->byte_count = 0;
    if (reader->token_capacity > CH_KEEP_TOKENS) {
        free(reader->tokens);
        reader->tokens = NULL;
        reader->token_capacity = 0;
    }
    if (reader->byte_capacity > CH_KEEP_BYTES) {
        free(reader->bytes);
        reader->bytes = NULL;
        reader->byte_capacity = 0;
    }
    reader->complete = 0;
}

int ch_reader_next(ch_reader *reader) {
    if (reader->complete) begin_reply(reader);
    void *reply = NULL;
    if (redisReaderGetReply(reader->parser, &reply) != REDIS_OK) return -1;
    if (!reply) return 0;
    reader->complete = 1;
    return 1;
}

const ch_token *ch_reader_tokens(const ch_reader *reader) { return reader->tokens; }
size_t ch_reader_token_count(const ch_reader *reader) { return reader->token_count; }
const char *ch_reader_bytes(const ch_reader *reader) { return reader->bytes; }
const char *ch_reader_error(const ch_reader *reader) { return reader->parser->errstr; }
