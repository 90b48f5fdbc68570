-- Everything that one reconcile of an instance writes.
--
-- KEYS, ARGV 1–4  as in preludeServer.lua
-- ARGV  5 epoch  6 nonce  7 app  8 expected revision  9 expected open job, "" for none  10 keep, set or remove
--       11 assignment  12 its generation  13 its digest  14 phase  15 message  16 digest last met  17 "1": cancel the
--       open job if it has not started  18 job id, "" for none  19 job  20 its kind  21 its generation  22 its epoch
--       23… number of opened drifts, field and record of each; number of repaired ones, likewise; number of events,
--       five arguments each
-- Returns OK, or the errors FENCED, CONFLICT.
local refusal = fenced(ARGV[5], ARGV[6])
if refusal then return refusal end
local app, mode, new_job = ARGV[7], ARGV[10], ARGV[18]
local control = control_key(app)
local revision = redis.call('HGET', observed_key(app), 'revision') or '0'
if revision ~= ARGV[8] then return redis.error_reply('CONFLICT revision ' .. revision) end
local open = redis.call('HGET', control, 'job') or ''
if open ~= ARGV[9] then
  return redis.error_reply('CONFLICT ' .. (open == '' and 'no open job' or 'job ' .. open))
end
local cancels = ARGV[17] == '1' and open ~= '' and is_unstarted(open)
local known = new_job ~= '' and redis.call('HGET', job_key(new_job), 'state')
local is_new = new_job ~= '' and (not known or known == 'cancelled')
if is_new and open ~= '' and not cancels then return redis.error_reply('CONFLICT job ' .. open .. ' is not over') end

local function drift_records(index)
  local records = {}
  for offset = 1, tonumber(ARGV[index]) do
    records[offset] = { field = ARGV[index + 2 * offset - 1], json = ARGV[index + 2 * offset] }
  end
  return records, index + 1 + 2 * #records
end
local opened, repaired, index
opened, index = drift_records(23)
repaired, index = drift_records(index)

local function move_assignments(at)
  local moved = math.max(tonumber(redis.call('GET', K.assignments) or '0') + 1, at)
  redis.call('SET', K.assignments, text(moved))
  wake()
end

local at = now()
if cancels then end_job(open, 'cancelled', nil, at) end
if mode == 'remove' then
  if redis.call('EXISTS', control) == 1 or redis.call('EXISTS', observed_key(app)) == 1 then
    forget_observed(app)
    redis.call('DEL', control, assignment_key(app))
    leave_instances(app)
    move_assignments(at)
  end
else
  join_instances(app)
  redis.call('HSET', control, 'phase', ARGV[14], 'message', ARGV[15], 'metDigest', ARGV[16])
  for _, record in ipairs(opened) do redis.call('HSET', control, 'drift:' .. record.field, record.json) end
  for _, record in ipairs(repaired) do redis.call('HDEL', control, 'drift:' .. record.field) end
  if mode == 'set' and redis.call('GET', assignment_key(app)) ~= ARGV[11] then
    redis.call('SET', assignment_key(app), ARGV[11])
    redis.call('HSET', control, 'assignmentGeneration', ARGV[12], 'assignmentDigest', ARGV[13])
    if (redis.call('HGET', control, 'roundGeneration') or '0') ~= ARGV[12] then
      redis.call('HDEL', control, 'round', 'roundGeneration', 'roundEndedAt', 'roundError')
    end
    move_assignments(at)
  end
end
if is_new then
  -- What failed before was another job of another generation.
  if (redis.call('HGET', control, 'roundGeneration') or '') ~= ARGV[21] then redis.call('HDEL', control, 'roundError') end
  enqueue(new_job, app, ARGV[19], ARGV[20], ARGV[21], ARGV[22], at, ARGV[8])
  if mode ~= 'remove' then redis.call('HSET', control, 'job', new_job) end
end
for _, record in ipairs(repaired) do
  redis.call('XADD', K.drifts, 'MAXLEN', '~', DRIFT_ENTRIES, '*', 'app', app, 'drift', record.json)
end
add_events(index + 1, tonumber(ARGV[index]))
change('instance', instance_name(app), 'committed')
return redis.status_reply('OK')
