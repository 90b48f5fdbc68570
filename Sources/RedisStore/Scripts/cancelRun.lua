-- Takes back a job that has not begun, and tells the executor of one that has.
--
-- KEYS, ARGV 1–3  as in preludeRuns.lua
-- ARGV  4 epoch and 5 nonce of the leader, "" for none  6 id
-- Returns {cancelled}, {asked, server}, {over, state} or {unknown}, or the error FENCED.
if ARGV[4] ~= '' then
  local refusal = fenced(ARGV[4], ARGV[5])
  if refusal then return refusal end
end
local id = ARGV[6]
local state = state_of(id)
if not state then return { 'unknown' } end
local at = now()
local claim = redis.call('HGET', K.claims, id)
if state == 'active' then
  local _, _, by = split_claim(claim or '')
  local lease_end = tonumber(redis.call('ZSCORE', K.active, id) or '0')
  if by and lease_end > at then
    redis.call('SADD', K.cancels, id)
    wake()
    return { 'asked', by }
  end
elseif state ~= 'ready' and state ~= 'delayed' then
  return { 'over', state }
end
-- Its executor is silent, or nobody has begun it.
local attempt, claimed_at, by, holder = split_claim(claim or '')
if not attempt then attempt = split_try(redis.call('HGET', K.tries, id) or '') or '0' end
end_run(id, 'cancelled', claim_of(attempt, claimed_at, by, holder), '', '', text(at))
for _, key in ipairs({ K.ready, K.delayed, K.retries, K.active }) do redis.call('ZREM', key, id) end
redis.call('HDEL', K.claims, id)
redis.call('SREM', K.cancels, id)
return { 'cancelled' }
