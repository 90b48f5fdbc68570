-- Adds one event to its shard.
--
-- KEYS  1 events  2 fence  3 refused
-- ARGV  1 epoch, "" for nobody's  2 nonce  3–7 event (at, severity, subject, reason, message)
-- Returns OK, or the error FENCED.
local K = { events = KEYS[1], fence = KEYS[2], refused = KEYS[3] }
if ARGV[1] ~= '' then
  local refusal = fenced(ARGV[1], ARGV[2])
  if refusal then return refusal end
end
add_events(3, 1)
return redis.status_reply('OK')
