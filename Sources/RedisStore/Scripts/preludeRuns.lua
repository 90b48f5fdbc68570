-- Prelude of every script that works on one queue of runs: a server's or a pool's.
--
-- KEYS  1 ready  2 delayed  3 retries  4 active  5 jobs  6 claims  7 tries  8 ended  9 cancels  10 idle  11 members
--       12 doubts  13 results  14 told  15 wake (of the server; unused for a pool)  16 pools of the server  17 labels of the
--       server  18 agent that stands for the server; of a pool its epochs; and where it is not an executor that calls, whose
--       rights end there: 19 pools of the shard  20 fence  21 refused
-- ARGV  1 prefix of the queue's keys  2 "server" or "pool"  3 name; a script's own follow from 4
-- Keys of single outputs and told ends are made from the prefix: they are in the same slot.
--
-- A job's body in `jobs` is `P AA F TTTTTTTTTTTTT {…}`: priority, attempts, `r` if it is safe to repeat or `-`, the time
-- when it was enqueued, and its JSON. It stays there as long as the id is known. An open job is in exactly one of ready,
-- delayed, retries and active; after that in ended. A claim is `attempt time server token`; what an ended attempt left is
-- `attempt token error` in tries; a result is `state time exit-code claim error`, with - for a code that there is not and
-- for each word of a claim that there was not. One line of one hash, and no hash of its own: a key for each job is a third
-- of what a job costs. Only the end of a job in `told` becomes a hash too, for the script that waits for it. `doubts` has
-- the server of each job that is dead because the agent that had begun it is silent, of a server's queue another agent; `epochs`
-- has the highest epoch under which each member's agent came to the pool.
local K = {
  ready = KEYS[1], delayed = KEYS[2], retries = KEYS[3], active = KEYS[4], jobs = KEYS[5], claims = KEYS[6],
  tries = KEYS[7], ended = KEYS[8], cancels = KEYS[9], idle = KEYS[10], members = KEYS[11], doubts = KEYS[12],
  results = KEYS[13], told = KEYS[14], wake = KEYS[15], own_pools = KEYS[16], labels = KEYS[17], agent = KEYS[18],
  epochs = KEYS[18], pools = KEYS[19], fence = KEYS[20], refused = KEYS[21],
}
local prefix, is_pool, name = ARGV[1], ARGV[2] == 'pool', ARGV[3]
local ENDED_KEPT = is_pool and ENDED_OF_POOL or ENDED_OF_SERVER

local function told_key(id) return prefix .. 'result:' .. id end
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

-- Words of a claim, with - for what is not known.
local function claim_of(attempt, claimed_at, by, holder)
  return (attempt or '1') .. ' ' .. (claimed_at or '-') .. ' ' .. (by or '-') .. ' ' .. (holder or '-')
end
local function split_claim(claim) return string.match(claim, '^(%d+) (%d+) (%S+) (%S+)$') end
-- Whether a claim, if there is one, is of the attempt with this token.
local function is_claim_of(claim, own)
  return claim and string.sub(claim, -#own) == own and string.byte(claim, -#own - 1) == 32
end

local function split_try(try) return string.match(try, '^(%d+) (%S+) (.*)$') end

-- The words of a result: state, time, exit code, attempt, when it was claimed, server, token, error. nil where there is none.
local function result_of(id)
  local line = redis.call('HGET', K.results, id)
  if not line then return nil end
  return string.match(line, '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) ?(.*)$')
end

-- What is left of a job that had ended, where it is not over after all.
local function forget_end(id)
  redis.call('ZREM', K.ended, id)
  redis.call('HDEL', K.results, id)
  redis.call('HDEL', K.doubts, id)
  redis.call('DEL', told_key(id))
end

-- The end of a job for whoever waits for it, as a hash of its own.
local function tell(id)
  local values = { result_of(id) }
  values[1] = values[1] or 'dead'
  local fields = { 'state', 'finishedAt', 'exitCode', 'attempt', 'claimedAt', 'server', '', 'error' }
  redis.call('DEL', told_key(id))
  for index, field in ipairs(fields) do
    local value = values[index]
    if field ~= '' and value and value ~= '-' and value ~= '' then redis.call('HSET', told_key(id), field, value) end
  end
end

-- So many jobs are over: what they were in before is left by the caller. `lines` has id and result of each in turn,
-- `scores` its time and id.
local function end_runs(ids, lines, scores)
  redis.call('HSET', K.results, unpack(lines))
  redis.call('ZADD', K.ended, unpack(scores))
  if redis.call('EXISTS', K.tries) == 1 then redis.call('HDEL', K.tries, unpack(ids)) end
  if redis.call('EXISTS', K.told) == 0 then return end
  for _, id in ipairs(ids) do
    if redis.call('SISMEMBER', K.told, id) == 1 then tell(id) end
  end
end

local function result_line(state, claim, failure, exit, at)
  local line = state .. ' ' .. at .. ' ' .. (exit == '' and '-' or exit) .. ' ' .. claim
  return failure == '' and line or line .. ' ' .. failure
end

local function end_run(id, state, claim, failure, exit, at)
  end_runs({ id }, { id, result_line(state, claim, failure, exit, at) }, { at, id })
end

-- Ended jobs that are known no more.
local function forget(ids)
  redis.call('HDEL', K.jobs, unpack(ids))
  redis.call('HDEL', K.results, unpack(ids))
  redis.call('HDEL', K.doubts, unpack(ids))
  local keys = {}
  for index, id in ipairs(ids) do keys[index] = output_key(id) end
  redis.call('DEL', unpack(keys))
  if redis.call('EXISTS', K.told) == 0 then return end
  for _, id in ipairs(ids) do
    if redis.call('SREM', K.told, id) == 1 then redis.call('DEL', told_key(id)) end
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
  forget(ids)
end

-- ready, delayed, active, or how it ended; nil if there is no such job.
local function state_of(id)
  if redis.call('ZSCORE', K.ended, id) then return result_of(id) or 'dead' end
  if redis.call('ZSCORE', K.active, id) or redis.call('HEXISTS', K.claims, id) == 1 then return 'active' end
  if redis.call('ZSCORE', K.delayed, id) or redis.call('ZSCORE', K.retries, id) then return 'delayed' end
  if redis.call('HEXISTS', K.jobs, id) == 1 then return 'ready' end
  return nil
end
