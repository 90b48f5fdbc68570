-- Prelude: the clock, the change feed and the events. Expects K, channel, shard and the bounds.
local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- A number as Redis and Swift write it: all digits, no exponent.
local function text(number) return string.format('%.0f', number) end

-- One entry that names a key, and a hint to whoever waits.
local function change(subject, of, what)
  redis.call('XADD', K.changes, 'MAXLEN', '~', FEED_ENTRIES, '*', 'kind', subject, 'name', of, 'what', what)
  redis.call('PUBLISH', channel, shard)
end

-- Events from five arguments each: at, severity, subject, reason, message. Returns the index after the last.
local function add_events(index, count)
  for _ = 1, count do
    redis.call('XADD', K.events, 'MAXLEN', '~', EVENT_ENTRIES, '*', 'at', ARGV[index], 'severity', ARGV[index + 1],
      'subject', ARGV[index + 2], 'reason', ARGV[index + 3], 'message', ARGV[index + 4])
    index = index + 5
  end
  return index
end
