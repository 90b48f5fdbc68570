-- Prelude: what the agent of a Server is told of its Server, kept under the agent's own keys. Expects K, now and text.
-- How often it is to report, in milliseconds; '' forgets it. The agent reads it with its assignments, and so is told that
-- these moved.
local function set_report_interval(milliseconds)
  if (redis.call('GET', K.interval) or '') == milliseconds then return end
  if milliseconds == '' then redis.call('DEL', K.interval) else redis.call('SET', K.interval, milliseconds) end
  local moved = math.max(tonumber(redis.call('GET', K.assignments) or '0') + 1, now())
  redis.call('SET', K.assignments, text(moved))
  redis.call('LPUSH', K.wake, '1')
  redis.call('LTRIM', K.wake, 0, 0)
end

-- Its labels, one `key=value` a line behind a first line `labels`; '' leaves those that are known.
local function set_labels(labels)
  if labels ~= '' then redis.call('SET', K.labels, labels) end
end
