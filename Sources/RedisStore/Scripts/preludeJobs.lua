-- Prelude: transitions of jobs. A job is a hash; while it is open it is in `open` and in exactly one of ready, delayed
-- and active; after that in `ended`.
local function leave_queue(id)
  redis.call('ZREM', K.ready, id)
  redis.call('ZREM', K.delayed, id)
  redis.call('ZREM', K.active, id)
end

local function make_ready(id, at)
  leave_queue(id)
  redis.call('HDEL', job_key(id), 'token', 'dueAt')
  redis.call('HSET', job_key(id), 'state', 'ready')
  redis.call('ZADD', K.ready, text(at), id)
end

-- One that was cancelled may come again under its id: it was never done.
local function enqueue(id, app, json, kind, generation, epoch, at, revision)
  redis.call('DEL', job_key(id))
  redis.call('ZREM', K.ended, id)
  redis.call('HSET', job_key(id), 'state', 'ready', 'attempt', 0, 'enqueuedAt', text(at), 'app', app, 'kind', kind,
    'generation', generation, 'epoch', epoch, 'job', json, 'revision', revision or '')
  redis.call('SADD', K.open, id)
  redis.call('ZADD', K.ready, text(at), id)
  wake()
end

-- The job is over: its instance is free for the next one, and of the ended ones the oldest go.
local function end_job(id, state, failure, at)
  local key = job_key(id)
  leave_queue(id)
  redis.call('SREM', K.open, id)
  redis.call('HDEL', key, 'token', 'dueAt', 'error')
  redis.call('HSET', key, 'state', state, 'finishedAt', text(at))
  if failure then redis.call('HSET', key, 'error', failure) end
  local control = control_key(redis.call('HGET', key, 'app') or '')
  if redis.call('HGET', control, 'job') == id then redis.call('HDEL', control, 'job') end
  redis.call('ZADD', K.ended, text(at), id)
  local excess = redis.call('ZCARD', K.ended) - ENDED_JOBS
  if excess > 0 then
    for _, old in ipairs(redis.call('ZRANGE', K.ended, 0, excess - 1)) do redis.call('DEL', job_key(old)) end
    redis.call('ZREMRANGEBYRANK', K.ended, 0, excess - 1)
  end
end

-- Over while the drift stays: the instance's next round.
local function next_round(id, failure, at)
  local job = redis.call('HMGET', job_key(id), 'app', 'kind', 'generation')
  local control = control_key(job[1] or '')
  if job[2] ~= 'apply' or redis.call('EXISTS', control) == 0 then return end
  local state = redis.call('HMGET', control, 'round', 'roundGeneration')
  local round = 1
  if state[2] == job[3] then round = tonumber(state[1] or '0') + 1 end
  redis.call('HSET', control, 'round', round, 'roundGeneration', job[3], 'roundEndedAt', text(at), 'roundError', failure)
end

local function kill_job(id, failure, at)
  end_job(id, 'dead', failure, at)
  next_round(id, failure, at)
end

-- An attempt that nobody will complete any more.
local function give_back(id, why, at)
  local job = redis.call('HMGET', job_key(id), 'attempt', 'app')
  if tonumber(job[1] or '0') < MAXIMUM_ATTEMPTS then return make_ready(id, at) end
  kill_job(id, why .. ', at attempt ' .. MAXIMUM_ATTEMPTS .. ' of ' .. MAXIMUM_ATTEMPTS, at)
  change('instance', instance_name(job[2] or '_'), 'job')
end

-- A leader's job that an agent may have refused for good reason: of an epoch before the one that the shard accepts writes
-- from, or of a generation before the one that is assigned now.
local function is_outdated(id)
  local job = redis.call('HMGET', job_key(id), 'kind', 'epoch', 'app', 'generation')
  local sealed = tonumber(redis.call('HGET', K.fence, 'epoch') or '') or 0
  local assigned = tonumber(redis.call('HGET', control_key(job[3] or ''), 'assignmentGeneration') or '') or 0
  return job[1] == 'apply'
    and ((tonumber(job[2] or '') or 0) < sealed or (tonumber(job[4] or '') or 0) < assigned)
end

local function is_unstarted(id)
  local state = redis.call('HGET', job_key(id), 'state')
  return state == 'ready' or state == 'delayed'
end
