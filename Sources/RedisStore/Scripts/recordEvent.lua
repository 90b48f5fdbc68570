-- Adds one event to its shard.
--
-- KEYS  as in preludeEvents.lua
-- ARGV  1 epoch, "" for nobody's  2 nonce  3–7 event (at, severity, subject, reason, message)
-- Returns OK, or the error FENCED.
if ARGV[1] ~= '' then
  local refusal = fenced(ARGV[1], ARGV[2])
  if refusal then return refusal end
end
add_events(3, 1)
return redis.status_reply('OK')
