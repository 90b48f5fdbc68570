-- A job that is dead or cancelled is ready again, as if it were enqueued now.
--
-- KEYS, ARGV 1–3  as in preludeRuns.lua
-- ARGV  4 id
-- Returns {1, executors to wake}, or {0, {}}.
local id = ARGV[4]
local body = redis.call('HGET', K.jobs, id)
local state = body and redis.call('ZSCORE', K.ended, id) and state_of(id)
if state ~= 'dead' and state ~= 'cancelled' then return { 0, {} } end
local at = now()
body = string.sub(body, 1, 7) .. text(at) .. string.sub(body, 21)
forget_end(id)
redis.call('DEL', output_key(id))
redis.call('HDEL', K.tries, id)
redis.call('HSET', K.jobs, id, body)
redis.call('ZADD', K.ready, ready_score(body, at), id)
wake()
return { 1, idle_ones(1, at) }
