-- One visit of an executor: what ended, which leases go on, what is due, then what it has room for.
--
-- KEYS, ARGV 1–3  as in preludeRuns.lua
-- ARGV  4 server  5 token of new attempts  6 lease in ms  7 limit  8 "1": the executor restarted  9 "1": this turn may have
--       been taken before  10 identity of the agent (`journal@boot`), or ''  11 its place  12 for a pool: its epoch
--       13 number of completions; id, token, done | failed | dead | cancelled, error, ms to the next
--       attempt and exit code of each; number of heartbeats; id and token of each
-- Returns {now, when the next is due or 0, ids to cancel, ids that were lost, pools, labels, epoch of the agent, id, body,
-- attempt, …}. Where another agent stands for the server, ends and heartbeats are taken and nothing else is done; instead
-- of the epoch there is {its place, when it was heard of}.
local server, token, lease, limit = ARGV[4], ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])
local identity = ARGV[10]
local journal = string.match(identity, '^[^@]*')
local at = now()
local at_text, lease_end = text(at), text(at + lease)
local lost, cancelled = {}, {}

local function flat(list, first, width, offset)
  local values = {}
  for index = 1, tonumber(list[first]) do values[index] = list[first + (index - 1) * width + offset] end
  return values
end

-- The same end said again, or the truth about an attempt that was given up as in doubt.
local function is_told_again(id, own, result, failure, exit)
  local _, _, _, attempt, claimed_at, by, holder = result_of(id)
  if holder == own then
    if redis.call('HDEL', K.doubts, id) == 1 then
      local state = result == 'failed' and 'dead' or result
      end_run(id, state, claim_of(attempt, claimed_at, by, holder), failure, exit, at_text)
    end
    return true
  end
  local try = redis.call('HGET', K.tries, id)
  if not try then return false end
  local _, last = split_try(try)
  return last == own
end

-- How an attempt that failed goes on: nil where it is tried again, or how the job ends.
local function after_failure(id, claim, own, failure, wait)
  local body = redis.call('HGET', K.jobs, id) or ''
  if redis.call('SISMEMBER', K.cancels, id) == 1 then return 'cancelled' end
  local attempt = split_claim(claim)
  if tonumber(attempt) >= most_attempts(body) then return 'dead' end
  redis.call('HSET', K.tries, id, attempt .. ' ' .. own .. ' ' .. failure)
  redis.call('ZADD', K.retries, text(at + tonumber(wait)), id)
  return nil
end

local function complete(first)
  local count = tonumber(ARGV[first])
  if count == 0 then return first + 1 end
  local ids = flat(ARGV, first, 6, 1)
  local claims = redis.call('HMGET', K.claims, unpack(ids))
  local over, ended, lines, scores = {}, {}, {}, {}
  for index = 1, count do
    local base = first + (index - 1) * 6
    local id, claim, own, state = ids[index], claims[index], ARGV[base + 2], ARGV[base + 3]
    local failure, exit = ARGV[base + 4], ARGV[base + 6]
    if not is_claim_of(claim, own) then
      if not is_told_again(id, own, state, failure, exit) then lost[#lost + 1] = id end
    else
      over[#over + 1] = id
      if state == 'failed' then state = after_failure(id, claim, own, failure, ARGV[base + 5]) end
      if state then
        local place = #lines
        ended[#ended + 1] = id
        lines[place + 1], lines[place + 2] = id, result_line(state, claim, failure, exit, at_text)
        scores[place + 1], scores[place + 2] = at_text, id
      end
    end
  end
  -- First how it ended: should a script be cut off there by what somebody's hand left, the claim still stands.
  if #ended > 0 then end_runs(ended, lines, scores) end
  if #over > 0 then
    redis.call('HDEL', K.claims, unpack(over))
    redis.call('ZREM', K.active, unpack(over))
    if redis.call('EXISTS', K.cancels) == 1 then redis.call('SREM', K.cancels, unpack(over)) end
  end
  return first + 1 + 6 * count
end

-- It was cancelled while its executor was silent, which is at it still.
local function is_cancelled(id, attempt_token)
  local state, _, _, _, _, _, holder = result_of(id)
  return state == 'cancelled' and holder == attempt_token
end

local function beat(first)
  local count = tonumber(ARGV[first])
  if count == 0 then return end
  local ids, tokens = flat(ARGV, first, 2, 1), flat(ARGV, first, 2, 2)
  local claims = redis.call('HMGET', K.claims, unpack(ids))
  local scores = {}
  for index = 1, count do
    if is_claim_of(claims[index], tokens[index]) then
      scores[#scores + 1], scores[#scores + 2] = lease_end, ids[index]
    elseif is_cancelled(ids[index], tokens[index]) then
      cancelled[#cancelled + 1] = ids[index]
    else
      lost[#lost + 1] = ids[index]
    end
  end
  if #scores > 0 then redis.call('ZADD', K.active, unpack(scores)) end
end

local reply = { at, 0, cancelled, lost, {}, false, 0 }
local given = 0
local function give(id, body, attempt)
  local place = #reply
  reply[place + 1], reply[place + 2], reply[place + 3] = id, body, tonumber(attempt)
  given = given + 1
end

-- Whether only another agent's journal can know how far the attempt with this token came.
local function is_others(holder)
  local owner = string.match(holder or '', '^([^:]+):')
  return owner and owner ~= journal
end

local function give_again(id, body, attempt)
  redis.call('HSET', K.claims, id, attempt .. ' ' .. at_text .. ' ' .. server .. ' ' .. token)
  redis.call('ZADD', K.active, lease_end, id)
  give(id, body, attempt)
end

-- Where a job goes whose attempt nobody will tell the end of.
local function put_back(id, body, claim)
  local attempt, claimed_at, by, holder = split_claim(claim or '')
  attempt = attempt or '1'
  claim = claim_of(attempt, claimed_at, by, holder)
  if redis.call('SISMEMBER', K.cancels, id) == 1 then
    end_run(id, 'cancelled', claim, '', '', at_text)
  elseif (is_pool or is_others(holder)) and not is_repeatable(body) then
    local who = (is_pool and '' or 'another agent of ') .. (by or 'somebody')
    end_run(id, 'dead', claim,
      'in doubt: ' .. who .. ' had begun it and was not heard of for longer than its lease', '', at_text)
    redis.call('HSET', K.doubts, id, by or '')
  elseif tonumber(attempt) >= most_attempts(body) + MOST_LOST then
    end_run(id, 'dead', claim, 'its lease ended ' .. attempt .. ' times', '', at_text)
  else
    redis.call('HSET', K.tries, id, attempt .. ' - its lease ended')
    redis.call('ZADD', K.ready, ready_score(body, at), id)
  end
end

local function give_back(id, claim)
  local body = redis.call('HGET', K.jobs, id)
  -- What is over stays so, whoever put it here.
  if body and not redis.call('ZSCORE', K.ended, id) then put_back(id, body, claim) end
  redis.call('ZREM', K.active, id)
  redis.call('HDEL', K.claims, id)
  redis.call('SREM', K.cancels, id)
end

local function each_active(low, high, most, handle)
  local ids = redis.call('ZRANGEBYSCORE', K.active, low, high, 'LIMIT', 0, most)
  for first = 1, #ids, LARGEST_BATCH do
    local part = {}
    for index = first, math.min(first + LARGEST_BATCH - 1, #ids) do part[#part + 1] = ids[index] end
    local claims = redis.call('HMGET', K.claims, unpack(part))
    for index, id in ipairs(part) do handle(id, claims[index]) end
  end
end

-- What this agent had, it has again: only its own journal knows how far that came. It is the same attempt that goes on:
-- a restart takes nobody's retries. What another agent of this server had is left until its lease ends.
local function take_again(id, claim)
  local attempt, _, by, holder = split_claim(claim or '')
  if by ~= server or is_others(holder) then return end
  local body = redis.call('HGET', K.jobs, id)
  if not body then return give_back(id, claim) end
  give_again(id, body, attempt)
end

-- A restarted executor's journal knows how what is in doubt because of it ended, or how far it came.
local function ask_again()
  for _, id in ipairs(redis.call('HKEYS', K.doubts)) do
    local body = redis.call('HGET', K.doubts, id) == server and redis.call('HGET', K.jobs, id)
    local _, _, _, attempt, _, _, holder = result_of(id)
    if body and not is_others(holder) then
      attempt = tonumber(attempt) or 1
      forget_end(id)
      give_again(id, body, attempt)
    end
  end
end

local function promote_delayed()
  local due = redis.call('ZRANGEBYSCORE', K.delayed, '-inf', at_text, 'WITHSCORES', 'LIMIT', 0, LARGEST_BATCH)
  if #due == 0 then return end
  local ids = {}
  for index = 1, #due, 2 do ids[#ids + 1] = due[index] end
  local bodies = redis.call('HMGET', K.jobs, unpack(ids))
  local scores = {}
  for index, id in ipairs(ids) do
    if bodies[index] then
      scores[#scores + 1], scores[#scores + 2] = ready_score(bodies[index], tonumber(due[2 * index])), id
    end
  end
  if #scores > 0 then redis.call('ZADD', K.ready, unpack(scores)) end
  redis.call('ZREM', K.delayed, unpack(ids))
end

-- However many retries are due, they take what room the others leave, and an eighth in any case: a storm of them makes
-- nobody late.
local function promote_retries(room)
  local count = math.max(math.ceil(room / 8), room - redis.call('ZCARD', K.ready))
  local ids = redis.call('ZRANGEBYSCORE', K.retries, '-inf', at_text, 'LIMIT', 0, count)
  for _, id in ipairs(ids) do
    local body = redis.call('HGET', K.jobs, id)
    redis.call('ZREM', K.retries, id)
    if body then redis.call('ZADD', K.ready, ready_score(body, at), id) end
  end
end

local function claim(room)
  local ids = redis.call('ZRANGE', K.ready, 0, room - 1)
  if #ids == 0 then return end
  redis.call('ZREMRANGEBYRANK', K.ready, 0, #ids - 1)
  local bodies = redis.call('HMGET', K.jobs, unpack(ids))
  local tries = redis.call('HLEN', K.tries) > 0 and redis.call('HMGET', K.tries, unpack(ids)) or {}
  local claims, scores = {}, {}
  local rest = ' ' .. at_text .. ' ' .. server .. ' ' .. token
  for index, id in ipairs(ids) do
    local body = bodies[index]
    if body then
      local attempt = (tries[index] and tonumber((split_try(tries[index]))) or 0) + 1
      local place = #claims
      claims[place + 1], claims[place + 2] = id, attempt .. rest
      scores[place + 1], scores[place + 2] = lease_end, id
      give(id, body, attempt)
    end
  end
  if #claims == 0 then return end
  redis.call('HSET', K.claims, unpack(claims))
  redis.call('ZADD', K.active, unpack(scores))
end

-- What somebody's hand, or a lost part, left without its place in the queue. A few at a time; whether there was any.
local function sweep()
  local found = false
  local claims = redis.call('HRANDFIELD', K.claims, SWEPT, 'WITHVALUES')
  for index = 1, #claims, 2 do
    if not redis.call('ZSCORE', K.active, claims[index]) then redis.call('ZADD', K.active, lease_end, claims[index]) end
  end
  for _, id in ipairs(redis.call('HRANDFIELD', K.jobs, SWEPT)) do
    if not redis.call('ZSCORE', K.ready, id) and not redis.call('ZSCORE', K.active, id)
      and not redis.call('ZSCORE', K.ended, id) and not redis.call('ZSCORE', K.delayed, id)
      and not redis.call('ZSCORE', K.retries, id) and redis.call('HEXISTS', K.claims, id) == 0 then
      redis.call('ZADD', K.ready, ready_score(redis.call('HGET', K.jobs, id), at), id)
      found = true
    end
  end
  return found
end

-- The agent that this queue gives nothing to, because another stands for the server. A pool is in another shard than the
-- server, so it knows the epochs that came: of agents of one server, it gives nothing to one before the latest that it met.
local function other()
  if not is_pool then
    local holder, epoch = stand(identity, ARGV[11], at)
    reply[7] = holder or epoch
    if holder then reply[2] = holder[2] + AGENT_SILENCE end
    return holder
  end
  local epoch, latest = tonumber(ARGV[12]), tonumber(redis.call('HGET', K.epochs, server) or '') or 0
  -- An epoch is hardly above the clock: somebody's hand was there.
  if not (latest <= at + EPOCH_AHEAD) then latest = 0 end
  if epoch < latest then
    reply[7] = { '?', at }
    return true
  end
  if epoch > latest and redis.call('SISMEMBER', K.members, server) == 1 then
    redis.call('HSET', K.epochs, server, ARGV[12])
  end
  return false
end

local function take()
  if ARGV[8] == '1' then
    each_active('-inf', '+inf', MOST_ORPHANS, take_again)
    ask_again()
  elseif ARGV[9] == '1' then
    each_active('-inf', '+inf', MOST_ORPHANS, function(id, own)
      local _, _, _, holder = split_claim(own or '')
      if holder == token then take_again(id, own) end
    end)
  end
  each_active('-inf', at_text, LARGEST_BATCH, give_back)
  promote_delayed()
  local comes_back = false
  if limit > given then
    promote_retries(limit - given)
    local room = limit - given
    if is_pool then
      -- Where others are free too, each takes its share, and comes back for what nobody else took.
      redis.call('ZREM', K.idle, server)
      local ready = redis.call('ZCARD', K.ready)
      room = math.min(room, math.ceil(ready / (redis.call('ZCARD', K.idle) + 1)))
      comes_back = room < math.min(ready, limit - given)
    end
    if room > 0 then claim(room) end
  end
  if given < limit then
    -- Who has nothing to do has time for it; a queue that is never empty is looked through once in a while.
    if given == 0 or at % 16 == 0 then comes_back = sweep() or comes_back end
    if is_pool then
      redis.call('ZADD', K.idle, at_text, server)
      redis.call('ZREMRANGEBYSCORE', K.idle, '-inf', text(at - IDLE_FOR))
    end
  elseif is_pool then
    redis.call('ZREM', K.idle, server)
  end
  -- Of a pool only the latest few who are free look after what comes due: the others would all wake for the same.
  local rank = is_pool and redis.call('ZREVRANK', K.idle, server)
  if not is_pool or (rank and rank < TIMEKEEPERS) then
    -- Who has no room for a retry comes back when it has, and not before for that.
    for _, key in ipairs({ K.delayed, K.active, given < limit and K.retries or nil }) do
      local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
      if first[2] and (reply[2] == 0 or tonumber(first[2]) < reply[2]) then reply[2] = tonumber(first[2]) end
    end
  end
  if comes_back then reply[2] = at + SHARE_PAUSE end
  if not is_pool then
    reply[5] = redis.call('SMEMBERS', K.own_pools)
    reply[6] = redis.call('GET', K.labels)
  end
end

beat(complete(13))
if not other() then take() end
if given == 0 or ARGV[13] ~= '0' then trim_ended(at) end
for _, id in ipairs(redis.call('SMEMBERS', K.cancels)) do
  local own = redis.call('HGET', K.claims, id)
  local _, _, by = split_claim(own or '')
  if by == server then cancelled[#cancelled + 1] = id end
  if not own then redis.call('SREM', K.cancels, id) end
end
return reply
