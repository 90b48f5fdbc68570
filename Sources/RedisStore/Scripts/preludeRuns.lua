-- Prelude of every script that works on one queue of runs: a server's or a pool's.
--
-- KEYS  1 ready  2 delayed  3 retries  4 active  5 jobs  6 claims  7 tries  8 ended  9 cancels  10 idle  11 members
--       12 doubts  13 wake (of the server; unused for a pool)  14 pools of the server  15 labels of the server; and where it
--       is not an executor that calls, whose rights end there: 16 pools of the shard  17 fence  18 refused
-- ARGV  1 prefix of the queue's keys  2 "server" or "pool"  3 name; a script's own follow from 4
-- Keys of single results and outputs are made from the prefix: they are in the same slot.
--
-- A job's body in `jobs` is `P AA F TTTTTTTTTTTTT {…}`: priority, attempts, `r` if it is safe to repeat or `-`, the time
-- when it was enqueued, and its JSON. It stays there as long as the id is known. An open job is in exactly one of ready,
-- delayed, retries and active; after that in ended, with a hash of its result. A claim is `attempt time server token`;
-- what an ended attempt left is `attempt token error` in tries. Of a pool, `doubts` has the server of each job that is
-- dead because that server, which had begun it, is silent.
local K = {
  ready = KEYS[1], delayed = KEYS[2], retries = KEYS[3], active = KEYS[4], jobs = KEYS[5], claims = KEYS[6],
  tries = KEYS[7], ended = KEYS[8], cancels = KEYS[9], idle = KEYS[10], members = KEYS[11], doubts = KEYS[12],
  wake = KEYS[13], own_pools = KEYS[14], labels = KEYS[15], pools = KEYS[16], fence = KEYS[17], refused = KEYS[18],
}
local prefix, is_pool, name = ARGV[1], ARGV[2] == 'pool', ARGV[3]
local ENDED_KEPT = is_pool and ENDED_OF_POOL or ENDED_OF_SERVER

local function result_key(id) return prefix .. 'result:' .. id end
local function output_key(id) return prefix .. 'output:' .. id end

-- The higher priority first, and of one priority the earlier. A double holds it: 9e13 is far below 2^53.
local function ready_score(body, at) return text((9 - (tonumber(string.sub(body, 1, 1)) or 5)) * 1e13 + at) end
local function most_attempts(body) return tonumber(string.sub(body, 3, 4)) or 1 end
local function is_repeatable(body) return string.sub(body, 6, 6) == 'r' end

local function wake()
  if is_pool then return end
  local reply = redis.pcall('LPUSH', K.wake, '1')
  if type(reply) == 'table' and reply.err then
    redis.call('DEL', K.wake)
    redis.call('LPUSH', K.wake, '1')
  end
  redis.call('LTRIM', K.wake, 0, 0)
end

-- Executors of a pool that said they are free, the latest first: the caller wakes them, for their keys are elsewhere. They
-- come last until they say it again, so that the next job wakes others.
local function idle_ones(count, at)
  if not is_pool then return {} end
  local names = redis.call('ZREVRANGE', K.idle, 0, count - 1)
  for _, woken in ipairs(names) do redis.call('ZADD', K.idle, text(at - IDLE_FOR + WOKEN_FOR), woken) end
  return names
end

local function split_claim(claim) return string.match(claim, '^(%d+) (%d+) (%S+) (%S+)$') end
local function split_try(try) return string.match(try, '^(%d+) (%S+) (.*)$') end

-- Fields of a result: none where somebody's hand left something else there.
local function result_of(id, ...)
  local found = redis.pcall('HMGET', result_key(id), ...)
  return found.err and {} or found
end

-- One job is over. What it was in before is left by the caller. With `scores`, its place among the ended ones is only added
-- there, for one ZADD of many, and what earlier attempts left is removed by the caller.
local function end_run(id, state, attempt, claimed_at, server, token, failure, exit, at, scores)
  local values = { 'state', state, 'attempt', attempt, 'finishedAt', at, 'token', token }
  if claimed_at ~= '' then
    values[9], values[10], values[11], values[12] = 'claimedAt', claimed_at, 'server', server
  end
  local count = #values
  if failure ~= '' then values[count + 1], values[count + 2] = 'error', failure; count = count + 2 end
  if exit ~= '' then values[count + 1], values[count + 2] = 'exitCode', exit end
  local reply = redis.pcall('HSET', result_key(id), unpack(values))
  if type(reply) == 'table' and reply.err then
    redis.call('DEL', result_key(id))
    redis.call('HSET', result_key(id), unpack(values))
  end
  if not scores then
    redis.call('ZADD', K.ended, at, id)
    redis.call('HDEL', K.tries, id)
  else
    scores[#scores + 1], scores[#scores + 2] = at, id
  end
end

-- Of the ended ones the oldest go, beyond the number and the time that are kept; a bounded number at once. The latest stay
-- whatever their number, up to a limit: whoever enqueues once more after a lost answer has to meet them.
local function trim_ended(at)
  local known = redis.call('ZCARD', K.ended)
  if known == 0 then return end
  local old = redis.call('ZCOUNT', K.ended, '-inf', text(at - ENDED_FOR))
  local rested = redis.call('ZCOUNT', K.ended, '-inf', text(at - ENDED_AT_LEAST))
  local count = math.max(math.min(known - ENDED_KEPT, rested), known - ENDED_MOST, old)
  count = math.min(count, LARGEST_BATCH)
  if count <= 0 then return end
  local ids = redis.call('ZRANGE', K.ended, 0, count - 1)
  redis.call('ZREMRANGEBYRANK', K.ended, 0, count - 1)
  redis.call('HDEL', K.jobs, unpack(ids))
  redis.call('HDEL', K.doubts, unpack(ids))
  redis.call('HDEL', K.tries, unpack(ids))
  local keys = {}
  for index, id in ipairs(ids) do keys[2 * index - 1], keys[2 * index] = result_key(id), output_key(id) end
  redis.call('DEL', unpack(keys))
end

-- ready, delayed, active, or how it ended; nil if there is no such job.
local function state_of(id)
  if redis.call('ZSCORE', K.ended, id) then return result_of(id, 'state')[1] or 'dead' end
  if redis.call('ZSCORE', K.active, id) or redis.call('HEXISTS', K.claims, id) == 1 then return 'active' end
  if redis.call('ZSCORE', K.delayed, id) or redis.call('ZSCORE', K.retries, id) then return 'delayed' end
  if redis.call('HEXISTS', K.jobs, id) == 1 then return 'ready' end
  return nil
end
