-- Prelude: the change feed and the events. Expects K, channel, shard, the clock and the bounds.
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
