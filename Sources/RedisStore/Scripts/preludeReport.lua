-- Prelude: the report of one instance, by itself or with the end of a job.
--
-- Arguments from `index`: identity of the agent or '', app, generation, digest, digest of all fields, mode (part, full,
-- gone), number of values, name and value of each, number of removed names, each name.
local function read_report(index)
  local report = {
    agent = ARGV[index], app = ARGV[index + 1], generation = ARGV[index + 2], digest = ARGV[index + 3],
    fieldsDigest = ARGV[index + 4], mode = ARGV[index + 5], values = {}, removed = {},
  }
  local count = tonumber(ARGV[index + 6])
  index = index + 7
  for _ = 1, count do
    report.values[ARGV[index]] = ARGV[index + 1]
    index = index + 2
  end
  for offset = 1, tonumber(ARGV[index]) do report.removed[offset] = ARGV[index + offset] end
  return report
end

-- A new hash goes on from the highest revision of those that are gone, so that no job id comes twice.
local function keep_floor(revision)
  local number = tonumber(revision or '')
  if number and number > (tonumber(redis.call('GET', K.floor) or '') or 0) then
    redis.call('SET', K.floor, revision)
  end
end

local function forget_observed(app)
  keep_floor(redis.call('HGET', observed_key(app), 'revision'))
  redis.call('DEL', observed_key(app))
  redis.call('HDEL', K.summary, server .. '/' .. app)
end

-- Writes what differs; returns whether anything did.
local function write_fields(key, report)
  local is_changed = false
  if report.mode == 'full' then
    for _, name in ipairs(redis.call('HKEYS', key)) do
      if string.find(name, ':', 1, true) and report.values[name] == nil then
        redis.call('HDEL', key, name)
        is_changed = true
      end
    end
  end
  for name, value in pairs(report.values) do
    if redis.call('HGET', key, name) ~= value then
      redis.call('HSET', key, name, value)
      is_changed = true
    end
  end
  for _, name in ipairs(report.removed) do
    if redis.call('HDEL', key, name) == 1 then is_changed = true end
  end
  return is_changed
end

local function write_report(report, at)
  local key = observed_key(report.app)
  -- A server is known by what its monitor reports.
  redis.call('ZADD', K.heartbeats, 'XX', text(at), server)
  if report.mode == 'gone' then
    if redis.call('EXISTS', key) == 0 then return 0 end
    forget_observed(report.app)
    if redis.call('EXISTS', control_key(report.app)) == 0 then leave_instances(report.app) end
    change('instance', instance_name(report.app), 'observed')
    return 0
  end
  local before = redis.call('HMGET', key, 'revision', 'generation', 'digest', 'fieldsDigest')
  -- A revision that is no number is written over: it cannot be compared with anything.
  local revision = tonumber(before[1] or '') or tonumber(redis.call('GET', K.floor) or '') or 0
  local is_changed = write_fields(key, report)
  if not tonumber(before[1] or '') or before[2] ~= report.generation or before[3] ~= report.digest
    or before[4] ~= report.fieldsDigest then
    is_changed = true
  end
  redis.call('HSET', key, 'reportedAt', text(at))
  if not is_changed then return revision end
  revision = revision + 1
  redis.call('HSET', key, 'revision', text(revision), 'generation', report.generation, 'digest', report.digest,
    'fieldsDigest', report.fieldsDigest)
  join_instances(report.app)
  redis.call('HSET', K.summary, server .. '/' .. report.app, text(revision) .. ':' .. report.fieldsDigest)
  change('instance', instance_name(report.app), 'observed')
  return revision
end
